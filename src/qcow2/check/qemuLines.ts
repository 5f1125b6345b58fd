/**
 * Findings in QEMU's words: the lines that `qemu-img check` 7.2 writes to standard error, in its order. What QEMU does
 * not look for has no line here (findingText.ts).
 */
import { dataView, type RawEntry } from '../format/bytes';
import { sectorCountShift } from '../format/compressedDescriptor';
import { offsetOf, refcountBlockOffset } from '../format/entryBits';
import { refcountsPerBlock } from '../format/refcountWidth';
import type { Qcow2Image } from '../image/qcow2Image';
import { hostOffset, type HostOffset, plus } from '../units';
import type { Finding } from '../finding';
import type { FindingKind } from '../findingText';

/** How to make room for references that a refcount cannot say. */
const OVERFLOW_HINT =
  'Use qemu-img amend to increase the refcount entry width or qemu-img convert to create a clean copy if the image cannot be opened for writing';

/** QEMU goes through the image several times, and comes to the COPIED flags last. */
const PHASES = ['snapshots', 'entries', 'refcounts', 'flags'] as const;
export type LinePhase = (typeof PHASES)[number];

export interface LineOptions {
  /** What is told, in QEMU's order; all of it unless told otherwise. */
  readonly phases?: readonly LinePhase[];
  /** What is being repaired: QEMU says so in place of the error. */
  readonly repairs?: 'leaks' | 'all';
}

/**
 * Visits the lines, without their ends.
 * @param image the one that was checked
 * @throws FileError
 */
export function forEachQemuLine(
  image: Qcow2Image,
  findings: readonly Finding[],
  visit: (line: string) => void,
  { phases = PHASES, repairs }: LineOptions = {},
): void {
  for (const phase of phases) {
    for (const finding of findings) {
      if (phaseOf(finding) !== phase) continue;
      if (finding.severity === 'leak' || finding.kind === 'refcountTooLow')
        forEachCluster(image, finding, visit);
      else if (finding.kind === 'refcountUnreadable') forEachUnreadable(image, finding, visit);
      else tell(image, finding, visit, repairs === 'all');
    }
  }
}

/** @param isRepaired what QEMU repairs as it goes through the entries is told as that */
function tell(image: Qcow2Image, finding: Finding, visit: (line: string) => void, isRepaired: boolean): void {
  if (DISCARDED.has(finding.kind)) {
    // Told once, however many; without a repair QEMU does not come so far.
    if (isRepaired) for (const line of linesOf(image, finding)) visit(line);
    return;
  }
  const isTold = isRepaired && REPAIRED_AT_ONCE.has(finding.kind);
  for (let time = 0; time < finding.times; time++) {
    for (const line of linesOf(image, finding)) visit(isTold ? line.replace(/^ERROR/, 'Repairing') : line);
  }
}

const DISCARDED: ReadonlySet<FindingKind> = new Set<FindingKind>([
  'snapshotExtraData',
  'snapshotsTooMany',
  'snapshotTableTooBig',
]);
const REPAIRED_AT_ONCE: ReadonlySet<FindingKind> = new Set<FindingKind>([
  'snapshotIncomplete',
  'preallocatedMisaligned',
  'refcountBlockBeyondFile',
]);

function phaseOf({ kind }: Finding): LinePhase {
  switch (kind) {
    case 'snapshotExtraData':
    case 'snapshotsTooMany':
    case 'snapshotTableTooBig':
    case 'snapshotIncomplete':
      return 'snapshots';
    case 'refcountTooHigh':
    case 'refcountTooLow':
    case 'refcountUnreadable':
      return 'refcounts';
    case 'l1Copied':
    case 'l2Copied':
      return 'flags';
    default:
      return 'entries';
  }
}

/**
 * The lines of refcounts a second time, as QEMU says them while it repairs: what it does not raise is an error again.
 * @throws FileError
 */
export function forEachRefcountRepair(
  image: Qcow2Image,
  findings: readonly Finding[],
  visit: (line: string) => void,
  repairs: 'leaks' | 'all',
): void {
  const words = { leak: 'Repairing', error: repairs === 'all' ? 'Repairing' : 'ERROR' };
  for (const finding of findings) {
    if (finding.severity === 'leak' || finding.kind === 'refcountTooLow')
      forEachCluster(image, finding, visit, words);
    else if (finding.kind === 'refcountUnreadable') forEachUnreadable(image, finding, visit);
  }
}

function forEachCluster(
  image: Qcow2Image,
  finding: Finding,
  visit: (line: string) => void,
  words = { leak: 'Leaked', error: 'ERROR' },
): void {
  const { host = hostOffset(0), clusters = 1, found = 0, expected = 0, severity } = finding;
  const word = severity === 'leak' ? words.leak : words.error;
  const { clusterSize } = image.header;
  const first = host / clusterSize;
  for (let cluster = first; cluster < first + clusters; cluster++) {
    // Neighbours whose refcounts beyond 2^53 are the same number here may still differ.
    const refcount = exact(image, hostOffset(cluster * clusterSize), found);
    visit(`${word} cluster ${cluster} refcount=${refcount} reference=${expected}`);
  }
}

function forEachUnreadable({ header }: Qcow2Image, finding: Finding, visit: (line: string) => void): void {
  const { host = hostOffset(0), clusters = 1 } = finding;
  const first = host / header.clusterSize;
  for (let cluster = first; cluster < first + clusters; cluster++) {
    visit(`Can't get refcount for cluster ${cluster}: Input/output error`);
  }
}

function linesOf(image: Qcow2Image, finding: Finding): readonly string[] {
  const { header, snapshots } = image;
  const { kind, at = hostOffset(0), host = hostOffset(0), guest = 0, found = 0, expected = 0 } = finding;
  const entry = typeof found === 'string' ? bareHex(found) : '';
  const block = (at - header.refcountTableOffset) / 8;
  const index = Math.floor(guest / header.clusterSize) % header.l2Entries;
  const { id = '', name = '' } = snapshots[finding.snapshot ?? 0] ?? {};
  const snapshot = `ERROR snapshot ${id} (${name})`;
  switch (kind) {
    case 'refcountOverflow':
      return [`ERROR: overflow cluster offset=0x${host.toString(16)}`, OVERFLOW_HINT];
    case 'refcountBlockReserved':
      return [`ERROR refcount table entry ${block} has reserved bits set`];
    case 'refcountBlockMisaligned':
      return [`ERROR refcount block ${block} is not cluster aligned; refcount table entry corrupted`];
    case 'refcountBlockBeyondFile':
      return [`ERROR refcount block ${block} is outside image`];
    case 'refcountBlockShared':
      return [`ERROR refcount block ${block} refcount=${found}`];
    case 'beyondFile': {
      const size = (finding.size ?? header.clusterSize).toString(16);
      // Exact beyond 2^53, too, where only compressed clusters can be that are not aligned.
      const isExact = finding.structure !== 'compressed data' || host <= Number.MAX_SAFE_INTEGER;
      const offset = isExact ? host.toString(16) : compressedHex(entryAt(image, at), header.clusterBits);
      return [
        `ERROR: counting reference for region exceeding the end of the file by one cluster or more: offset 0x${offset} size 0x${size}`,
      ];
    }
    case 'l1Reserved':
      return [`ERROR found L1 entry with reserved bits set: ${entry}`];
    case 'l1Misaligned':
      return [`ERROR l2_offset=${host.toString(16)}: Table is not cluster aligned; L1 entry corrupted`];
    case 'l1Copied': {
      const l1Index = (at - header.l1TableOffset) / 8;
      return [
        `ERROR OFLAG_COPIED L2 cluster: l1_index=${l1Index} l1_entry=${entry} refcount=${exact(image, host, expected)}`,
      ];
    }
    case 'l2Reserved':
      return [`ERROR found l2 entry with reserved bits set: ${entry}`];
    case 'l2Copied':
      return [
        `ERROR OFLAG_COPIED data cluster: l2_entry=${entryAt(image, at).toString(16)} refcount=${exact(image, host, expected)}`,
      ];
    case 'dataMisaligned':
      return [`ERROR offset=${offsetIn(found)}: Data cluster is not properly aligned; L2 entry corrupted.`];
    case 'preallocatedMisaligned':
      return [
        `ERROR offset=${offsetIn(found)}: Preallocated cluster is not properly aligned; L2 entry corrupted.`,
      ];
    case 'compressedCopied': {
      const offset = compressedHex(BigInt(found), header.clusterBits);
      return [`ERROR: coffset=0x${offset}: copied flag must never be set for compressed clusters`];
    }
    case 'compressedInDataFile':
      return [`ERROR compressed cluster ${index} with data file, entry=0x${uncopied(found)}`];
    case 'compressedSubclusters':
      return [
        `ERROR compressed cluster ${index} with non-zero subcluster allocation bitmap, entry=0x${uncopied(found)}`,
      ];
    case 'subclustersBoth':
      return [
        `ERROR offset=${offsetIn(found)}: Allocated cluster has corrupted subcluster allocation bitmap`,
      ];
    case 'subclustersUnallocated':
      return ['ERROR: Unallocated cluster has non-zero subcluster allocation map'];
    case 'snapshotL1Misaligned':
      return [
        `${snapshot} l1_offset=${found}: L1 table is not cluster aligned; snapshot table entry corrupted`,
      ];
    case 'snapshotL1TooLarge':
      return [
        `${snapshot} l1_size=0x${found.toString(16)}: L1 table is too large; snapshot table entry corrupted`,
      ];
    case 'snapshotIncomplete':
      return [`ERROR snapshot table entry ${finding.snapshot ?? 0} is incomplete`];
    // It opens such images to repair them, and no others.
    case 'snapshotExtraData':
      return [
        `Discarding too much extra metadata in snapshot table entry ${finding.snapshot ?? 0} (${found} > ${expected})`,
      ];
    case 'snapshotsTooMany':
      return [`Discarding ${finding.times} overhanging snapshots`];
    case 'snapshotTableTooBig':
      return [`Discarding ${finding.times} overhanging snapshots (snapshot table is too big)`];
    case 'snapshotsWithDataFile':
      return [`ERROR ${found} snapshots in image with data file`];
    // Told by clusters.
    case 'refcountTooHigh':
    case 'refcountTooLow':
    case 'refcountUnreadable':
      return [];
    // QEMU counts it and says nothing.
    case 'bitmapEntry':
      return [];
    // QEMU does not open such an image.
    case 'unreadable':
    case 'zeroFlagInVersion2':
    case 'zeroFlagReserved':
    case 'dataFileOffset':
    case 'overlap':
      return [];
  }
}

/** A refcount in full: beyond 2^53 it is read again. */
function exact(image: Qcow2Image, host: HostOffset, refcount: number | string): number | string | bigint {
  if (Number(refcount) <= Number.MAX_SAFE_INTEGER) return refcount;
  const { header } = image;
  const perBlock = refcountsPerBlock(header.clusterSize, 64);
  const cluster = Math.floor(host / header.clusterSize);
  const entry = plus(header.refcountTableOffset, Math.floor(cluster / perBlock) * 8);
  const { high, low } = wordsOf(entryAt(image, entry));
  return entryAt(image, hostOffset(refcountBlockOffset(high, low) + (cluster % perBlock) * 8));
}

/** A compressed cluster's entry without COPIED: QEMU takes it away before it says more. */
const uncopied = (entry: number | string): string => BigInt.asUintN(63, BigInt(entry)).toString(16);

/** A raw entry as `0x…` without prefix and leading zeroes. */
const bareHex = (entry: string): string => BigInt(entry).toString(16);

/** The offset in a raw entry. */
function offsetIn(entry: number | string): string {
  const { high, low } = wordsOf(BigInt(entry));
  return offsetOf(high, low).toString(16);
}

const wordsOf = (entry: bigint): RawEntry => ({
  high: Number(entry >> 32n),
  low: Number(BigInt.asUintN(32, entry)),
});

/** The offset of a compressed cluster. */
const compressedHex = (entry: bigint, clusterBits: number): string =>
  BigInt.asUintN(sectorCountShift(clusterBits), entry).toString(16);

function entryAt({ file }: Qcow2Image, offset: HostOffset): bigint {
  const bytes = new Uint8Array(8);
  file.read(bytes, offset);
  return dataView(bytes).getBigUint64(0);
}
