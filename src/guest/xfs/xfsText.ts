/** The sentences for problems that only XFS has. */
export const XFS_TEXT = {
  'xfs.notClosed':
    'The log was not closed: start and shut down the guest, or mount and unmount the file system, or run xfs_repair',
  'xfs.logUnclear':
    '{what} at offset {offset}: {value} is not valid (expected: {limit}), so that the log cannot be shown to be closed. Start and shut down the guest, or run xfs_repair',
  'xfs.externalLog': 'The log is on another device: this file system cannot be shown to be closed',
  'xfs.inProgress': 'The file system was not made completely: run mkfs.xfs or xfs_repair',
  'xfs.needsRepair': 'Marked as in need of repair: run xfs_repair',
  'xfs.feature':
    'Uses features that are not known here ({what}: {value}): use a newer version, if there is one',
  'xfs.shorterDevice':
    'The file system has {value} bytes, its device only {limit}: make the device as long again',
  'xfs.realtime': 'The contents are on the real-time device, which is another device: {value}',
} as const;
