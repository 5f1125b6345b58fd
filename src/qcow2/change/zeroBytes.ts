/** Zeroes in files: put there, and looked for. */
import type { BlockFile } from '../io/blockFile';
import type { WritableFile } from '../io/writableFile';
import { withScratch } from '../image/scratch';
import { isZero } from '../isZero';
import { type ByteLength, hostOffset, type HostOffset } from '../units';

/** Fills any range of bytes with zeroes. */
export function zeroFill(file: WritableFile, offset: HostOffset, length: ByteLength): void {
  const end = offset + length;
  const from = hostOffset(Math.min(end, Math.ceil(offset / 8) * 8));
  const to = hostOffset(Math.max(from, Math.floor(end / 8) * 8));
  if (from > offset) file.write(new Uint8Array(from - offset), offset);
  if (to > from) file.fill(from, to - from);
  if (end > to) file.write(new Uint8Array(end - to), to);
}

/**
 * Visits stretches of a file between `start` and `end` that hold something other than zeroes; a stretch may hold
 * zeroes as well.
 */
export function forEachNonZero(
  file: BlockFile,
  start: HostOffset,
  end: HostOffset,
  visit: (offset: HostOffset, length: ByteLength) => void,
): void {
  withScratch(({ bytes: buffer }) => {
    for (let at = start; at < end;) {
      const extent = file.extentAt(at);
      if (extent.isHole) {
        at = extent.end;
        continue;
      }
      const stop = hostOffset(Math.min(end, extent.end, at + buffer.length));
      const bytes = buffer.subarray(0, stop - at);
      file.read(bytes, at);
      if (!isZero(bytes)) visit(at, stop - at);
      at = stop;
    }
  });
}
