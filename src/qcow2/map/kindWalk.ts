/**
 * One walk over a range of the guest's disk that says of every byte which kind it is, for a picture; in slices of
 * time, going on where it stopped. An entry that breaks the specification is a kind of its own here, not an error:
 * the rest of the disk is still worth seeing.
 */
import { FormatError, type Problem } from '../errors';
import type { Layer, RunVisitor } from '../image/layer';
import { RunKind } from '../image/layer';
import { type ByteLength, guestOffset, type GuestOffset, hostOffset, type HostOffset, plus } from '../units';
import { CELL_KINDS } from './cellCounts';
import type { CellCounts, CellKind } from './cellCounts';
import { DataKinds, type FoundContents } from './dataKinds';
import { kindOfBroken, lostBytes, type Lost } from './lost';

/** Runs between two looks at the clock; each may cost the reading of an L2 table. */
const RUNS_PER_LOOK = 16;
/**
 * Milliseconds that one call into a layer should take where it visits nothing (an empty stretch of a huge disk): the
 * stretch asked for grows and shrinks accordingly, since such a call cannot be stopped.
 */
const CALL_TIME = 4;
/** Guest bytes of the first stretch. */
const FIRST_STRETCH = 2 ** 30;
/** A multiple of every layer's cluster size. */
const LEAST_STRETCH = 2 ** 21;

/**
 * What is past the end of a file counts as lost where its refcount says that it was there; of so many it is looked at,
 * then it is clear what happened.
 */
const LOOKS_AT_REFCOUNTS = 4096;

const indexOf = (kind: CellKind): number => CELL_KINDS.indexOf(kind);
const UNALLOCATED = indexOf('unallocated');
const DATA = indexOf('data');
const BACKING_UNKNOWN = indexOf('backingUnknown');
const INVALID = indexOf('invalid');
const MISSING = indexOf('missing');
/** Depth 1, 2, and 3 or deeper. */
const BACKING = [indexOf('backing1'), indexOf('backing2'), indexOf('backing3')] as const;

/** What an allocated run of the top layer is, by `RunKind`. */
const KIND_OF_RUN: readonly number[] = (() => {
  const kinds: number[] = [];
  kinds[RunKind.data] = DATA;
  kinds[RunKind.compressed] = indexOf('compressed');
  kinds[RunKind.zeroPlain] = indexOf('zeroPlain');
  kinds[RunKind.zeroAllocated] = indexOf('zeroAllocated');
  kinds[RunKind.missing] = MISSING;
  return kinds;
})();

/** What a walk tells its runs to: cells, or what makes other kinds of them first. */
export type Counted = Pick<CellCounts, 'start' | 'end' | 'bytesPerCell' | 'add'>;

export class KindWalk {
  /** By the depth of the layer. */
  readonly lost: readonly Lost[];
  readonly #visitors: readonly RunVisitor[];
  #at: GuestOffset;
  #deadline = 0;
  #runsLeft = RUNS_PER_LOOK;
  #timeIsUp = false;
  #stretch = FIRST_STRETCH;
  #looksLeft = LOOKS_AT_REFCOUNTS;

  readonly #layers: readonly Layer[];
  readonly #counts: Counted;
  readonly #dataKinds: DataKinds;

  /**
   * @param counts receives the kinds; its cells are the range that is walked
   * @param found by a content scan, where there was one
   */
  constructor(layers: readonly Layer[], counts: Counted, found: FoundContents | undefined) {
    this.#layers = layers;
    this.#counts = counts;
    this.#dataKinds = new DataKinds(found);
    this.#at = guestOffset(counts.start);
    this.lost = layers.map(() => ({ bytes: 0, end: hostOffset(0), hasTables: false }));
    this.#visitors = layers.map((layer, depth) => this.#visitorOf(layer, depth));
  }

  /** First guest byte that was not looked at yet. */
  get position(): GuestOffset {
    return this.#at;
  }

  get isDone(): boolean {
    return this.#at >= this.#counts.end;
  }

  /**
   * Walks on until the range is done or the time is up; a little further than that at most.
   * @param deadline on the clock of `performance.now()`
   * @throws FileError
   */
  run(deadline: number): void {
    this.#deadline = deadline;
    this.#timeIsUp = false;
    this.#runsLeft = RUNS_PER_LOOK;
    while (this.#goesOn()) {
      try {
        this.#walkStretch();
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        this.#skipInvalid(error.problem);
        this.#lookAtClock();
      }
    }
  }

  #walkStretch(): void {
    const started = performance.now();
    this.#layer(0, this.#at, guestOffset(Math.min(this.#at + this.#stretch, this.#counts.end)));
    const isFast = performance.now() - started < CALL_TIME;
    this.#stretch = isFast ? this.#stretch * 2 : Math.max(this.#stretch / 2, LEAST_STRETCH);
    if (!isFast) this.#lookAtClock();
  }

  #goesOn(): boolean {
    return !this.isDone && !this.#timeIsUp;
  }

  /** Walks a range of one layer; false when the time is up. */
  #layer(depth: number, start: GuestOffset, end: GuestOffset): boolean {
    this.#layers[depth]!.forEachRun(start, end, this.#visitors[depth]!);
    return !this.#timeIsUp;
  }

  #visitorOf(layer: Layer, depth: number): RunVisitor {
    const backing = BACKING[Math.min(depth, 3) - 1]!;
    const ownKinds =
      depth === 0 ? KIND_OF_RUN : KIND_OF_RUN.map((kind) => (kind === INVALID ? INVALID : backing));
    const hasUnopenedBacking = layer.namesBacking && depth + 1 === this.#layers.length;
    const uncovered = hasUnopenedBacking ? BACKING_UNKNOWN : UNALLOCATED;
    const { dataEnd } = layer;
    return (start, length, kind, host) => {
      if (kind === RunKind.unallocated || kind === RunKind.unallocatedSubcluster) {
        if (!this.#below(depth, start, length, uncovered)) return false;
      } else if (kind === RunKind.missing) {
        this.#count(length, MISSING);
        this.#addLostTable(
          depth,
          length,
          host,
          hostOffset((Math.floor(host / layer.granularity) + 1) * layer.granularity),
        );
      } else if (host + length > dataEnd && lostBytes(layer, length, kind, host) > 0) {
        this.#countLost(depth, length, ownKinds[kind]!, host, lostBytes(layer, length, kind, host));
      } else {
        this.#count(length, ownKinds[kind]!);
      }
      if (--this.#runsLeft <= 0) this.#lookAtClock();
      return !this.#timeIsUp;
    };
  }

  /** Bytes that the layer leaves to its backing file, as far down the disk as that one reaches. */
  #below(depth: number, start: GuestOffset, length: ByteLength, uncovered: number): boolean {
    const backing = this.#layers[depth + 1];
    const shared = backing === undefined ? 0 : Math.min(length, Math.max(0, backing.size - start));
    if (shared > 0 && !this.#layer(depth + 1, start, plus(start, shared))) return false;
    if (shared < length) this.#count(length - shared, uncovered);
    return true;
  }

  #count(length: ByteLength, kind: number): void {
    if (kind === DATA) {
      this.#countData(plus(this.#at, length));
      return;
    }
    this.#counts.add(this.#at, length, kind);
    this.#at = plus(this.#at, length);
  }

  /** Counts data of the top layer by what a content scan has found of it. */
  #countData(end: GuestOffset): void {
    const kinds = this.#dataKinds;
    while (this.#at < end) {
      const stop = kinds.stretchFrom(this.#at, end);
      this.#counts.add(this.#at, stop - this.#at, kinds.kind);
      this.#at = stop;
    }
  }

  /** A stretch that ends past the end of its file. @param bytes of it that are lost */
  #countLost(depth: number, length: ByteLength, kind: number, host: HostOffset, bytes: ByteLength): void {
    if (bytes < length) this.#count(length - bytes, kind);
    this.#count(bytes, MISSING);
    this.#addLost(depth, bytes, plus(host, length - bytes), plus(host, length));
  }

  #addLostTable(depth: number, bytes: ByteLength, host: HostOffset, end: HostOffset): void {
    const hasTable = this.#addLost(depth, bytes, host, end);
    this.lost[depth]!.hasTables ||= hasTable;
  }

  /** @param host of the first byte that is lost; @returns whether the file had something there */
  #addLost(depth: number, bytes: ByteLength, host: HostOffset, end: HostOffset): boolean {
    if (this.#looksLeft > 0 && !this.#layers[depth]!.wasInUse(host)) return false;
    this.#looksLeft--;
    const lost = this.lost[depth]!;
    lost.bytes += bytes;
    lost.end = hostOffset(Math.max(lost.end, end));
    return true;
  }

  #lookAtClock(): void {
    this.#runsLeft = RUNS_PER_LOOK;
    this.#timeIsUp = performance.now() >= this.#deadline;
  }

  /**
   * Steps over an entry that breaks the specification, with the rest of its cell: entry by entry, a hostile image
   * could make the walk throw for hours. A finer view shows where in the cell it is.
   */
  #skipInvalid(problem: Problem): void {
    const counts = this.#counts;
    const at = this.#at;
    const cell = Math.floor((at - counts.start) / counts.bytesPerCell);
    const end = Math.min(counts.start + (cell + 1) * counts.bytesPerCell, counts.end);
    const kind = kindOfBroken(problem);
    this.#count(end - at, kind === 'missing' ? MISSING : INVALID);
    const depth = this.#layers.findIndex(({ file }) => file.name === problem.file);
    if (kind !== 'missing' || depth < 0) return;
    this.#addLostTable(depth, end - at, hostOffset(problem.offset ?? 0), hostOffset(Number(problem.value)));
  }
}
