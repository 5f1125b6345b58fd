/** Writing guest bytes, allocating as needed. */
import type { GuestOffset } from '../units';
import type { Change, ChangeContext } from './context';
import { DataWriter } from './dataWriter';
import { ImageWriter } from './imageWriter';

/**
 * Writes `bytes` at guest offset `start`.
 * @throws ArgumentError for bytes beyond the end of the disk; UnsupportedError for an encrypted image; RefusedError
 *   where a backing or data file that is not open is needed; FormatError, FileError, CancelledError
 */
export function writeGuest(context: ChangeContext, bytes: Uint8Array, start: GuestOffset): Change {
  const writer = new ImageWriter(context);
  writer.checkRange(start, bytes.length);
  new DataWriter(writer).write(bytes, start);
  return writer.finish('write', start, bytes.length);
}
