/** References of the bitmaps extension: directory, tables, and clusters of bits (qcow2.txt, "Bitmaps"). */
import { HIGH, LOW, wordsInPlace } from '../format/bytes';
import type { Qcow2Image } from '../image/qcow2Image';
import { SCRATCH_SIZE, withScratch } from '../image/scratch';
import type { Progress } from '../progress';
import type { ReferenceReceiver } from './referenceReceiver';

/** @throws FileError, CancelledError */
export function forEachBitmapReference(
  image: Qcow2Image,
  receiver: Pick<ReferenceReceiver, 'region' | 'bitmapEntry'>,
  progress: Progress,
): void {
  const { bitmaps } = image.extensions;
  if (bitmaps === undefined) return;
  receiver.region('bitmap directory', bitmaps.directoryOffset, bitmaps.directorySize, 1, {});
  for (const { offset, tableOffset, tableSize } of image.bitmaps) {
    receiver.region('bitmap table', tableOffset, tableSize * 8, 1, { at: offset });
    forEachTableEntry(image, tableOffset, tableSize * 8, receiver, progress);
  }
}

function forEachTableEntry(
  { file }: Qcow2Image,
  start: number,
  size: number,
  receiver: Pick<ReferenceReceiver, 'bitmapEntry'>,
  progress: Progress,
): void {
  withScratch(({ bytes: buffer }) => {
    for (let done = 0; done < size && start + done < file.size; done += SCRATCH_SIZE) {
      progress.checkCancelled();
      const bytes = buffer.subarray(0, Math.min(SCRATCH_SIZE, size - done));
      const extent = file.extentAt(start + done);
      if (extent.isHole && extent.end >= start + done + bytes.length) continue;
      file.read(bytes, start + done);
      const words = wordsInPlace(bytes);
      for (let at = 0; at < words.length; at += 2) {
        if ((words[at]! | words[at + 1]!) !== 0) {
          receiver.bitmapEntry(start + done + at * 4, words[at + HIGH]!, words[at + LOW]!);
        }
      }
    }
  });
}
