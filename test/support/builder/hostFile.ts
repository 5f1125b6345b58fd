/**
 * Regions of whole clusters and their places in a host file. A region is declared first, placed when all are known, and
 * written last, so that its bytes can refer to the places of the others.
 */
import * as fs from 'node:fs';
import { seededRandom } from './random';

export interface Region {
  /** Length in clusters; an empty table has none. */
  readonly clusters: number;
  /** Content, at most the region's length; called once all regions are placed. */
  readonly bytes: () => Uint8Array;
  /** A gap that nothing refers to. */
  readonly isFree: boolean;
  /** First cluster; −1 until placed. */
  first: number;
}

export const region = (clusters: number, bytes: () => Uint8Array): Region => ({
  clusters,
  bytes,
  isFree: false,
  first: -1,
});

/** How regions follow one another: as declared, or shuffled by a seed. */
export type HostOrder = 'sequential' | { readonly shuffledBy: number };

/**
 * Gives every region its clusters, from `firstFree` on.
 * @returns clusters from the start of the file to the end of the last region
 */
export function placeRegions(regions: readonly Region[], firstFree: number, order: HostOrder): number {
  const ordered = order === 'sequential' ? regions : seededRandom(order.shuffledBy).shuffled(regions);
  let next = firstFree;
  for (const placed of ordered) {
    placed.first = next;
    next += placed.clusters;
  }
  return next;
}

export interface Chunk {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A host file as chunks over nothing; what no chunk covers reads as zero. */
export class HostFile {
  constructor(
    readonly chunks: readonly Chunk[],
    readonly size: number,
  ) {}

  toBuffer(): Buffer {
    const buffer = Buffer.alloc(this.size);
    for (const { offset, bytes } of this.chunks) buffer.set(bytes, offset);
    return buffer;
  }

  /** Writes a sparse file; an existing one is replaced. */
  writeTo(path: string): void {
    const descriptor = fs.openSync(path, 'w');
    try {
      for (const { offset, bytes } of this.chunks) fs.writeSync(descriptor, bytes, 0, bytes.length, offset);
      fs.ftruncateSync(descriptor, this.size);
    } finally {
      fs.closeSync(descriptor);
    }
  }
}
