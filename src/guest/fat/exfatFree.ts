/** The allocation bitmap of exFAT: a bit for each cluster, from 2 on, set where it is in use (section 7.1.5). */
import type { BlockDevice } from '../blockDevice';
import { GuestError } from '../errors';
import type { WalkProgress } from '../fileSystem';
import { type Clusters, FIRST, placeOf } from './clusters';
import type { Run } from './chain';
import { type Contents, readContents } from './contents';

/** Bytes of the bitmap that are read at once. */
const PIECE = 64 * 1024;

/**
 * Tells the free clusters, ascending, joined within pieces of the bitmap. Bits beyond the last cluster are ignored.
 * @param bitmap at least a bit for each cluster long
 * @throws GuestError where the bitmap cannot be read whole
 */
export function forEachFreeInBitmap(
  device: BlockDevice,
  clusters: Clusters,
  bitmap: Contents,
  visit: (first: number, count: number) => void,
  progress: WalkProgress,
): void {
  const { count } = clusters;
  const total = Math.ceil(count / 8);
  const piece = new Uint8Array(Math.min(PIECE, total));
  for (let done = 0; done < total; done += PIECE) {
    progress.checkCancelled();
    const bytes = piece.subarray(0, Math.min(PIECE, total - done));
    readContents(device, clusters, bitmap, done, bytes);
    tellFree(bytes, done * 8, count, visit);
    progress.report(Math.min(total, done + PIECE), total);
  }
}

/**
 * @param base number of the first bit
 * @param count bits that there are in the whole bitmap
 */
function tellFree(
  bytes: Uint8Array,
  base: number,
  count: number,
  visit: (first: number, count: number) => void,
): void {
  let freeFrom = -1;
  const end = Math.min(count, base + bytes.length * 8);
  for (const [index, byte] of bytes.entries()) {
    const from = base + index * 8;
    if (byte === 0) {
      if (freeFrom < 0) freeFrom = from;
      continue;
    }
    for (let bit = 0; bit < 8; bit++) {
      const isFree = ((byte >>> bit) & 1) === 0 && from + bit < end;
      if (isFree && freeFrom < 0) freeFrom = from + bit;
      if (isFree || freeFrom < 0) continue;
      visit(FIRST + freeFrom, from + bit - freeFrom);
      freeFrom = -1;
    }
  }
  if (freeFrom >= 0) visit(FIRST + freeFrom, end - freeFrom);
}

/** Checks that clusters which are surely in use are not told to be free. */
export class InUse {
  readonly #clusters: Clusters;
  readonly #runs: readonly Run[];
  #next = 0;

  constructor(clusters: Clusters, runs: readonly Run[]) {
    this.#clusters = clusters;
    this.#runs = runs.toSorted((a, b) => a.cluster - b.cluster);
  }

  /** @param first beyond all free clusters before @throws GuestError `fat.notAllocated` */
  expectNot(first: number, count: number): void {
    for (; this.#next < this.#runs.length; this.#next++) {
      const run = this.#runs[this.#next];
      if (run === undefined || run.cluster >= first + count) return;
      if (run.cluster + run.count <= first) continue;
      throw new GuestError('fat.notAllocated', {
        what: 'cluster',
        offset: placeOf(this.#clusters, run.cluster),
      });
    }
  }
}
