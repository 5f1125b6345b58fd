/** Raw external data files: what their image zeroes or discards is zeroed in them as well. */
import { type GuestOffset, hostOffset, plus, rawHostOffset } from '../units';
import type { ImageWriter } from './imageWriter';
import { forEachNonZero, zeroFill } from './zeroBytes';

/** Zeroes the guest bytes from `start` to `end` in the data file, but where they are zero already. */
export function zeroRawData(writer: ImageWriter, start: GuestOffset, end: GuestOffset): void {
  const { context, tally } = writer;
  if (!context.image.features.rawExternalData || !context.image.hasDataFile) return;
  const { dataFile } = writer;
  let pendingStart = hostOffset(0);
  let pendingEnd = hostOffset(0);
  const flush = (): void => {
    if (pendingEnd === pendingStart) return;
    zeroFill(dataFile, pendingStart, pendingEnd - pendingStart);
    tally.rawBytesZeroed += pendingEnd - pendingStart;
    writer.hasWrittenData = true;
  };
  const stop = hostOffset(Math.min(end, dataFile.size));
  forEachNonZero(dataFile, rawHostOffset(start), stop, (offset, length) => {
    if (offset !== pendingEnd) {
      flush();
      pendingStart = offset;
    }
    pendingEnd = plus(offset, length);
  });
  flush();
}
