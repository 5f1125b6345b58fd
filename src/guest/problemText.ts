/**
 * The English sentence for every problem inside a disk. `{what}`, `{offset}` (as `0x…`), `{value}` and `{limit}` are filled
 * from the problem. Each file system keeps the sentences that are only its own beside its reader.
 */
import { EXT_TEXT } from './ext/extText';
import { FAT_TEXT } from './fat/fatText';
import { NTFS_TEXT } from './ntfs/ntfsText';
import { XFS_TEXT } from './xfs/xfsText';
import { PARTITION_TEXT } from './partitions/partitionText';
import { VOLUME_TEXT } from './volumes/volumeText';
import { DISK_TEXT } from './diskText';

const COMMON_TEXT = {
  'guest.beyond': '{what} at offset {offset}: {value} is beyond the end, {limit}',
  'guest.value': '{what} at offset {offset}: {value} is not valid (expected: {limit})',
  'guest.checksum': '{what} at offset {offset}: wrong checksum',
  'guest.loop': '{what} at offset {offset} leads back to itself',
  'guest.tooMany': '{what}: {value} exceed the limit of {limit}',
  'guest.noFile': 'No such file or folder',
  'guest.noPart': 'The disk has no partition or volume {value} (it has {limit})',
  'guest.noFileSystem': 'No file system that can be read (partitions and volumes: {limit})',
  'guest.ambiguous':
    '{value} is in several file systems ({limit}): begin the path with one of them, as in 1:/etc',
  'guest.notFolder': 'Not a folder',
  'guest.notFile': 'Not a file with contents',
  'guest.links': 'More than {limit} symbolic links on the way',
  'guest.notRead': '{what} cannot be read yet: {value}',
} as const;

export const GUEST_PROBLEM_TEXT = {
  ...COMMON_TEXT,
  ...DISK_TEXT,
  ...PARTITION_TEXT,
  ...VOLUME_TEXT,
  ...EXT_TEXT,
  ...FAT_TEXT,
  ...NTFS_TEXT,
  ...XFS_TEXT,
} as const;

export type GuestProblemCode = keyof typeof GUEST_PROBLEM_TEXT;
