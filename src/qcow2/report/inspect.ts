/**
 * Everything about one guest cluster: where its entry is, what each bit of it says, and who answers for it. The
 * tables are read afresh and nothing in them is trusted: an entry that breaks the specification is reported, with
 * its raw value, not thrown.
 */
import { ArgumentError, FormatError, type Problem } from '../errors';
import { entryHex, type RawEntry } from '../format/bytes';
import { EntryKind, entryKind, type L2Rules } from '../format/l2Kind';
import { SUBCLUSTERS } from '../format/limits';
import type { ClusterEntry } from '../image/clusterEntry';
import type { Layer } from '../image/layer';
import type { Qcow2Image } from '../image/qcow2Image';
import type { CellKind } from '../map/cellCounts';
import type { FoundContents } from '../map/dataKinds';
import { kindOfBroken } from '../map/lost';
import { findProvider } from '../map/provider';
import {
  type ByteLength,
  guestCluster,
  type GuestOffset,
  hostCluster,
  type HostOffset,
  plus,
} from '../units';
import { l1Fields, l2Fields, type EntryField } from './entryFields';

export type { EntryField, EntryFieldName } from './entryFields';

/** What a part of the disk is, in an image or not. */
export interface PlaceReport {
  /** First guest byte of the cluster, and its length (short at the disk's end). */
  readonly guestOffset: GuestOffset;
  readonly length: ByteLength;
  /** Depth of the layer that answers for the first byte of the cluster; −1 when no layer does. */
  readonly providedBy: number;
  /** Of the first byte. */
  readonly cellKind: CellKind;
}

export interface ClusterReport extends PlaceReport {
  readonly l1Index: number;
  readonly l1EntryOffset: HostOffset;
  /** Raw L1 entry as `0x…`. */
  readonly l1Entry: string;
  readonly l2Index?: number;
  readonly l2EntryOffset?: HostOffset;
  /** Raw L2 entry as `0x…` (extended: its 128 bits); absent where no L2 table exists. */
  readonly l2Entry?: string;
  /** The meaning of the entry in the top layer. */
  readonly kind: 'data' | 'zeroPlain' | 'zeroAllocated' | 'compressed' | 'unallocated' | 'invalid';
  /** Why the kind is `invalid`. */
  readonly problem?: Problem;
  /** Bits and fields of the L1 entry, high to low. */
  readonly l1Fields: readonly EntryField[];
  /** Bits and fields of the L2 entry, high to low; with extended L2 those of the subcluster bitmap follow. */
  readonly fields: readonly EntryField[];
  readonly hostOffset?: HostOffset;
  /** Compressed clusters: bytes of the compressed stream's sectors. */
  readonly compressedLength?: ByteLength;
  /** Refcount of the host cluster; absent with an external data file or where there is none. */
  readonly refcount?: number;
  /** Extended L2: state of each of the 32 subclusters. */
  readonly subclusters?: readonly ('data' | 'zero' | 'unallocated' | 'invalid')[];
  /** What a content scan has found of its data; absent where that is nothing. */
  readonly found?: FoundInCluster;
}

/** Guest bytes of a cluster's data. */
export interface FoundInCluster {
  readonly zeroes: ByteLength;
  /** Zeroes may be among them. */
  readonly sameAsBacking: ByteLength;
}

/**
 * Reports on the cluster that a guest byte lies in.
 * @param image the top layer; @param layers the chain's open layers, the top one first
 * @param found by a content scan, where there was one
 * @throws ArgumentError `offset.beyondDisk`, FileError
 */
export function inspectCluster(
  image: Qcow2Image,
  layers: readonly Layer[],
  guestOffset: GuestOffset,
  found?: FoundContents,
): ClusterReport {
  const { header, file } = image;
  if (!Number.isInteger(guestOffset) || guestOffset < 0 || guestOffset >= header.size) {
    throw new ArgumentError(file.name, 'offset.beyondDisk', { value: guestOffset, limit: header.size });
  }
  const entry = image.entryAt(guestCluster(Math.floor(guestOffset / header.clusterSize)));
  const length = Math.min(header.clusterSize, header.size - entry.guest);
  return {
    guestOffset: entry.guest,
    length,
    l1Index: entry.l1Index,
    l1EntryOffset: entry.l1EntryOffset,
    l1Entry: entryHex(entry.l1Entry.high, entry.l1Entry.low),
    l1Fields: l1Fields(entry.l1Entry),
    ...l2PartOf(image, entry),
    ...findProvider(layers, entry.guest, found),
    ...foundPart(found, entry.guest, length),
    ...meaningOf(image, entry.meaning),
  };
}

function foundPart(
  found: FoundContents | undefined,
  start: GuestOffset,
  length: ByteLength,
): Pick<ClusterReport, 'found'> {
  const end = plus(start, length);
  const zeroes = found?.zeroes.bytesWithin(start, end) ?? 0;
  const sameAsBacking = found?.sameAsBacking?.bytesWithin(start, end) ?? 0;
  return zeroes + sameAsBacking === 0 ? {} : { found: { zeroes, sameAsBacking } };
}

function l2PartOf(
  { header, tables }: Qcow2Image,
  { l2 }: ClusterEntry,
): Pick<ClusterReport, 'fields' | 'l2Index' | 'l2EntryOffset' | 'l2Entry' | 'subclusters'> {
  if (l2 === undefined) return { fields: [] };
  const { entry, bitmap } = l2;
  const bitmapHex = bitmap === undefined ? '' : entryHex(bitmap.high, bitmap.low).slice('0x'.length);
  return {
    l2Index: l2.index,
    l2EntryOffset: l2.entryOffset,
    l2Entry: entryHex(entry.high, entry.low) + bitmapHex,
    fields: l2Fields(header, entry, bitmap),
    ...(bitmap === undefined ? {} : { subclusters: subclustersOf(tables.rules, entry, bitmap) }),
  };
}

/** What the decoded entry adds; an invalid one also overrules what the chain would provide. */
function meaningOf(
  image: Qcow2Image,
  meaning: ClusterEntry['meaning'],
): Pick<ClusterReport, 'kind'> & Partial<ClusterReport> {
  switch (meaning.kind) {
    case 'invalid':
      return {
        kind: 'invalid',
        problem: meaning.problem,
        cellKind: kindOfBroken(meaning.problem),
        providedBy: -1,
      };
    case 'unallocated':
    case 'zeroPlain':
      return { kind: meaning.kind };
    case 'compressed':
      return { ...hostPart(image, meaning), compressedLength: meaning.length };
    case 'data':
    case 'zeroAllocated':
      return hostPart(image, meaning);
  }
}

function hostPart(
  image: Qcow2Image,
  { kind, host }: { readonly kind: ClusterReport['kind']; readonly host: HostOffset },
): Pick<ClusterReport, 'kind' | 'hostOffset' | 'refcount'> {
  const refcount = image.hasDataFile ? undefined : refcountOf(image, host);
  return { kind, hostOffset: host, ...(refcount === undefined ? {} : { refcount }) };
}

/** Undefined where the refcount structures on the way are broken. */
function refcountOf(image: Qcow2Image, host: HostOffset): number | undefined {
  try {
    return image.refcountOf(hostCluster(Math.floor(host / image.header.clusterSize)));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The state of each subcluster, also where the bits contradict each other or the entry. */
function subclustersOf(
  rules: L2Rules,
  entry: RawEntry,
  bitmap: RawEntry,
): NonNullable<ClusterReport['subclusters']> {
  const hasCluster = entryKind(rules, entry.high, entry.low) !== EntryKind.unallocated;
  return Array.from({ length: SUBCLUSTERS }, (_, index) => {
    const isZero = ((bitmap.high >>> index) & 1) !== 0;
    const isAllocated = ((bitmap.low >>> index) & 1) !== 0;
    if (isAllocated && (isZero || !hasCluster)) return 'invalid';
    if (isZero) return 'zero';
    return isAllocated ? 'data' : 'unallocated';
  });
}
