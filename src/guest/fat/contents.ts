/** The bytes of a chain of clusters. */
import type { BlockDevice } from '../blockDevice';
import { GuestError } from '../errors';
import type { FileExtent } from '../fileSystem';
import { deviceOffset } from '../units';
import type { Chain } from './chain';
import { type Clusters, placeOf } from './clusters';

/** Contents that a directory entry declares. */
export interface Contents {
  readonly chain: Chain;
  /** Bytes. */
  readonly size: number;
}

/**
 * Fills `target` from byte `at` of the contents on.
 * @throws GuestError where the chain does not lead that far
 */
export function readContents(
  device: BlockDevice,
  clusters: Clusters,
  { chain, size }: Contents,
  at: number,
  target: Uint8Array,
): void {
  const { clusterSize } = clusters;
  for (let done = 0; done < target.length;) {
    const index = Math.floor((at + done) / clusterSize);
    const within = at + done - index * clusterSize;
    const wanted = target.length - done;
    const run = chain.run(index, Math.ceil((within + wanted) / clusterSize));
    if (run === undefined) throw tooShort(index * clusterSize, size);
    const length = Math.min(run.count * clusterSize - within, wanted);
    const place = deviceOffset(placeOf(clusters, run.cluster) + within);
    device.read(target.subarray(done, done + length), place);
    done += length;
  }
}

/** @throws GuestError where the chain does not lead to the end */
export function* extentsOf(clusters: Clusters, { chain, size }: Contents): Generator<FileExtent> {
  const { clusterSize } = clusters;
  const needed = Math.ceil(size / clusterSize);
  for (let index = 0; index < needed;) {
    const run = chain.run(index, needed - index);
    if (run === undefined) throw tooShort(index * clusterSize, size);
    const [at, length] = [index * clusterSize, run.count * clusterSize];
    yield { at, length, place: placeOf(clusters, run.cluster) };
    index += run.count;
  }
}

/**
 * Bytes of the clusters of a chain that says itself where it ends; a broken one ends where it breaks.
 * @param limit bytes beyond which it is not followed
 */
export function lengthOf({ clusterSize }: Clusters, chain: Chain, limit: number): number {
  const most = Math.ceil(limit / clusterSize);
  let index = 0;
  try {
    while (index < most) {
      const run = chain.run(index, most - index);
      if (run === undefined) break;
      index += run.count;
    }
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
  }
  return index * clusterSize;
}

/** @throws GuestError where the chain is broken or runs in a circle */
export function expectWhole(chain: Chain): void {
  for (let index = 0; ;) {
    const run = chain.run(index, Infinity);
    if (run === undefined) return;
    index += run.count;
  }
}

function tooShort(value: number, limit: number): GuestError {
  return new GuestError('fat.short', { value, limit });
}
