/** Sentences for problems that only FAT and exFAT have. */
export const FAT_TEXT = {
  'fat.dirty': 'Not closed: start and shut down the guest, or run chkdsk, fsck.fat or fsck.exfat',
  'fat.media': 'Marked as having had disk errors: run chkdsk, fsck.fat or fsck.exfat in the guest',
  'fat.copiesDiffer':
    'The copies of the file allocation table differ at offset {offset}: {value} and {limit}. Run chkdsk or fsck.fat',
  'fat.revision': 'File system revision {value} is not known to this version (known: {limit})',
  'fat.transactional': 'Transaction-safe exFAT (TexFAT): which copy is current is not known to this version',
  'fat.notAllocated': '{what} at offset {offset} is in use but marked as free: run chkdsk or fsck.exfat',
  'fat.shared': 'Folder at offset {offset}: another folder uses the same clusters. Run chkdsk or fsck',
  'fat.short': 'Ends after {value} of {limit} bytes: its cluster chain is too short. Run chkdsk or fsck',
} as const;
