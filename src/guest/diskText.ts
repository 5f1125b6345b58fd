/** Sentences on what a disk holds as a whole, and on why its file systems may not be believed. */
export const DISK_TEXT = {
  'disk.nothing': '{what}: no file system found',
  'disk.notYet': '{what}: {value} cannot be looked into yet',
  'disk.volumes': '{what} is a physical volume of {value}: see its logical volumes',
  'disk.otherSignatures':
    '{what} has more than one signature ({value}): remove the stale one with wipefs in the guest',
  'disk.outsidePartitions':
    '{value} at offset {offset} lies outside all partitions: remove it with wipefs in the guest if it is stale',
  'disk.larger': '{what}: the file system has {value} bytes, its device has {limit}',
  'disk.hibernated': '{what} holds a hibernated system ({value}): start the guest and shut it down',
  'disk.hibernationUnknown':
    '{what} may hold a hibernated Windows, which cannot be read here ({value}): its volumes are not believed',
  'disk.raid': '{what} is a member of a RAID or pool ({value})',
  'disk.notSwap': '{what} is not only a swap area',
} as const;
