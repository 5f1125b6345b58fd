/**
 * L2 table entries (qcow2.txt, "L2 table entry", "Standard Cluster Descriptor", "Extended L2 Entries"). The raw
 * words and what they mean are two things: hot loops look at the words through the constants and small functions
 * here; people and errors get the decoded union.
 */
import { FormatError, type ProblemFacts } from '../errors';
import { type ByteLength, type GuestOffset, hex, type HostOffset } from '../units';
import { entryHex, type RawEntry } from './bytes';
import { compressedLength, compressedOffset } from './compressedDescriptor';
import { SUBCLUSTERS } from './limits';
import { offsetOf, RESERVED_BEYOND_2_53 } from './offsetField';

/** Bit 63: the refcount of the host cluster is exactly one. */
const L2_COPIED_HIGH = 0x80000000;
/** Bit 62. */
export const L2_COMPRESSED_HIGH = 0x40000000;
/** Bit 0 of a standard entry in version 3: reads as zero. */
export const L2_ZERO_LOW = 1;

/** Bits 56 to 61 and 1 to 8 of a standard cluster descriptor. */
const RESERVED_HIGH = 0x3f000000;
const RESERVED_LOW = 0x1fe;

export const isCompressed = (high: number): boolean => (high & L2_COMPRESSED_HIGH) !== 0;

/** What an image says about all its L2 entries. */
export interface L2Rules {
  /** For messages. */
  readonly file: string;
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterSize: ByteLength;
  readonly extendedL2: boolean;
  readonly hasDataFile: boolean;
}

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
 * Bits of a standard descriptor that are never set in a sound entry, as masks of the two words: reserved bits,
 * offset bits below the cluster size, offset bits beyond 2^53. A loop tests them at once and leaves it to
 * `decodeL2Entry` to say which rule was broken.
 */
export function suspectBits(rules: L2Rules): RawEntry {
  const zeroFlag = rules.version === 2 || rules.extendedL2 ? L2_ZERO_LOW : 0;
  return {
    high: RESERVED_HIGH | RESERVED_BEYOND_2_53,
    low: ((rules.clusterSize - 1) & ~L2_ZERO_LOW) | zeroFlag,
  };
}

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
  const meaning = isCompressed(entry.high)
    ? decodeCompressed(rules, place, entry)
    : decodeStandard(rules, place, entry);
  if (bitmap === undefined) return meaning;
  return withSubclusters(rules, place, meaning, bitmap);
}

function decodeStandard(rules: L2Rules, place: L2EntryPlace, entry: RawEntry): L2Meaning {
  const { high, low } = entry;
  const facts: ProblemFacts = { what: 'L2 entry', offset: place.entryOffset, value: entryHex(high, low) };
  const zeroIsReserved = rules.extendedL2 ? L2_ZERO_LOW : 0;
  if ((high & RESERVED_HIGH) !== 0 || (low & (RESERVED_LOW | zeroIsReserved)) !== 0) {
    const limit = rules.extendedL2 ? '0x3f000000000001ff' : '0x3f000000000001fe';
    throw new FormatError(rules.file, 'entry.reserved', { ...facts, limit });
  }
  if ((low & L2_ZERO_LOW) !== 0 && rules.version === 2) {
    throw new FormatError(rules.file, 'entry.zeroInVersion2', facts);
  }
  if ((low & (rules.clusterSize - 1) & ~L2_ZERO_LOW) !== 0) {
    throw new FormatError(rules.file, 'entry.misaligned', { ...facts, limit: rules.clusterSize });
  }
  if ((high & RESERVED_BEYOND_2_53) !== 0) throw new FormatError(rules.file, 'entry.tooLarge', facts);

  const host = offsetOf(high, low);
  const isZero = (low & L2_ZERO_LOW) !== 0;
  if (host === 0 && !(isDataAtZero(rules, high) && !isZero)) {
    return { kind: isZero ? 'zeroPlain' : 'unallocated' };
  }
  if (rules.hasDataFile && (host as number) !== place.guest) {
    throw new FormatError(rules.file, 'entry.dataFileOffset', { ...facts, limit: hex(place.guest) });
  }
  return { kind: isZero ? 'zeroAllocated' : 'data', host };
}

/** In an external data file offset 0 is a place like any other; COPIED tells it from an unallocated cluster. */
export const isDataAtZero = (rules: L2Rules, high: number): boolean =>
  rules.hasDataFile && (high & L2_COPIED_HIGH) !== 0;

function decodeCompressed(rules: L2Rules, place: L2EntryPlace, entry: RawEntry): L2Meaning {
  const { high, low } = entry;
  const facts: ProblemFacts = { what: 'L2 entry', offset: place.entryOffset, value: entryHex(high, low) };
  if (rules.hasDataFile) throw new FormatError(rules.file, 'entry.compressedInDataFile', facts);
  const host = compressedOffset(high, low, rules.clusterBits);
  if (host > Number.MAX_SAFE_INTEGER) throw new FormatError(rules.file, 'entry.tooLarge', facts);
  return {
    kind: 'compressed',
    host,
    length: compressedLength(high, low, rules.clusterBits),
  };
}

function withSubclusters(
  rules: L2Rules,
  place: L2EntryPlace,
  meaning: L2Meaning,
  bitmap: RawEntry,
): L2Meaning {
  const refuse = (code: 'entry.subclustersBoth' | 'entry.subclustersUnallocated') =>
    new FormatError(rules.file, code, {
      what: 'subcluster bitmap',
      offset: place.entryOffset + 8,
      value: entryHex(bitmap.high, bitmap.low),
    });
  switch (meaning.kind) {
    case 'data':
      if ((bitmap.high & bitmap.low) !== 0) throw refuse('entry.subclustersBoth');
      return { ...meaning, subclusters: subclusterStates(bitmap) };
    case 'unallocated':
      if (bitmap.low !== 0) throw refuse('entry.subclustersUnallocated');
      return { ...meaning, subclusters: subclusterStates(bitmap) };
    default:
      // A compressed cluster has no subclusters; QEMU does not look at the bitmap either.
      return meaning;
  }
}

/** The state of each subcluster, first one first. */
function subclusterStates(bitmap: RawEntry): SubclusterState[] {
  return Array.from({ length: SUBCLUSTERS }, (_, index) => {
    if (((bitmap.high >>> index) & 1) !== 0) return 'zero';
    return ((bitmap.low >>> index) & 1) !== 0 ? 'data' : 'unallocated';
  });
}
