/**
 * Moves the clusters of one batch: copies them to free clusters, and then saves what leads there, all or nothing
 * (save/save.ts). Up to the save nothing refers to the copies; after it, nothing refers to where they were. What was
 * there stays as it is, so that at every moment the old and the new state can be read.
 */
import { clearUnknownAutoclear } from '../change/autoclear';
import { RefcountBlocks } from '../change/refcountBlocks';
import { ClusterBits } from '../clusterSet';
import { EngineError } from '../errors';
import { HIGH, LOW, swapWords, wordsInPlace } from '../format/bytes';
import { offsetOf, withOffset } from '../format/entryBits';
import { Qcow2Image } from '../image/qcow2Image';
import type { BlockFile } from '../io/blockFile';
import { PageStore } from '../io/pageStore';
import { StagedFile } from '../io/stagedFile';
import { type Progress, quietOf } from '../progress';
import { whileClaimed } from '../save/claim';
import type { Disk, MutableFile } from '../save/disk';
import { folderOf } from '../save/journalFile';
import { save } from '../save/save';
import {
  type ByteLength,
  clusterOf,
  hostCluster,
  type HostCluster,
  type HostOffset,
  plus,
  startOf,
} from '../units';
import { copyBuffer, copyClusters, type Copying } from './copyClusters';
import type { PlaceList } from './placeList';
import type { MoveBatch } from './unitMoves';

/** The file that is compacted. */
export interface CompactedFile {
  readonly disk: Disk;
  /** Open for changing. */
  readonly file: MutableFile;
  /** Opens the file for reading, as it is now. */
  readonly open: () => BlockFile;
  /** As `PageStore` has it. */
  readonly scratchPath: string;
  readonly progress: Progress;
  /** Called before something is written: free clusters, or a save. */
  readonly onWriting: () => void;
  /** Called when something is saved, whatever goes wrong afterwards. */
  readonly onCommitted: () => void;
}

/** Finds the places that refer to the clusters of a batch. */
export type PlaceFinder = (image: Qcow2Image) => PlaceList;

export class BatchMover {
  readonly #buffer = copyBuffer();
  readonly #quiet: Progress;

  constructor(readonly at: CompactedFile) {
    this.#quiet = quietOf(at.progress);
  }

  /**
   * Copies the clusters of a batch and makes everything lead to the copies.
   * @throws EngineError as `save`; the image is as it was before the batch then
   */
  move(batch: MoveBatch, find: PlaceFinder): void {
    this.copyAndChange(
      (copying) => {
        copyClusters(copying, batch);
      },
      (staged, image) => {
        relocate(staged, image, batch, find(image));
      },
    );
  }

  /**
   * Writes to free clusters straight on disk, then stages and saves what makes the image use them.
   * @throws EngineError as `save`; the image is as it was before then
   */
  copyAndChange(
    copy: (copying: Copying) => void,
    change: (staged: StagedFile, image: Qcow2Image) => void,
  ): void {
    this.#save(this.#copy(copy), change);
  }

  /** @returns the file with the copies */
  #copy(copy: (copying: Copying) => void): BlockFile {
    const { disk, file, open } = this.at;
    const from = open();
    try {
      const { header } = Qcow2Image.open(from);
      const { clusterSize } = header;
      const freeBytes = disk.freeBytes(folderOf(file.name));
      const { onWriting } = this.at;
      const [progress, buffer] = [this.#quiet, this.#buffer];
      const copying = { from, to: file, clusterSize, progress, freeBytes, buffer, onWriting };
      const { value, leftover } = whileClaimed(file, header, disk, undefined, () => {
        copy(copying);
        // Whatever another program changes from here on keeps the save from being made.
        return open();
      });
      if (leftover === undefined) return value;
      value.close();
      throw new EngineError(leftover);
    } finally {
      from.close();
    }
  }

  /**
   * Stages a change of the image on disk and saves it.
   * @throws EngineError as `save` and `change`; the image is as it was then
   */
  change(change: (staged: StagedFile, image: Qcow2Image) => void): void {
    this.at.onWriting();
    this.#save(this.at.open(), change);
  }

  #save(base: BlockFile, change: (staged: StagedFile, image: Qcow2Image) => void): void {
    const { disk, scratchPath, onCommitted } = this.at;
    const store = new PageStore(scratchPath);
    const staged = new StagedFile(base, store);
    try {
      const image = Qcow2Image.open(staged);
      clearUnknownAutoclear(staged, image.features);
      change(staged, image);
      const { leftover } = save({ image: staged }, disk, { progress: this.#quiet, onCommitted });
      // It is saved, but nothing more can be.
      if (leftover !== undefined) throw new EngineError(leftover);
    } finally {
      staged.close();
      store.close();
    }
  }
}

/** Where the clusters of a batch go. */
class Ways {
  constructor(readonly batch: MoveBatch) {}

  /** Where a cluster goes; undefined for one that stays. */
  of(cluster: HostCluster): HostCluster | undefined {
    const { sources, targets } = this.batch;
    let low = 0;
    let high = sources.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sources[middle] ?? 0) < cluster) low = middle + 1;
      else high = middle;
    }
    const target = sources[low] === cluster ? targets[low] : undefined;
    return target === undefined ? undefined : hostCluster(target);
  }
}

/** Whether clusters are among those of a batch. */
export function membersOf(batch: MoveBatch): (cluster: HostCluster) => boolean {
  const ways = new Ways(batch);
  return (cluster) => ways.of(cluster) !== undefined;
}

function relocate(staged: StagedFile, { header }: Qcow2Image, batch: MoveBatch, places: PlaceList): void {
  const { clusterSize } = header;
  const ways = new Ways(batch);
  places.forEach((offset, count) => {
    // What refers to a cluster of the batch may be in one itself: it is the copy that counts.
    const within = offset % clusterSize;
    const moved = ways.of(clusterOf(offset, clusterSize));
    const at = moved === undefined ? offset : plus(startOf(moved, clusterSize), within);
    redirect(staged, { at, count, stride: places.stride, clusterSize }, ways);
  });
  // A refcount block that has moved is written where it is now.
  const refcounts = new RefcountBlocks(staged, Qcow2Image.open(staged).header, new ClusterBits());
  batch.sources.forEach((source, index) => {
    refcounts.transfer(hostCluster(source), hostCluster(batch.targets[index] ?? 0));
  });
  refcounts.flush();
}

interface Entries {
  /** Bytes from the start of the file. */
  readonly at: HostOffset;
  readonly count: number;
  /** Bytes from one to the next. */
  readonly stride: number;
  readonly clusterSize: ByteLength;
}

/** Makes entries lead to where their clusters go; all their other bits stay. */
function redirect(staged: StagedFile, { at, count, stride, clusterSize }: Entries, ways: Ways): void {
  const bytes = Buffer.alloc(count * stride);
  staged.read(bytes, at);
  const words = wordsInPlace(bytes);
  for (let word = 0; word < words.length; word += stride / 4) {
    const [high = 0, low = 0] = [words[word + HIGH], words[word + LOW]];
    const target = ways.of(clusterOf(offsetOf(high, low), clusterSize));
    if (target === undefined) throw new RangeError(`the entry at ${at} leads elsewhere`);
    const entry = withOffset(high, low, startOf(target, clusterSize));
    words[word + HIGH] = entry.high;
    words[word + LOW] = entry.low;
  }
  swapWords(bytes);
  staged.write(bytes, at);
}
