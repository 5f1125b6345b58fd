/**
 * L2 table entries decoded for people and errors (qcow2.txt, "L2 table entry", "Standard Cluster Descriptor", "Extended L2
 * Entries"): a tagged union, or the rule that an entry breaks. Hot loops look at the words (l2Kind.ts).
 */
import { hex } from '../../text/hex';
import { FormatError, type ProblemFacts } from '../errors';
import { type ByteLength, type GuestOffset, type HostOffset } from '../units';
import { entryHex, type RawEntry } from './bytes';
import { compressedRegion } from './compressedDescriptor';
import { BEYOND_2_53_HIGH, L2_RESERVED, offsetOf, ZERO_LOW } from './entryBits';
import { EntryKind, entryKind, hasHostCluster, isBitmapBroken, type L2Rules } from './l2Kind';
import { SUBCLUSTERS } from './limits';

/** Where an entry is. */
export interface L2EntryPlace {
  /** Of the entry, in bytes from the start of the image file. */
  readonly entryOffset: HostOffset;
  /** First guest byte of the cluster it stands for. */
  readonly guest: GuestOffset;
}

export type SubclusterState = 'data' | 'zero' | 'unallocated';

/** The meaning of an L2 entry. With extended L2, `data` and `unallocated` have a state for each subcluster. */
export type L2Meaning =
  | { readonly kind: 'unallocated'; readonly subclusters?: readonly SubclusterState[] }
  | { readonly kind: 'data'; readonly host: HostOffset; readonly subclusters?: readonly SubclusterState[] }
  | { readonly kind: 'zeroPlain' }
  | { readonly kind: 'zeroAllocated'; readonly host: HostOffset }
  | { readonly kind: 'compressed'; readonly host: HostOffset; readonly length: ByteLength };

/**
 * Decodes an entry.
 * @param entry bits 127 to 64 of an extended entry, or all of a standard one
 * @param bitmap bits 63 to 0 of an extended entry: high word reads-as-zero bits, low word allocation bits
 * @throws FormatError naming the entry's offset, its value and the rule it breaks
 */
export function decodeL2Entry(
  rules: L2Rules,
  place: L2EntryPlace,
  entry: RawEntry,
  bitmap: RawEntry | undefined,
): L2Meaning {
  const kind = entryKind(rules, entry.high, entry.low);
  const meaning =
    kind === EntryKind.compressed
      ? decodeCompressed(rules, place, entry)
      : decodeStandard(rules, place, entry, kind);
  if (bitmap === undefined) return meaning;
  return withSubclusters(rules, place, meaning, bitmap);
}

function decodeStandard(
  rules: L2Rules,
  place: L2EntryPlace,
  entry: RawEntry,
  kind: Exclude<EntryKind, typeof EntryKind.compressed>,
): L2Meaning {
  const { high, low } = entry;
  const facts: ProblemFacts = { what: 'L2 entry', offset: place.entryOffset, value: entryHex(high, low) };
  const reservedLow = L2_RESERVED.low | (rules.extendedL2 ? ZERO_LOW : 0);
  if ((high & L2_RESERVED.high) !== 0 || (low & reservedLow) !== 0) {
    const limit = entryHex(L2_RESERVED.high, reservedLow);
    throw new FormatError(rules.file, 'entry.reserved', { ...facts, limit });
  }
  if ((low & ZERO_LOW) !== 0 && rules.version === 2) {
    throw new FormatError(rules.file, 'entry.zeroInVersion2', facts);
  }
  if ((low & (rules.clusterSize - 1) & ~ZERO_LOW) !== 0) {
    throw new FormatError(rules.file, 'entry.misaligned', { ...facts, limit: rules.clusterSize });
  }
  if ((high & BEYOND_2_53_HIGH) !== 0) throw new FormatError(rules.file, 'entry.tooLarge', facts);

  const host = offsetOf(high, low);
  if (hasHostCluster(kind) && rules.hasDataFile && (host as number) !== place.guest) {
    throw new FormatError(rules.file, 'entry.dataFileOffset', { ...facts, limit: hex(place.guest) });
  }
  switch (kind) {
    case EntryKind.unallocated:
      return { kind: 'unallocated' };
    case EntryKind.zeroPlain:
      return { kind: 'zeroPlain' };
    case EntryKind.zeroAllocated:
      return { kind: 'zeroAllocated', host };
    case EntryKind.data:
      return { kind: 'data', host };
  }
}

function decodeCompressed(rules: L2Rules, place: L2EntryPlace, { high, low }: RawEntry): L2Meaning {
  const facts: ProblemFacts = { what: 'L2 entry', offset: place.entryOffset, value: entryHex(high, low) };
  if (rules.hasDataFile) throw new FormatError(rules.file, 'entry.compressedInDataFile', facts);
  const { offset, size } = compressedRegion(high, low, rules.clusterBits);
  if (offset > Number.MAX_SAFE_INTEGER) throw new FormatError(rules.file, 'entry.tooLarge', facts);
  return { kind: 'compressed', host: offset, length: size };
}

function withSubclusters(
  rules: L2Rules,
  place: L2EntryPlace,
  meaning: L2Meaning,
  bitmap: RawEntry,
): L2Meaning {
  // A compressed cluster has no subclusters; QEMU does not look at the bitmap either.
  if (meaning.kind !== 'data' && meaning.kind !== 'unallocated') return meaning;
  const isData = meaning.kind === 'data';
  if (isBitmapBroken(isData, bitmap.high, bitmap.low)) {
    const code = isData ? 'entry.subclustersBoth' : 'entry.subclustersUnallocated';
    throw new FormatError(rules.file, code, {
      what: 'subcluster bitmap',
      offset: place.entryOffset + 8,
      value: entryHex(bitmap.high, bitmap.low),
    });
  }
  return { ...meaning, subclusters: subclusterStates(bitmap) };
}

/** The state of each subcluster, first one first. */
function subclusterStates(bitmap: RawEntry): SubclusterState[] {
  return Array.from({ length: SUBCLUSTERS }, (_, index) => {
    if (((bitmap.high >>> index) & 1) !== 0) return 'zero';
    return ((bitmap.low >>> index) & 1) !== 0 ? 'data' : 'unallocated';
  });
}
