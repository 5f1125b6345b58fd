/** L1 table entries (qcow2.txt, "L1 table entry"): where the L2 table is. */
import { FormatError, type ProblemFacts } from '../errors';
import { hostOffset, type HostOffset } from '../units';
import { entryHex } from './bytes';
import { BEYOND_2_53_HIGH, hasAny, L1_RESERVED, offsetOf } from './entryBits';

/**
 * The offset of the L2 table in bytes; 0 where there is none.
 * @param entryOffset where the entry is, for the error
 * @throws FormatError on reserved bits, misalignment, or an offset beyond 2^53
 */
export function decodeL1Entry(
  file: string,
  high: number,
  low: number,
  clusterSize: number,
  entryOffset: number,
): HostOffset {
  // Made when there is something to say: a large disk has many thousands of entries.
  const facts = (): ProblemFacts => ({ what: 'L1 entry', offset: entryOffset, value: entryHex(high, low) });
  if (hasAny(high, low, L1_RESERVED)) {
    const limit = entryHex(L1_RESERVED.high, L1_RESERVED.low);
    throw new FormatError(file, 'entry.reserved', { ...facts(), limit });
  }
  if ((low & (clusterSize - 1)) !== 0) {
    throw new FormatError(file, 'entry.misaligned', { ...facts(), limit: clusterSize });
  }
  if ((high & BEYOND_2_53_HIGH) !== 0) throw new FormatError(file, 'entry.tooLarge', facts());
  return hostOffset(offsetOf(high, low));
}
