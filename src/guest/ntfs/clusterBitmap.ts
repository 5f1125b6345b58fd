/** Which clusters are in use: $Bitmap, a bit for each. Bits behind the last cluster are ignored. */
import { expectOnDevice } from '../blockDevice';
import { GuestError } from '../errors';
import type { WalkProgress } from '../fileSystem';
import { FileAttributes } from './fileAttributes';
import { INDEX_NAME } from './directoryIndex';
import { type Mft, RECORD } from './mft';
import { viewOf } from './numbers';
import { ATTRIBUTE, COMPRESSED_MASK, ENCRYPTED } from './record';
import { readStream, type Stream } from './stream';

const PIECE = 1024 * 1024;

export class ClusterBitmap {
  readonly #mft: Mft;
  readonly #stream: Stream;

  /** @throws GuestError where the bitmap is not whole: holes would read as free */
  constructor(mft: Mft) {
    this.#mft = mft;
    const record = mft.record(RECORD.bitmap);
    const stream = record.isInUse ? new FileAttributes(mft, record).open(ATTRIBUTE.data) : undefined;
    const { clusters } = mft.geometry;
    const needed = Math.ceil(clusters / 8);
    const what = 'map of clusters';
    const { offset } = record;
    // Runs may overlap on a hostile volume, so that the map seems larger than the device.
    expectOnDevice(mft.device, 0, needed, what);
    if (stream === undefined || stream.initialised < needed)
      throw new GuestError('guest.value', { what, offset, value: stream?.initialised ?? 0, limit: needed });
    if ((stream.flags & (COMPRESSED_MASK | ENCRYPTED)) !== 0)
      throw new GuestError('guest.value', { what, offset, value: stream.flags, limit: 'as it is' });
    for (let index = 0; index < (stream.runs?.count ?? 0); index++)
      if (stream.runs?.run(index).lcn === undefined)
        throw new GuestError('guest.value', { what, offset, value: 'hole', limit: 'all clusters' });
    this.#stream = stream;
  }

  /** Clusters in use. @throws GuestError where the bitmap cannot be read */
  countUsed(progress: WalkProgress): number {
    let free = 0;
    this.#forEachFreeRun((start, end) => {
      free += end - start;
    }, progress);
    return this.#mft.geometry.clusters - free;
  }

  /**
   * Tells free stretches as `[start, end)` in clusters, ascending, not touching each other.
   * @throws GuestError where the bitmap cannot be read, or has as free what the volume itself is made of; where the device
   *   ends before the volume
   */
  forEachFree(visit: (start: number, end: number) => void, progress: WalkProgress): void {
    expectOnDevice(this.#mft.device, 0, this.#mft.geometry.size, 'volume');
    const taken = this.#ownClusters();
    let next = 0;
    this.#forEachFreeRun((start, end) => {
      while ((taken[next]?.end ?? Infinity) <= start) next++;
      const own = taken[next];
      if (own !== undefined && own.start < end) {
        const offset = own.start * this.#mft.geometry.clusterSize;
        throw new GuestError('guest.value', {
          what: 'map of clusters',
          offset,
          value: 'free',
          limit: own.name,
        });
      }
      visit(start, end);
    }, progress);
  }

  #forEachFreeRun(visit: (start: number, end: number) => void, progress: WalkProgress): void {
    const { clusters } = this.#mft.geometry;
    const bytes = new Uint8Array(Math.min(PIECE, Math.ceil(clusters / 32) * 4));
    const view = viewOf(bytes);
    /** Where the free stretch began that may not have ended; −1 outside of one. */
    let free = -1;
    for (let first = 0; first < clusters; first += bytes.length * 8) {
      progress.checkCancelled();
      progress.report(first, clusters);
      const here = Math.min(bytes.length * 8, clusters - first);
      readStream(this.#mft, this.#stream, first / 8, bytes.subarray(0, Math.ceil(here / 8)));
      for (let bit = 0; bit < here; bit += 32) {
        const word = view.getUint32(bit >>> 3, true);
        const end = Math.min(32, here - bit);
        for (let within = 0; within < end; within++) {
          // The bits from here on where a stretch ends, or the next one begins.
          const changes = (free >= 0 ? word : ~word) & (-1 << within);
          if (changes === 0) break;
          within = 31 - Math.clz32(changes & -changes);
          if (within >= end) break;
          const cluster = first + bit + within;
          if (free >= 0) visit(free, cluster);
          free = free >= 0 ? -1 : cluster;
        }
      }
    }
    if (free >= 0) visit(free, clusters);
    progress.report(clusters, clusters);
  }

  /** Clusters of metadata, ascending; a map that has them as free is wrong. @throws GuestError */
  #ownClusters(): { readonly start: number; readonly end: number; readonly name: string }[] {
    const taken = [{ start: 0, end: 1, name: '$Boot' }];
    const add = (number: number, type: number, name: string, of: string): void => {
      const { runs } = new FileAttributes(this.#mft, this.#mft.record(number)).open(type, of) ?? {};
      for (let index = 0; index < (runs?.count ?? 0); index++) {
        const run = runs?.run(index);
        if (run?.lcn !== undefined) taken.push({ start: run.lcn, end: run.lcn + run.length, name });
      }
    };
    add(RECORD.mft, ATTRIBUTE.data, '$MFT', '');
    add(RECORD.mft, ATTRIBUTE.bitmap, '$MFT', '');
    add(RECORD.mirror, ATTRIBUTE.data, '$MFTMirr', '');
    add(RECORD.log, ATTRIBUTE.data, '$LogFile', '');
    add(RECORD.root, ATTRIBUTE.indexAllocation, 'root folder', INDEX_NAME);
    add(RECORD.bitmap, ATTRIBUTE.data, '$Bitmap', '');
    return taken.sort((a, b) => a.start - b.start);
  }
}
