/** Types of files by the numbers that directory entries of ext and XFS have for them. */
import type { FileType } from './fileSystem';

export const ENTRY_TYPES: readonly (FileType | undefined)[] = [
  undefined,
  'file',
  'folder',
  'characterDevice',
  'blockDevice',
  'pipe',
  'socket',
  'link',
];
