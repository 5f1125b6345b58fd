/** Entries of bitmap tables (qcow2.txt, "Bitmap table"). */
import { BITMAP_TABLE_RESERVED, hasAny, offsetOf } from './entryBits';

/** The entry for bits that are all set, without a cluster that has them. */
export const ALL_ONES = 1;

/** Whether an entry has bits that it must not have, or leads to no whole cluster. */
export const isBrokenBitmapEntry = (high: number, low: number, clusterSize: number): boolean =>
  hasAny(high, low, BITMAP_TABLE_RESERVED) || (offsetOf(high, low) !== 0 && (low & (clusterSize - 1)) !== 0);
