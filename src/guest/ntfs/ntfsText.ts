/** The sentences of problems that only NTFS has; problemText.ts adds them to its own. */
export const NTFS_TEXT = {
  'ntfs.dirty':
    'The volume is marked dirty (flags {value}). Start and shut down the guest, or run chkdsk /f in it.',
  'ntfs.flags':
    'The volume has work pending (flags {value}). Start and shut down the guest, or run chkdsk /f in it.',
  'ntfs.logOpen':
    'The volume was not closed: its log is in use. Start and shut down the guest, or run chkdsk /f in it.',
  'ntfs.logCached':
    'Windows may keep changes of this volume for a fast start (log version {value}). Shut the guest down completely: shutdown /s /t 0.',
  'ntfs.logUnreadable': 'The log cannot be read. Run chkdsk /f in the guest.',
  'ntfs.version': 'NTFS version {value} is not known (known: {limit}). Files can be read.',
  'ntfs.mirror': 'Record {value} of the master file table differs from its copy. Run chkdsk /f in the guest.',
  'ntfs.encrypted': 'The contents are encrypted. Only their owner can read them, in the guest.',
} as const;
