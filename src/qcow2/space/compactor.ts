/**
 * Compaction in place: clusters behind the end that the file could have move to free clusters before it, and the file is
 * cut off behind what is in use then. Guests and snapshots read the same, so there is nothing to undo; but the free
 * clusters hold something else afterwards, so nothing from before can be undone.
 *
 * It is a row of batches, each of which is a copy and one save (moveBatch.ts): whatever interrupts it leaves a sound
 * image, after `recover` the one between two batches. Between a copy and its save only free clusters have changed. The
 * file is cut only when what has freed its end is on stable storage: after a save, every few batches.
 *
 * A plan (movePlan.ts) is made from what the whole image says, carried out, and made again, until there is nothing to
 * gain: moving clusters makes refcount blocks superfluous, and those leave free clusters.
 *
 * It is a generator that yields after each save: a thread can serve other requests there, a command line runs it to its end.
 */
import { DiskRefcounts } from '../check/diskRefcounts';
import { ClusterBits } from '../clusterSet';
import { CancelledError, EngineError, FormatError, type Problem } from '../errors';
import { Qcow2Image } from '../image/qcow2Image';
import type { BlockFile } from '../io/blockFile';
import { type Progress, quietOf, silent } from '../progress';
import { whileClaimed } from '../save/claim';
import type { Disk, MutableFile } from '../save/disk';
import { folderOf } from '../save/journalFile';
import type { SaveOptions } from '../save/save';
import { type ByteLength, type ClusterCount, hostCluster, type HostCluster } from '../units';
import { type ClusterLayout, layoutOf, tailOf } from './clusterLayout';
import { DataPlaces } from './dataPlaces';
import { FreeRuns } from './freeRuns';
import { BatchMover, membersOf } from './moveBatch';
import { planMoves, planRoom, type MovePlan } from './movePlan';
import { moveStreams } from './moveStreams';
import { type FileSizes, sizesOf } from './openUnchanged';
import { addBlocks, changeShape, neededBlocks, type NewBlock, shapeChange } from './refcountShape';
import { Stretches } from './stretches';
import { StreamsByBatch } from './streams';
import { structurePlaces } from './structurePlaces';
import type { MoveBatch } from './unitMoves';

/** Bytes that a batch moves, at most; and clusters, each of which may change a page of an L2 table. */
export const BATCH_BYTES = 64 * 1024 * 1024;
/** The same where nothing waits for the end of a batch: its save flushes a dozen times, however much was moved. */
const LONG_BATCH_BYTES = 256 * 1024 * 1024;
export const BATCH_CLUSTERS = 8192;
/** Batches between two cuts. */
export const CUT_EVERY = 4;
/** Plans in a row that only make room, at most: they move what is moved again, and may come to nothing. */
const MOST_ROOMS = 3;
/** Plans, at most. Each one makes the file shorter than the one before, or prepares one that does. */
const MOST_PLANS = 1000;

export interface CompactOptions {
  readonly progress?: Progress;
  /** As `SaveOptions` has it: held all the while. */
  readonly lock?: SaveOptions['lock'];
  /** Opens the image file for reading, as it is then. */
  readonly open: () => BlockFile;
  /** Where staged pages go beyond memory, as `PageStore` has it. */
  readonly scratchPath: string;
  /** Bytes of a batch, at most; at least one cluster is moved at a time. */
  readonly batchBytes?: ByteLength;
  /** Nothing waits for the end of a batch: where the file system has room for their copies, there are fewer and larger ones. */
  readonly isAtOnce?: boolean;
  /** Called before free clusters are written, or anything else. */
  readonly onWriting?: () => void;
  /** Called after each save, before the piece ends. */
  readonly onSaved?: () => void;
}

/** What a compaction did. Plain JSON. */
export interface Compacted {
  /** The file is not what it was. */
  readonly changed: boolean;
  readonly before: FileSizes;
  readonly after: FileSizes;
  readonly movedBytes: ByteLength;
  /** It ended before it was done; what was gained until then stays. */
  readonly stopped?: Problem;
}

/** A part of a compaction. A piece of it ends after each save: then the image on disk is sound, and may be read. */
type Pieces<T> = Generator<undefined, T>;

/** A compaction under way, which is run piece by piece. */
export type Compacting = Pieces<Compacted>;

interface Planned {
  readonly layout: ClusterLayout;
  readonly plan: MovePlan | undefined;
  /** Something was done already that a plan has to see. */
  readonly isDone: boolean;
}

/** Clusters that a batch moves, at most. */
const clustersOfBatch = (clusterSize: ByteLength, bytes: ByteLength): ClusterCount =>
  Math.max(1, Math.min(BATCH_CLUSTERS, Math.floor(bytes / clusterSize)));

export class Compactor {
  readonly #mover: BatchMover;
  readonly #progress: Progress;
  readonly #most: ClusterCount;
  #movedBytes = 0;
  #totalBytes = 0;
  /** Something was saved. */
  #isTouched = false;
  /** All from here on is free on disk. */
  #end: HostCluster | undefined;
  #sinceCut = 0;
  /** Plans in a row that only made room. */
  #rooms = 0;

  constructor(
    readonly clusterSize: ByteLength,
    readonly file: MutableFile,
    readonly disk: Disk,
    readonly options: CompactOptions,
  ) {
    const { open, scratchPath, progress = silent, onWriting = () => undefined } = options;
    this.#progress = progress;
    const onCommitted = (): void => {
      this.#isTouched = true;
    };
    this.#mover = new BatchMover({ disk, file, open, scratchPath, progress, onWriting, onCommitted });
    this.#most = clustersOfBatch(clusterSize, options.batchBytes ?? this.#batchBytes());
  }

  /** @throws EngineError; nothing but free clusters was changed then */
  *run(): Compacting {
    const before = sizesOf(this.file);
    const stopped = yield* this.#stopped();
    return {
      changed: this.#isTouched,
      before,
      after: sizesOf(this.file),
      movedBytes: this.#movedBytes,
      ...(stopped === undefined ? {} : { stopped }),
    };
  }

  /** Once something is changed, what goes wrong is part of the report. */
  *#stopped(): Pieces<Problem | undefined> {
    try {
      for (let plans = 0; plans < MOST_PLANS && (yield* this.#carryOut()); plans++);
      return undefined;
    } catch (error) {
      if (!this.#isTouched || !(error instanceof EngineError)) throw error;
      if (error instanceof CancelledError) this.#cutWhatIsFree();
      return error.problem;
    }
  }

  /** What was freed until now need not wait for the next time. */
  #cutWhatIsFree(): void {
    try {
      this.#cut();
    } catch (error) {
      // The report says why it was stopped.
      if (!(error instanceof EngineError)) throw error;
    }
  }

  /** @returns false where there was nothing to do */
  *#carryOut(): Pieces<boolean> {
    const { layout, plan, isDone } = yield* this.#plan();
    if (isDone) return true;
    if (plan === undefined) {
      this.#end = layout.end;
      this.#cut();
      return false;
    }
    if (plan.newBlocks.length > 0) yield* this.#addBlocks(plan.newBlocks);
    for (const table of plan.tables) yield* this.#moveStructures(table);
    for (let index = plan.metadata.batches - 1; index >= 0; index--) {
      yield* this.#moveStructures(plan.metadata.batch(index));
    }
    yield* this.#moveData(plan);
    this.#rooms = plan.isForRoom ? this.#rooms + 1 : 0;
    return true;
  }

  /**
   * Looks at all of the image. Refcount structures that nothing needs go at once, and compressed data that lies behind
   * the end moves; then the plan comes next time.
   */
  *#plan(): Pieces<Planned> {
    const file = this.options.open();
    try {
      const image = Qcow2Image.open(file);
      const layout = layoutOf(image, this.#progress);
      if (layout.leaks > 0) throw new FormatError(file.name, 'compact.leaks', { value: layout.leaks });
      this.#totalBytes = Math.max(this.#totalBytes, this.#movedBytes + tailOf(layout) * this.clusterSize);
      if (yield* this.#reshape(image, layout)) return { layout, plan: undefined, isDone: true };
      const { blocks, end } = neededBlocks(image, layout);
      if (blocks.length > 0) {
        const isWorthwhile = end < layout.end;
        if (isWorthwhile) yield* this.#addBlocks(blocks);
        return { layout, plan: undefined, isDone: isWorthwhile };
      }
      const isDone = yield* this.#moveStreams(image, layout);
      if (isDone) return { layout, plan: undefined, isDone };
      const mayMakeRoom = this.#rooms < MOST_ROOMS;
      const room = mayMakeRoom ? roomForStreams(image, layout, this.#most) : undefined;
      return { layout, plan: room ?? planMoves(image, layout, this.#most, mayMakeRoom), isDone };
    } finally {
      file.close();
    }
  }

  *#addBlocks(blocks: readonly NewBlock[]): Pieces<void> {
    this.#progress.checkCancelled();
    this.#mover.change((staged, image) => {
      addBlocks(staged, image, blocks);
    });
    this.#saved();
    yield;
  }

  /** Removes refcount structures that nothing needs. @returns false where all are needed */
  *#reshape(image: Qcow2Image, layout: ClusterLayout): Pieces<boolean> {
    const shape = shapeChange(image, layout);
    if (shape === undefined) return false;
    this.#progress.checkCancelled();
    this.#mover.change((staged, now) => {
      changeShape(staged, now, shape);
    });
    this.#saved();
    yield;
    return true;
  }

  /** Moves compressed data that lies behind the shortest end of the file. @returns false where nothing was moved */
  *#moveStreams(image: Qcow2Image, layout: ClusterLayout): Pieces<boolean> {
    const end = hostCluster(layout.inUse.count);
    const batches = new Stretches(tailOfSet(layout.compressed, end), this.#most);
    const free = new FreeRuns(layout.inUse, end);
    let isMoved = false;
    for (let count = batches.count; count > 0;) {
      const upTo = count;
      const streams = this.#onDisk((now) =>
        StreamsByBatch.of(now, batches, upTo, end, quietOf(this.#progress)),
      );
      for (let index = count - 1; index >= streams.from; index--) {
        this.#progress.checkCancelled();
        const { bytes, isAll } = moveStreams(this.#mover, image, streams.entriesOf(index), free);
        if (bytes > 0) {
          isMoved = true;
          this.#rooms = 0;
          this.#moved(bytes);
          yield;
        }
        // What comes before it finds no room, either, or could not be cut off.
        if (!isAll) return isMoved;
      }
      count = streams.from;
    }
    return isMoved;
  }

  *#moveStructures(batch: MoveBatch): Pieces<void> {
    const isMoved = membersOf(batch);
    this.#mover.move(batch, (image) => structurePlaces(image, isMoved, silent));
    this.#moved(batch.sources.length * this.clusterSize);
    yield;
  }

  *#moveData({ data: moves, end: last, isForRoom }: MovePlan): Pieces<void> {
    for (let end = moves.batches; end > 0;) {
      const upTo = end;
      const places = this.#onDisk((now) => DataPlaces.of(now, moves, upTo, quietOf(this.#progress)));
      for (let index = end - 1; index >= places.from; index--) {
        const batch = moves.batch(index);
        this.#mover.move(batch, () => places.listOf(index));
        this.#moved(batch.sources.length * this.clusterSize);
        // Tables have moved before, so that only data was left behind the end.
        if (!isForRoom) this.#end = index === 0 ? last : moves.endOf(index - 1);
        if (this.#sinceCut >= CUT_EVERY || this.#isRoomScarce()) this.#cut();
        yield;
      }
      end = places.from;
    }
    if (!isForRoom) this.#end = last;
    this.#cut();
  }

  #batchBytes(): ByteLength {
    const isLong = this.options.isAtOnce === true && this.#freeBytes >= CUT_EVERY * LONG_BATCH_BYTES;
    return isLong ? LONG_BATCH_BYTES : BATCH_BYTES;
  }

  /** The next copy may need what cutting the file gives back. */
  #isRoomScarce(): boolean {
    return this.#freeBytes < 2 * this.#most * this.clusterSize;
  }

  get #freeBytes(): ByteLength {
    return this.disk.freeBytes(folderOf(this.file.name));
  }

  /** Hands over the image as it is on disk now. */
  #onDisk<T>(use: (image: Qcow2Image) => T): T {
    const file = this.options.open();
    try {
      return use(Qcow2Image.open(file));
    } finally {
      file.close();
    }
  }

  #moved(bytes: ByteLength): void {
    this.#movedBytes += bytes;
    this.#totalBytes = Math.max(this.#totalBytes, this.#movedBytes);
    this.#progress.report(this.#movedBytes, this.#totalBytes);
    this.#saved();
  }

  #saved(): void {
    this.#sinceCut++;
    this.options.onSaved?.();
  }

  /** Cuts off what is free at the end. What says so is on stable storage. */
  #cut(): void {
    this.#sinceCut = 0;
    const { file, disk } = this;
    const size = (this.#end ?? hostCluster(Infinity)) * this.clusterSize;
    if (size >= file.size) return;
    const header = this.#onDisk((now) => {
      refuseUsed(now, hostCluster(Math.floor(size / this.clusterSize)));
      return now.header;
    });
    const { leftover } = whileClaimed(file, header, disk, undefined, () => {
      // Also where nothing had to be moved: another program may have freed the end a moment ago.
      if (!this.#isTouched) file.flush();
      this.#isTouched = true;
      file.truncate(size);
      file.flush();
    });
    if (leftover !== undefined) throw new EngineError(leftover);
  }
}

/** Clusters of a set from `end` on. */
function tailOfSet(set: ClusterBits, end: HostCluster): ClusterBits {
  const tail = new ClusterBits();
  set.forEachRun((first, count) => {
    const from = hostCluster(Math.max(first, end));
    if (from < first + count) tail.add(from, first + count - from);
  });
  return tail;
}

/** Where compressed data found no clusters in a row: what makes room for as much of it as possible. */
function roomForStreams(image: Qcow2Image, layout: ClusterLayout, most: ClusterCount): MovePlan | undefined {
  const end = hostCluster(layout.inUse.count);
  const { count } = tailOfSet(layout.compressed, end);
  for (let clusters = Math.min(count, most); clusters > 0; clusters = Math.floor(clusters / 2)) {
    // One more, since the first stream may begin in the cluster before.
    const room = planRoom(image, layout, clusters + 1, end, most);
    if (room !== undefined) return room;
  }
  return undefined;
}

/** Nothing is cut off that has a refcount, whatever the plan was. */
function refuseUsed({ file, header }: Qcow2Image, end: HostCluster): void {
  const clusters = Math.ceil(file.size / header.clusterSize);
  const refcounts = new DiskRefcounts(file, header, clusters, true);
  const perPage = 2 ** refcounts.pageBits;
  for (let first = Math.floor(end / perPage) * perPage; first < clusters; first += perPage) {
    const page = refcounts.page(first / perPage);
    if (refcounts.isAllZero(page)) continue;
    const used = page.subarray(Math.max(0, end - first), clusters - first).some((refcount) => refcount !== 0);
    if (used) throw new RangeError(`clusters in use behind ${end} would be cut off`);
  }
}
