/** Entries of the refcount table, and refcounts as they are asked for (qcow2.txt, "Host cluster management"). */
import { hex } from '../../text/hex';
import { FormatError, type ProblemFacts } from '../errors';
import { type ByteLength, type HostOffset } from '../units';
import { entryHex, safeNumber } from './bytes';
import { hasAny, offsetOf, REFCOUNT_BEYOND_2_53_HIGH, REFCOUNT_TABLE_RESERVED } from './entryBits';
import { exactRefcount, refcountWidth } from './refcountWidth';

/**
 * The offset of a refcount block in bytes; 0 where there is none, and all refcounts it would have are 0.
 * @param entryOffset where the entry is, for the error
 * @throws FormatError
 */
export function decodeRefcountTableEntry(
  file: string,
  high: number,
  low: number,
  clusterSize: ByteLength,
  entryOffset: HostOffset,
): number {
  const facts = (): ProblemFacts => ({
    what: 'refcount table entry',
    offset: entryOffset,
    value: entryHex(high, low),
  });
  if (hasAny(high, low, REFCOUNT_TABLE_RESERVED)) {
    throw new FormatError(file, 'entry.reserved', { ...facts(), limit: hex(REFCOUNT_TABLE_RESERVED.low) });
  }
  if ((low & (clusterSize - 1)) !== 0) {
    throw new FormatError(file, 'entry.misaligned', { ...facts(), limit: clusterSize });
  }
  if ((high & REFCOUNT_BEYOND_2_53_HIGH) !== 0) throw new FormatError(file, 'entry.tooLarge', facts());
  return offsetOf(high, low);
}

/** The offset of a refcount block in bytes; 0 where there is none, or the entry breaks a rule. */
export function soundBlockOffset(high: number, low: number, clusterSize: ByteLength): number {
  const isSound = (low & (clusterSize - 1)) === 0 && (high & REFCOUNT_BEYOND_2_53_HIGH) === 0;
  return isSound ? offsetOf(high, low) : 0;
}

/** Where a piece of a refcount block is, for errors. */
export interface RefcountPlace {
  readonly file: string;
  /** Bytes. */
  readonly offset: HostOffset;
}

/**
 * One refcount out of a piece of a block.
 * @param bits width of a refcount: 1, 2, 4, 8, 16, 32 or 64
 * @throws FormatError `value.tooLarge` for a 64-bit refcount beyond 2^53 − 1
 */
export function refcountAt(place: RefcountPlace, block: Uint8Array, index: number, bits: number): number {
  if (bits < 64) return refcountWidth(bits).get(block, index);
  return safeNumber(place.file, exactRefcount(block, index), 'refcount', place.offset + index * 8);
}
