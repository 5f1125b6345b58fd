/**
 * What an L2 entry is, by its bits (qcow2.txt, "L2 table entry"; QEMU block/qcow2.h, qcow2_get_cluster_type). It is decided
 * here and nowhere else: `decodeL2Entry` (l2Entry.ts) says why an entry is broken, image/entryReader.ts refuses broken ones
 * in hot loops, check/walkL2.ts tells sound from broken ones.
 */
import type { RawEntry } from './bytes';
import {
  BEYOND_2_53_HIGH,
  COMPRESSED_HIGH,
  COPIED_HIGH,
  L2_RESERVED,
  hasOffset,
  ZERO_LOW,
} from './entryBits';

/** What an image says about all its L2 entries. */
export interface L2Rules {
  /** For messages. */
  readonly file: string;
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterSize: number;
  readonly extendedL2: boolean;
  readonly hasDataFile: boolean;
}

/** What an L2 entry is. Small numbers: they index tables in loops over millions of entries. */
export const EntryKind = {
  unallocated: 0,
  /** Has a host cluster of its own or shared; with extended L2, whatever its subclusters are. */
  data: 1,
  compressed: 2,
  zeroPlain: 3,
  zeroAllocated: 4,
} as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** What QEMU takes an entry for, sound or broken. */
export function entryKind(rules: L2Rules, high: number, low: number): EntryKind {
  if (isCompressed(high)) return EntryKind.compressed;
  // With extended L2 the bitmap says what reads as zero, and the flag is reserved.
  const isZero = (low & ZERO_LOW) !== 0 && !rules.extendedL2;
  if (!hasOffset(high, low) && (isZero || !isDataAtZero(rules, high))) {
    return isZero ? EntryKind.zeroPlain : EntryKind.unallocated;
  }
  return isZero ? EntryKind.zeroAllocated : EntryKind.data;
}

export const isCompressed = (high: number): boolean => (high & COMPRESSED_HIGH) !== 0;

/** In an external data file offset 0 is a place like any other; COPIED tells it from an unallocated cluster. */
const isDataAtZero = (rules: L2Rules, high: number): boolean =>
  rules.hasDataFile && (high & COPIED_HIGH) !== 0;

/** Whether an entry of some kind has a whole host cluster. */
export const hasHostCluster = (kind: EntryKind): boolean =>
  kind === EntryKind.data || kind === EntryKind.zeroAllocated;

/**
 * Whether the guest sees anything of an entry's host cluster.
 * @param allocated the subclusters with data; of no account without extended L2
 */
export const showsHostCluster = (rules: L2Rules, low: number, allocated: number): boolean =>
  rules.extendedL2 ? allocated !== 0 : (low & ZERO_LOW) === 0;

/**
 * Bits of a standard descriptor that are never set in a sound entry: reserved bits, offset bits below the cluster size,
 * offset bits beyond 2^53. A loop tests them at once and leaves it to `decodeL2Entry` to say which rule was broken.
 */
export function suspectBits(rules: L2Rules): RawEntry {
  const zeroFlag = rules.version === 2 || rules.extendedL2 ? ZERO_LOW : 0;
  return {
    high: L2_RESERVED.high | BEYOND_2_53_HIGH,
    low: ((rules.clusterSize - 1) & ~ZERO_LOW) | zeroFlag,
  };
}

/**
 * Whether the bitmap of an extended entry contradicts itself or the entry: what is allocated is not zero, and lies in a
 * host cluster.
 */
export const isBitmapBroken = (hasHost: boolean, zeroes: number, allocated: number): boolean =>
  (zeroes & allocated) !== 0 || (!hasHost && allocated !== 0);
