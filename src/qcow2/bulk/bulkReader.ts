/**
 * Reads guest bytes with several threads. Where that is worth it, compressed clusters of local files become jobs (jobs.ts) for
 * this thread and its helpers (helpers.ts); this thread reads everything else. Like the rest of the engine it is synchronous: a caller
 * announces the ranges that it wants (`begin`) and takes them in the same order (`next`), so helpers work ahead of it.
 *
 * A range of which anything fails is read again by this thread alone: errors are the same as without threads.
 */
import { EngineError } from '../errors';
import { type CompressedStream, type Layer, RunKind } from '../image/layer';
import { Qcow2Image } from '../image/qcow2Image';
import { forEachGuestRun, readBacking, readGuest } from '../image/read';
import { type ByteLength, type GuestOffset, type HostOffset, plus } from '../units';
import { startHelpers, type StartHelpers } from './helpers';
import { JobQueue, MOST_JOBS } from './jobs';

/** Bytes of a range, unless a cluster is larger. */
const SMALLEST_PIECE = 1024 * 1024;
/** Bytes of the ranges that are begun at a time. */
const WINDOW = 4 * 1024 * 1024;

/** Milliseconds of decompressing after which the time for the rest is estimated. */
const TRIAL = 8;
/** Milliseconds of decompressing that must be left to start helpers: one takes 100 ms of a processor to start. */
const WORTH_HELP = 300;
/** Milliseconds to wait for a job that a helper has taken. After that, this thread goes on alone. */
const PATIENCE = 5000;

export interface BulkOptions {
  /** Bytes that will be read, as far as known: helpers are not worth their start for little. */
  readonly expected: ByteLength;
  /** Reads what the layers below the top give, whatever the top has. */
  readonly isBacking?: boolean;
  readonly start?: StartHelpers;
  /** As `WORTH_HELP`; 0 starts helpers first of all. */
  readonly worthHelp?: number;
  /** As `PATIENCE`. */
  readonly patience?: number;
}

/** What a layer has for a run of guest bytes; zeroes, where there is no layer. */
interface Run {
  readonly layer: Layer | undefined;
  readonly start: GuestOffset;
  readonly length: ByteLength;
  readonly kind: RunKind;
  readonly host: HostOffset;
}

/** A range that was begun. */
interface Piece {
  readonly start: GuestOffset;
  readonly length: ByteLength;
  /** The numbers of its jobs, which fill parts of `bytes`. */
  readonly jobs: number[];
  /** What this thread reads. */
  readonly runs: Run[];
  /** Its place in the window; absent where there are no jobs. */
  bytes?: Uint8Array;
  /** Whether anything of it is compressed. */
  isCompressed: boolean;
  /** Whether an error came up when it was begun. */
  isBroken: boolean;
}

/**
 * Passes the guest bytes of a range to `visit`, piece by piece and in ascending order; they are valid during the call.
 * @param layers the chain, the top first
 * @throws as `readGuest`, after the pieces before the error were visited; whatever `visit` throws
 */
export function readInPieces(
  layers: readonly Layer[],
  start: GuestOffset,
  length: ByteLength,
  visit: (bytes: Uint8Array) => void,
  options: Omit<BulkOptions, 'expected' | 'isBacking'> = {},
): void {
  const reader = new BulkReader(layers, { ...options, expected: length });
  const { pieceSize } = reader;
  try {
    for (let begun = 0, done = 0; done < length; done += pieceSize) {
      for (; begun < length && reader.hasRoom; begun += pieceSize)
        reader.begin(plus(start, begun), Math.min(pieceSize, length - begun));
      visit(reader.next());
    }
  } finally {
    reader.close();
  }
}

/** Most bytes that a `BulkReader` reads at once: a power of two, and at least a cluster of any layer. */
export const pieceSizeOf = (layers: readonly Layer[]): ByteLength =>
  Math.max(SMALLEST_PIECE, ...layers.map(clusterSizeOf));

const clusterSizeOf = (layer: Layer): ByteLength =>
  layer instanceof Qcow2Image ? layer.header.clusterSize : 0;

export class BulkReader {
  /** As `pieceSizeOf`. */
  readonly pieceSize: ByteLength;
  readonly #layers: readonly Layer[];
  readonly #options: BulkOptions;
  readonly #pieces: Piece[] = [];
  /** Pieces that have places in the window. */
  readonly #places: number;
  #nextPlace = 0;
  /** Made when helpers are started. */
  #queue: JobQueue | undefined;
  /** Bytes of pieces without jobs. */
  #own = new Uint8Array(0);
  /** Milliseconds spent on what was compressed, of so many bytes. */
  #spent = 0;
  #done = 0;
  /** A helper took too long for a job, and may still write to the window. */
  #isAlone = false;

  /** @param layers the chain, the top first; they stay open until `close` */
  constructor(layers: readonly Layer[], options: BulkOptions) {
    this.#layers = layers;
    this.#options = options;
    this.pieceSize = pieceSizeOf(layers);
    this.#places = Math.max(2, WINDOW / this.pieceSize);
  }

  /** Whether another range may be begun. */
  get hasRoom(): boolean {
    return this.#pieces.length < this.#places;
  }

  /**
   * Announces a range that `next` will return. Never throws for what is wrong with it.
   * @param length at most `pieceSize`
   */
  begin(start: GuestOffset, length: ByteLength): void {
    const queue = this.#isAlone ? undefined : (this.#queue ??= this.#startHelpers());
    const piece: Piece = { start, length, jobs: [], runs: [], isCompressed: false, isBroken: false };
    this.#pieces.push(piece);
    const depth = this.#options.isBacking === true ? 1 : 0;
    try {
      forEachGuestRun(this.#layers, depth, start, plus(start, length), (layer, from, size, kind, host) => {
        if (kind === RunKind.compressed) {
          piece.isCompressed = true;
          const isFull = piece.jobs.length >= MOST_JOBS / this.#places;
          const stream =
            queue === undefined || isFull ? undefined : layer?.compressedStream(from, size, host);
          if (queue !== undefined && stream !== undefined) {
            this.#publish(queue, piece, stream, from, size);
            return;
          }
        }
        piece.runs.push({ layer, start: from, length: size, kind, host });
      });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      piece.isBroken = true;
    }
  }

  /**
   * The bytes of the next range that was begun; they are valid until anything else is called.
   * @throws as `readGuest` and `readBacking`
   */
  next(): Uint8Array {
    const piece = this.#pieces.shift();
    if (piece === undefined) throw new RangeError('no range was begun');
    const started = performance.now();
    const bytes = this.#finish(piece);
    if (piece.isCompressed) this.#spent += performance.now() - started;
    this.#done += piece.length;
    return bytes;
  }

  /** Ends the helpers. They read no file of the layers after that. */
  close(): void {
    this.#queue?.close(this.#isAlone ? 0 : this.#patience);
  }

  get #patience(): number {
    return this.#options.patience ?? PATIENCE;
  }

  #finish({ start, length, jobs, runs, bytes = this.#buffer(length), isBroken }: Piece): Uint8Array {
    // All of them are waited for: their place in the window is used again.
    const areDone = jobs.map((job) => this.#finishJob(job));
    if (isBroken || !areDone.every(Boolean)) return this.#readAgain(start, length);
    for (const run of runs) {
      const part = bytes.subarray(run.start - start, run.start - start + run.length);
      if (run.layer === undefined) part.fill(0);
      else run.layer.readRun(part, run.start, run.kind, run.host);
    }
    return bytes;
  }

  #readAgain(start: GuestOffset, length: ByteLength): Uint8Array {
    const bytes = this.#buffer(length);
    if (this.#options.isBacking === true) readBacking(this.#layers, bytes, start);
    else readGuest(this.#layers, bytes, start);
    return bytes;
  }

  #buffer(length: ByteLength): Uint8Array {
    if (this.#own.length < length) this.#own = new Uint8Array(length);
    return this.#own.subarray(0, length);
  }

  #publish(
    queue: JobQueue,
    piece: Piece,
    stream: CompressedStream,
    start: GuestOffset,
    size: ByteLength,
  ): void {
    if (piece.bytes === undefined) {
      const place = this.#nextPlace * this.pieceSize;
      this.#nextPlace = (this.#nextPlace + 1) % this.#places;
      piece.bytes = queue.window.subarray(place, place + piece.length);
    }
    const at = piece.bytes.byteOffset - queue.window.byteOffset + start - piece.start;
    piece.jobs.push(queue.publish({ ...stream, at, size }));
  }

  /** Does jobs until this one is done, and waits for it if a helper has taken it. @returns whether it has succeeded */
  #finishJob(job: number): boolean {
    const queue = this.#queue;
    if (queue === undefined || this.#isAlone) return false;
    while (queue.isPending(job) && queue.workOnce());
    const result = queue.resultOf(job, this.#patience);
    this.#isAlone = result === undefined;
    return result ?? false;
  }

  /** Starts helpers once the time for the rest can be estimated and is long enough. */
  #startHelpers(): JobQueue | undefined {
    const { expected, worthHelp = WORTH_HELP, start = startHelpers } = this.#options;
    const left = this.#done === 0 ? 0 : (this.#spent / this.#done) * (expected - this.#done);
    if (worthHelp > 0 && (this.#spent < TRIAL || left < worthHelp)) return undefined;
    const queue = new JobQueue(JobQueue.memoryFor(this.#places * this.pieceSize));
    start(queue.memory);
    return queue;
  }
}
