/**
 * Reads the entries of folders piece by piece, in clusters that no other folder has: so a walk through all folders ends
 * soon, however a damaged disk links them.
 */
import { type BlockDevice, readBytes } from '../blockDevice';
import { GuestError } from '../errors';
import type { FileId } from '../fileSystem';
import type { Chain } from './chain';
import { type Clusters, placeOf } from './clusters';

/** Bytes of an entry of a folder, in FAT and exFAT. */
export const ENTRY = 32;

/** Bytes that are read at once. */
const PIECE = 64 * 1024;

/** Entries of a folder. */
export interface FolderPiece {
  readonly view: DataView;
  /** Bytes from the start of the device. */
  readonly place: number;
}

export class FolderReader {
  /** By cluster: the folder that was found to have it. */
  readonly #owners = new Map<number, FileId>();

  constructor(
    readonly device: BlockDevice,
    readonly clusters: Clusters,
  ) {}

  /**
   * The pieces of a folder that has clusters, in order. The caller stops where the folder ends by itself.
   * @param declared bytes; infinite where only the chain says where the folder ends
   * @param limit bytes that a folder of this file system may have
   * @throws GuestError where the chain is broken, runs in a circle, leads into another folder, or is longer than a folder may
   * be; after the pieces before
   */
  *pieces(folder: FileId, chain: Chain, declared: number, limit: number): Generator<FolderPiece> {
    const { clusterSize } = this.clusters;
    const size = Math.min(declared, limit);
    const atOnce = Math.max(1, PIECE / clusterSize);
    const seen = new Set<number>();
    let index = 0;
    while (index * clusterSize < size) {
      const run = chain.run(index, Math.min(atOnce, Math.ceil(size / clusterSize) - index));
      if (run === undefined) return;
      for (let cluster = run.cluster; cluster < run.cluster + run.count; cluster++) {
        this.#claim(cluster, folder);
        if (seen.has(cluster))
          throw new GuestError('guest.loop', { what: 'folder', offset: this.#place(cluster) });
        seen.add(cluster);
      }
      const length = Math.min(run.count * clusterSize, size - index * clusterSize);
      yield* this.region(placeOf(this.clusters, run.cluster), length);
      index += run.count;
    }
    if (declared > limit && chain.run(index, 1) !== undefined) {
      const facts = { what: 'entries', value: index * (clusterSize / ENTRY), limit: limit / ENTRY };
      throw new GuestError('guest.tooMany', facts);
    }
  }

  /** @param start bytes from the start of the device */
  *region(start: number, length: number): Generator<FolderPiece> {
    for (let done = 0; done < length; done += PIECE) {
      const bytes = readBytes(this.device, start + done, Math.min(PIECE, length - done), 'folder');
      yield { view: new DataView(bytes.buffer), place: start + done };
    }
  }

  #claim(cluster: number, folder: FileId): void {
    const owner = this.#owners.get(cluster);
    if (owner === undefined) this.#owners.set(cluster, folder);
    else if (owner !== folder)
      throw new GuestError('fat.shared', { what: 'folder', offset: this.#place(cluster) });
  }

  #place(cluster: number): number {
    return placeOf(this.clusters, cluster);
  }
}
