/**
 * Where the staged image keeps a host cluster but shows nothing of it: zero clusters with an allocation, subclusters
 * without one. What is staged there must not be on disk before the entries say so: a reader would see what was never
 * on the guest's disk.
 */
import { HIGH, LOW, wordsInPlace } from '../format/bytes';
import { offsetOf } from '../format/entryBits';
import { EntryKind, entryKind, hasHostCluster } from '../format/l2Kind';
import { SUBCLUSTERS } from '../format/limits';
import type { Qcow2Image } from '../image/qcow2Image';
import { type ByteLength, clusterOf, hostCluster, type HostCluster, type HostOffset, plus } from '../units';
import { Ranges } from './clusterRanges';
import { SECTOR } from './role';

/** Bytes of a table read at a time. */
const PIECE = 64 * 1024;

/**
 * @param isTouched whether anything of a host cluster is staged: in tables where nothing is, nothing has been hidden
 * @param isData whether data of a host cluster is changed in place
 * @returns sectors of the image file
 * @throws FileError
 */
export function hiddenSectors(
  staged: Qcow2Image,
  isTouched: (cluster: HostCluster) => boolean,
  isData: (cluster: HostCluster) => boolean,
): Ranges<number> {
  const { header, file } = staged;
  const found: (readonly [first: HostCluster, end: HostCluster])[] = [];
  forEachWords(staged, header.l1TableOffset, header.l1Size * 8, (l1) => {
    for (let at = 0; at < l1.length; at += 2) {
      const table = offsetOf(l1[at + HIGH]!, l1[at + LOW]!);
      if (table === 0 || table >= file.size || !isTouched(clusterOf(table, header.clusterSize))) continue;
      forEachWords(staged, table, header.clusterSize, (words) => {
        collect(staged, words, isData, found);
      });
    }
  });
  found.sort(([one], [other]) => one - other);
  const sectors = new Ranges<number>();
  for (const [first, end] of found) sectors.add(first, end);
  return sectors;
}

function collect(
  { header, tables }: Qcow2Image,
  words: Uint32Array,
  isData: (cluster: HostCluster) => boolean,
  found: (readonly [first: HostCluster, end: HostCluster])[],
): void {
  const { clusterSize, subclusterSize } = header;
  const perEntry = header.l2EntrySize / 4;
  for (let at = 0; at < words.length; at += perEntry) {
    const high = words[at + HIGH]!;
    const low = words[at + LOW]!;
    const host = offsetOf(high, low);
    const kind = entryKind(tables.rules, high, low);
    if (host === 0 || !hasHostCluster(kind) || !isData(hostCluster(Math.floor(host / clusterSize)))) continue;
    if (perEntry === 2) {
      if (kind === EntryKind.zeroAllocated)
        found.push([hostCluster(host / SECTOR), hostCluster((host + clusterSize) / SECTOR)]);
      continue;
    }
    const allocated = words[at + 2 + LOW]!;
    for (let index = 0; index < SUBCLUSTERS; index++) {
      if (((allocated >>> index) & 1) !== 0) continue;
      const start = host + index * subclusterSize;
      found.push([hostCluster(start / SECTOR), hostCluster((start + subclusterSize) / SECTOR)]);
    }
  }
}

function forEachWords(
  { file }: Qcow2Image,
  offset: HostOffset,
  length: ByteLength,
  visit: (words: Uint32Array) => void,
): void {
  for (let done = 0; done < length && offset + done < file.size; done += PIECE) {
    const bytes = new Uint8Array(Math.min(PIECE, length - done));
    file.read(bytes, plus(offset, done));
    visit(wordsInPlace(bytes));
  }
}
