/** What can be wrong with ext2, ext3 and ext4 only (see ../problemText.ts). */
export const EXT_TEXT = {
  'ext.unclean': 'Not closed: start and shut down the guest, or run e2fsck',
  'ext.errors': 'The file system is marked as having errors: run e2fsck in the guest',
  'ext.recover': 'The journal has not been replayed: start and shut down the guest, or run e2fsck',
  'ext.inUse': 'Another system has the file system open: shut it down',
  'ext.incompatible': 'The file system uses incompatible features that this reader does not know: {value}',
  'ext.readOnlyCompatible':
    'The file system uses features that this reader does not know and that affect free space: {value}',
  'ext.revision': 'Revision {value} of the format is newer than this reader knows ({limit})',
  'ext.journalDevice': 'This is the journal of another file system',
  'ext.larger': 'The file system has {value} bytes, its device only {limit}: run e2fsck or resize2fs',
  'ext.backup':
    'The superblock is damaged, but there is a copy in block {value}: run e2fsck -b {value} in the guest',
  'ext.freeCount':
    'Block bitmap at offset {offset}: {value} are free, {limit} by the group descriptor: run e2fsck in the guest',
  'ext.encrypted': 'Encrypted by the guest: {what} cannot be read without its key',
  'ext.compressed': 'Compressed by e2compr: the contents cannot be read',
  'ext.deleted': 'The folder names inode {value}, which is not in use: run e2fsck in the guest',
} as const;
