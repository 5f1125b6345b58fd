/** References of the bitmaps extension: directory, tables, and clusters of bits (qcow2.txt, "Bitmaps"). */
import type { Qcow2Image } from '../image/qcow2Image';
import { type EntryVisitor, forEachTableEntry } from '../image/tableEntries';
import type { Progress } from '../progress';
import { plus } from '../units';
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
    const visit: EntryVisitor = (index, high, low) => {
      receiver.bitmapEntry(plus(tableOffset, index * 8), high, low);
    };
    forEachTableEntry(image.file, tableOffset, tableSize * 8, visit, () => {
      progress.checkCancelled();
    });
  }
}
