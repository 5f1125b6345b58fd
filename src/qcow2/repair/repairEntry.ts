/**
 * What becomes of one L2 entry that breaks a rule (qcow2.txt, "L2 table entry"). Whatever QEMU reads of it stays as it
 * is; where neither QEMU nor this program can read it, it is given up, and zeroes are shown rather than what a backing
 * file had once, wherever an entry can say so.
 */
import type { FindingKind } from '../findingText';
import { compressedRegion, withSectors } from '../format/compressedDescriptor';
import {
  COPIED_HIGH,
  hasAny,
  L2_RESERVED,
  offsetOf,
  without,
  withOffset,
  ZERO_LOW,
} from '../format/entryBits';
import { entryKind, hasHostCluster, isCompressed, showsHostCluster, type L2Rules } from '../format/l2Kind';
import { type ByteLength, type GuestOffset, type HostOffset, rawHostOffset } from '../units';
import type { RepairActionKind } from '../repairText';

/** The words of an entry; a standard one has no bitmap. */
export interface EntryWords {
  readonly high: number;
  readonly low: number;
  /** Subclusters that read as zero, and those that are allocated. */
  readonly zeroes: number;
  readonly allocated: number;
}

export interface EntryPlace {
  /** First byte of the guest's cluster. */
  readonly guest: GuestOffset;
  /** Of the image file: bytes, a multiple of 512. */
  readonly fileEnd: HostOffset;
  /** The image names a backing file: unallocated clusters show it. */
  readonly namesBacking: boolean;
}

export interface RepairedEntry extends EntryWords {
  readonly kind: RepairActionKind;
  readonly why: FindingKind;
  /** Guest bytes cannot be read any more, or could not before: from the cluster's first byte on. */
  readonly lost?: { readonly start: number; readonly end: number; readonly reads: 'zeroes' | 'backing' };
}

/** @returns undefined where nothing is wrong with the entry, as far as it can be seen from it alone */
export function repairEntry(rules: L2Rules, place: EntryPlace, entry: EntryWords): RepairedEntry | undefined {
  return isCompressed(entry.high)
    ? repairCompressed(rules, place, entry)
    : repairStandard(rules, place, entry);
}

function repairCompressed(rules: L2Rules, place: EntryPlace, entry: EntryWords): RepairedEntry | undefined {
  const { clusterSize, clusterBits } = rules;
  if (rules.hasDataFile) return dropped(rules, place, entry, 'compressedInDataFile', whole(rules));
  const low = entry.low;
  let high = (entry.high & ~COPIED_HIGH) >>> 0;
  const plain = { low, zeroes: 0, allocated: 0 };
  const { offset, size } = compressedRegion(high, low, clusterBits);
  if (offset + size - place.fileEnd >= clusterSize) {
    if (offset >= place.fileEnd) return dropped(rules, place, entry, 'beyondFile', whole(rules));
    const sectors = (place.fileEnd - (offset - (offset % 512))) / 512;
    high = withSectors(high, clusterBits, sectors);
    return { ...plain, high, kind: 'compressedCut', why: 'beyondFile' };
  }
  if ((entry.zeroes | entry.allocated) !== 0) {
    return { ...plain, high, kind: 'subclustersRepaired', why: 'compressedSubclusters' };
  }
  return high === entry.high
    ? undefined
    : { ...plain, high, kind: 'reservedBitsCleared', why: 'compressedCopied' };
}

function repairStandard(rules: L2Rules, place: EntryPlace, entry: EntryWords): RepairedEntry | undefined {
  let repaired: RepairedEntry | undefined;
  let words = entry;
  const isZeroReserved = rules.version === 2 || rules.extendedL2;
  const reservedLow = L2_RESERVED.low | (isZeroReserved ? ZERO_LOW : 0);
  const { high, low } = without(words.high, words.low, { high: L2_RESERVED.high, low: reservedLow });
  if (high !== words.high || low !== words.low) {
    const why = hasAny(words.high, words.low, L2_RESERVED)
      ? 'l2Reserved'
      : rules.version === 2
        ? 'zeroFlagInVersion2'
        : 'zeroFlagReserved';
    words = { ...words, high, low };
    repaired = { ...words, kind: 'reservedBitsCleared', why };
  }
  if (hasHostCluster(entryKind(rules, high, low))) return repairAllocated(rules, place, words) ?? repaired;
  if (words.allocated === 0) return repaired;
  const extent = extentOf(words.allocated, rules.clusterSize);
  return {
    ...words,
    allocated: 0,
    kind: 'subclustersRepaired',
    why: 'subclustersUnallocated',
    lost: { ...extent, reads: place.namesBacking ? 'backing' : 'zeroes' },
  };
}

function repairAllocated(rules: L2Rules, place: EntryPlace, words: EntryWords): RepairedEntry | undefined {
  const { clusterSize, extendedL2 } = rules;
  const host = offsetOf(words.high, words.low);
  const hasData = showsHostCluster(rules, words.low, words.allocated);
  if (rules.hasDataFile) {
    if (host === rawHostOffset(place.guest)) return withoutBoth(words);
    // Beyond every disk.
    if (place.guest > Number.MAX_SAFE_INTEGER) {
      return dropped(rules, place, words, 'dataFileOffset', whole(rules));
    }
    const led = { ...words, ...withOffset(COPIED_HIGH, words.low & ZERO_LOW, rawHostOffset(place.guest)) };
    const repaired = withoutBoth(led) ?? led;
    return { ...repaired, kind: 'dataFileOffsetRepaired', why: 'dataFileOffset' };
  }
  const isMisaligned = host % clusterSize !== 0;
  if (isMisaligned || host >= place.fileEnd) {
    const why = isMisaligned ? (hasData ? 'dataMisaligned' : 'preallocatedMisaligned') : 'beyondFile';
    if (!hasData) return { ...withoutHost(rules, words), kind: 'entryZeroed', why };
    const lost = extendedL2 ? extentOf(words.allocated, clusterSize) : whole(rules);
    return dropped(rules, place, words, why, lost);
  }
  return withoutBoth(words);
}

/** An entry that reads as zero, without its host cluster. Subclusters that show the backing file still do. */
export function withoutHost(rules: L2Rules, { zeroes }: EntryWords): EntryWords {
  return { high: 0, low: rules.extendedL2 ? 0 : ZERO_LOW, zeroes, allocated: 0 };
}

/** Where a subcluster is both allocated and zero, what was written there counts. */
function withoutBoth(words: EntryWords): RepairedEntry | undefined {
  const both = words.zeroes & words.allocated;
  if (both === 0) return undefined;
  const zeroes = (words.zeroes & ~both) >>> 0;
  return { ...words, zeroes, kind: 'subclustersRepaired', why: 'subclustersBoth' };
}

function dropped(
  rules: L2Rules,
  place: EntryPlace,
  words: EntryWords,
  why: FindingKind,
  lost: { readonly start: number; readonly end: number },
): RepairedEntry {
  // Version 2 has no way to say zero; without a backing file nothing needs to be said.
  const isZeroed = place.namesBacking && rules.version === 3;
  const zeroes = rules.extendedL2 ? (words.zeroes | (isZeroed ? lostBits(words) : 0)) >>> 0 : 0;
  const low = isZeroed && !rules.extendedL2 ? ZERO_LOW : 0;
  const reads = isZeroed || !place.namesBacking ? 'zeroes' : 'backing';
  const kind = isZeroed ? 'entryZeroed' : 'entryUnallocated';
  return { high: 0, low, zeroes, allocated: 0, kind, why, lost: { ...lost, reads } };
}

/** A compressed cluster has no subclusters: all of it is lost. */
const lostBits = ({ high, allocated }: EntryWords): number => (isCompressed(high) ? 0xffffffff : allocated);

const whole = ({ clusterSize }: L2Rules): { start: number; end: number } => ({ start: 0, end: clusterSize });

/** From the first to the last subcluster of a bitmap: bytes in the cluster. */
function extentOf(bits: number, clusterSize: ByteLength): { readonly start: number; readonly end: number } {
  const size = clusterSize / 32;
  const first = 31 - Math.clz32(bits & -bits);
  return { start: first * size, end: (32 - Math.clz32(bits)) * size };
}
