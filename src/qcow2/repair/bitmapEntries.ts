/**
 * Bitmap table entries that cannot be kept (qcow2.txt, "Bitmaps"). All bits set is always right: a program that relies on
 * the bitmap copies what has not changed, and misses nothing that has.
 */
import { forEachBitmapReference } from '../check/bitmapReferences';
import type { CountedImage } from '../check/checkImage';
import type { Bitmap } from '../format/bitmapDirectory';
import { ALL_ONES, isBrokenBitmapEntry } from '../format/bitmapEntry';
import { dataView, entryHex } from '../format/bytes';
import { offsetOf } from '../format/entryBits';
import { type ByteLength, guestOffset, hostCluster, type HostOffset, plus } from '../units';
import type { RepairWork } from './work';

/** @param counted after entries were repaired */
export function repairBitmapEntries(work: RepairWork, { image, counter }: CountedImage): void {
  const { clusterSize, fileEnd } = work;
  const bitmapEntry = (at: HostOffset, high: number, low: number): void => {
    const host = offsetOf(high, low);
    const isBroken = isBrokenBitmapEntry(high, low, clusterSize);
    const isShared =
      host !== 0 && !isBroken && host < fileEnd && counter.counts.of(hostCluster(host / clusterSize)) > 1;
    if (!isBroken && host < fileEnd && !isShared) return;
    work.setEntry(at, 0, ALL_ONES);
    work.log.did('bitmapEntryDirty', {
      at,
      host,
      structure: 'bitmap table',
      found: entryHex(high, low),
      becomes: entryHex(0, ALL_ONES),
    });
  };
  forEachBitmapReference(image, { region: () => undefined, bitmapEntry }, work.progress);
  for (const bitmap of image.bitmaps) if (bitmap.auto && !bitmap.inUse) markLosses(work, bitmap, image.size);
}

/** What reads differently now has changed. */
function markLosses(work: RepairWork, bitmap: Bitmap, size: ByteLength): void {
  const { log, clusterSize } = work;
  const perEntry = clusterSize * 8 * bitmap.granularity;
  // Where not all losses are known one by one, all of the disk may have changed.
  const isAll = log.lossCount > log.losses.length;
  const losses = isAll ? [{ guest: guestOffset(0), length: size, snapshot: undefined }] : log.losses;
  for (const { guest, length, snapshot } of losses) {
    if (snapshot !== undefined) continue;
    const last = Math.min(bitmap.tableSize, Math.ceil((guest + length) / perEntry));
    for (let index = Math.floor(guest / perEntry); index < last; index++) {
      const at = plus(bitmap.tableOffset, index * 8);
      const entry = new Uint8Array(8);
      work.file.read(entry, at);
      const view = dataView(entry);
      if (view.getUint32(0) === 0 && view.getUint32(4) === ALL_ONES) continue;
      work.setEntry(at, 0, ALL_ONES);
      work.log.did('bitmapEntryDirty', { at, guest, structure: 'bitmap table' });
    }
  }
}
