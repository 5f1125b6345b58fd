/** Sentences on partition tables. */
export const PARTITION_TEXT = {
  'partition.overlap': '{what} at offset {offset} overlaps {value}',
  'partition.primaryGpt':
    'The primary GPT is damaged, and its backup is used: repair it with gdisk in the guest (recovery menu, then w)',
  'partition.backupGpt':
    'The backup GPT is damaged or missing: repair it with gdisk in the guest (verify, then w)',
  'partition.staleGpt':
    'A GPT at offset {offset} does not belong to the partition table: remove it (wipefs shows it) or repair the table',
  'partition.noGpt': 'The MBR announces a GPT, but neither the primary nor the backup GPT is valid',
  'partition.hybrid': 'Hybrid MBR: entry {value} is not a partition of the GPT',
  'partition.dynamic':
    '{what} is of type {value}: what lies where is managed by another system (dynamic disk)',
  'partition.fileSystem': 'The first sector holds both a partition table and the start of a file system',
  'partition.empty': 'The partition table has no partitions',
  'partition.none': 'The disk has no partition table',
} as const;
