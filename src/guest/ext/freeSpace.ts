/**
 * The free space ("Block and Inode Bitmaps"): a bit for each cluster, a bitmap for each group. It is believed only where it
 * agrees with everything else: descriptor and bitmap checksums, the count of the descriptor, and the places of the tables,
 * which must be in use.
 */
import { GuestError } from '../errors';
import type { WalkProgress } from '../fileSystem';
import type { DeviceOffset } from '../units';
import { BitmapChecksums, forEachFreeBits } from './bitmap';
import { type GroupTable, readGroups } from './groupTable';
import type { MetadataRuns } from './metadataRuns';
import type { Volume } from './volume';

/** Groups between two reports of progress. */
const REPORT_EVERY = 256;

/** Bytes of bitmaps. */
const READ_AT_ONCE = 64 * 1024;

type Visit = (start: DeviceOffset, length: number) => void;

/** @throws GuestError where the map does not agree with the rest: what was told so far may not be used */
export function forEachFreeRun(volume: Volume, visit: Visit, progress: WalkProgress): void {
  const groups = readGroups(volume, progress);
  const walk = new FreeWalk(volume, groups, visit);
  for (let group = 0; group < volume.superblock.groups; group++) {
    if (group % REPORT_EVERY === 0) {
      progress.checkCancelled();
      progress.report(group, volume.superblock.groups);
    }
    walk.group(group);
  }
  walk.end();
  progress.report(volume.superblock.groups, volume.superblock.groups);
}

class FreeWalk {
  readonly #volume: Volume;
  readonly #groups: GroupTable;
  readonly #visit: Visit;
  readonly #metadata: MetadataRuns;
  /** Bitmaps that follow each other, read at once: the groups that they are of. */
  readonly #bitmaps: Uint8Array;
  #firstGroup = 0;
  #endGroup = 0;
  readonly #checksums: BitmapChecksums;
  /** Blocks: the run found last, which the next one may continue. */
  #start = 0;
  #end = 0;

  constructor(volume: Volume, groups: GroupTable, visit: Visit) {
    this.#volume = volume;
    this.#groups = groups;
    this.#visit = visit;
    this.#metadata = groups.metadata;
    const { blockSize } = volume.superblock;
    this.#bitmaps = new Uint8Array(Math.max(blockSize, READ_AT_ONCE));
    this.#checksums = new BitmapChecksums(volume.superblock);
  }

  group(group: number): void {
    const free =
      this.#groups.isUninitialized[group] === 1 ? this.#allButMetadata(group) : this.#fromBitmap(group);
    const declared = this.#groups.free[group];
    if (free === declared) return;
    const offset = this.#bitmapOffset(group);
    throw new GuestError('ext.freeCount', {
      what: 'bg_free_blocks_count',
      offset,
      value: free,
      limit: declared ?? 0,
    });
  }

  end(): void {
    if (this.#end === this.#start) return;
    this.#visit(
      this.#volume.offsetOf(this.#start),
      (this.#end - this.#start) * this.#volume.superblock.blockSize,
    );
  }

  /** @returns free clusters */
  #allButMetadata(group: number): number {
    const { clusterRatio } = this.#volume.superblock;
    const first = this.#volume.groupStart(group);
    const end = first + this.#volume.groupLength(group);
    let free = 0;
    let at = first;
    // A cluster with metadata in it is in use as a whole.
    const upTo = (block: number): void => {
      if (block <= at) return;
      free += Math.ceil((block - at) / clusterRatio);
      this.#add(at, block);
    };
    this.#metadata.forEachWithin(first, end, (start, behind) => {
      upTo(first + Math.floor((start - first) / clusterRatio) * clusterRatio);
      at = Math.max(at, first + Math.ceil((behind - first) / clusterRatio) * clusterRatio);
    });
    upTo(end);
    return free;
  }

  /** @returns free clusters */
  #fromBitmap(group: number): number {
    const volume = this.#volume;
    const { clusterRatio } = volume.superblock;
    const bitmap = this.#bitmapOf(group);
    if (!this.#checksums.isRight(bitmap, this.#groups.bitmapChecksums[group] ?? 0))
      throw new GuestError('guest.checksum', { what: 'block bitmap', offset: this.#bitmapOffset(group) });
    const first = volume.groupStart(group);
    const length = volume.groupLength(group);
    const clusters = Math.ceil(length / clusterRatio);
    let free = 0;
    forEachFreeBits(bitmap, clusters, (start, end) => {
      free += end - start;
      this.#add(first + start * clusterRatio, first + Math.min(end * clusterRatio, length));
    });
    return free;
  }

  #bitmapOf(group: number): Uint8Array {
    const { blockSize } = this.#volume.superblock;
    if (group >= this.#endGroup) this.#readBitmaps(group);
    const at = (group - this.#firstGroup) * blockSize;
    return this.#bitmaps.subarray(at, at + blockSize);
  }

  /** Reads the bitmap of a group, and those of later groups that are behind it: with flex_bg most are. */
  #readBitmaps(group: number): void {
    const { blockBitmaps, isUninitialized } = this.#groups;
    const { blockSize, groups } = this.#volume.superblock;
    const first = blockBitmaps[group] ?? 0;
    const most = Math.min(this.#bitmaps.length / blockSize, groups - group);
    let count = 1;
    while (
      count < most &&
      isUninitialized[group + count] === 0 &&
      blockBitmaps[group + count] === first + count
    )
      count++;
    this.#volume.readBlocksOnce(this.#bitmaps.subarray(0, count * blockSize), first, 'block bitmap');
    this.#firstGroup = group;
    this.#endGroup = group + count;
  }

  #bitmapOffset(group: number): DeviceOffset {
    return this.#volume.offsetOf(this.#groups.blockBitmaps[group] ?? 0);
  }

  /** Adds a free run, after all earlier ones. */
  #add(start: number, end: number): void {
    const used = this.#metadata.firstWithin(start, end);
    if (used !== undefined) {
      const offset = this.#volume.offsetOf(used);
      const facts = { what: 'block bitmap', offset, value: 'free', limit: 'in use by metadata' };
      throw new GuestError('guest.value', facts);
    }
    if (start === this.#end) {
      this.#end = end;
      return;
    }
    this.end();
    this.#start = start;
    this.#end = end;
  }
}
