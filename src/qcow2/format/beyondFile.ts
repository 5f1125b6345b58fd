/** Tables that lie beyond the end of the file. */
import { FormatError } from '../errors';
import type { Fact } from '../factText';
import type { BlockFile } from '../io/blockFile';
import type { ByteLength, HostOffset } from '../units';

/**
 * QEMU reads zeroes where a table lies beyond the end of the file, and shows an empty disk without a word. Here it is
 * said; nothing is changed in such an image but by a repair.
 * @param size bytes of the table that are needed
 * @throws FormatError `table.beyondFile`
 */
export function refuseBeyondFile(file: BlockFile, what: Fact, offset: HostOffset, size: ByteLength): void {
  if (size === 0 || offset + size <= file.size) return;
  throw new FormatError(file.name, 'table.beyondFile', {
    what,
    offset,
    value: offset + size,
    limit: file.size,
  });
}
