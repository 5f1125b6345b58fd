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
import { ClusterRanges } from './clusterRanges';
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
  isTouched: (cluster: number) => boolean,
  isData: (cluster: number) => boolean,
): ClusterRanges {
  const { header, file } = staged;
  const found: (readonly [first: number, end: number])[] = [];
  forEachWords(staged, header.l1TableOffset, header.l1Size * 8, (l1) => {
    for (let at = 0; at < l1.length; at += 2) {
      const table = offsetOf(l1[at + HIGH]!, l1[at + LOW]!);
      if (table === 0 || table >= file.size || !isTouched(Math.floor(table / header.clusterSize))) continue;
      forEachWords(staged, table, header.clusterSize, (words) => {
        collect(staged, words, isData, found);
      });
    }
  });
  found.sort(([one], [other]) => one - other);
  const sectors = new ClusterRanges();
  for (const [first, end] of found) sectors.add(first, end);
  return sectors;
}

function collect(
  { header, tables }: Qcow2Image,
  words: Uint32Array,
  isData: (cluster: number) => boolean,
  found: (readonly [first: number, end: number])[],
): void {
  const { clusterSize, subclusterSize } = header;
  const perEntry = header.l2EntrySize / 4;
  for (let at = 0; at < words.length; at += perEntry) {
    const high = words[at + HIGH]!;
    const low = words[at + LOW]!;
    const host = offsetOf(high, low);
    const kind = entryKind(tables.rules, high, low);
    if (host === 0 || !hasHostCluster(kind) || !isData(Math.floor(host / clusterSize))) continue;
    if (perEntry === 2) {
      if (kind === EntryKind.zeroAllocated) found.push([host / SECTOR, (host + clusterSize) / SECTOR]);
      continue;
    }
    const allocated = words[at + 2 + LOW]!;
    for (let index = 0; index < SUBCLUSTERS; index++) {
      if (((allocated >>> index) & 1) !== 0) continue;
      const start = host + index * subclusterSize;
      found.push([start / SECTOR, (start + subclusterSize) / SECTOR]);
    }
  }
}

function forEachWords(
  { file }: Qcow2Image,
  offset: number,
  length: number,
  visit: (words: Uint32Array) => void,
): void {
  for (let done = 0; done < length && offset + done < file.size; done += PIECE) {
    const bytes = new Uint8Array(Math.min(PIECE, length - done));
    file.read(bytes, offset + done);
    visit(wordsInPlace(bytes));
  }
}
