/** The backing file's name, which lies in the first cluster (qcow2.txt, "backing_file_offset"). */
import { FormatError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import { textOf } from './bytes';
import type { Header } from './header';
import { headerField } from './headerFields';
import { MAX_BACKING_NAME_SIZE } from './limits';

/**
 * The name as it is written; undefined where there is no backing file. An empty name is none, as QEMU has it.
 * @throws FormatError `backingName.tooLong` beyond 1023 bytes or the first cluster, FileError
 */
export function readBackingName(file: BlockFile, header: Header): string | undefined {
  const { backingFileOffset, backingFileSize, clusterSize } = header;
  if (backingFileOffset === 0) return undefined;
  const limit = Math.min(MAX_BACKING_NAME_SIZE, clusterSize - backingFileOffset);
  if (backingFileSize > limit) {
    const { offset } = headerField('backing_file_size');
    throw new FormatError(file.name, 'backingName.tooLong', { offset, value: backingFileSize, limit });
  }
  const bytes = new Uint8Array(backingFileSize);
  file.read(bytes, backingFileOffset);
  return textOf(bytes) || undefined;
}
