/**
 * The map of a disk: which layer of the chain provides which guest bytes, and where they are, extent for extent
 * as `qemu-img map` has it (QEMU 7.2: qemu-img.c `get_block_status`, block/io.c `bdrv_co_block_status`,
 * block/qcow2.c `qcow2_co_block_status`).
 *
 * The walk goes through the top layer's runs; where a layer has nothing, the same stretch is asked of the next one.
 * Runs are merged on the way, in place: the map of a disk with any number of extents takes no memory.
 */
import type { Layer, Layers, RunVisitor } from '../image/layer';
import { NO_HOST, RunKind } from '../image/layer';
import type { Progress } from '../progress';
import { silent } from '../progress';
import { type ByteLength, guestOffset, type GuestOffset, hostOffset, type HostOffset, plus } from '../units';

/** One extent, under `qemu-img map`'s names. The walk reuses one object: copy what is to be kept. */
export interface MapExtent {
  /** Guest bytes. */
  start: GuestOffset;
  length: ByteLength;
  /** Index of the layer that provides the bytes; the deepest one asked where none does. */
  depth: number;
  /** Some layer has an entry for the bytes: not merely zero because no layer has them. */
  present: boolean;
  zero: boolean;
  data: boolean;
  /** The bytes are in a compressed cluster (`qemu-img` 7.2 does not tell; it does not split extents). */
  compressed: boolean;
  /** Offset of `start` in the layer's data file, −1 where there is none to give. */
  offset: HostOffset;
}

export type ExtentVisitor = (extent: Readonly<MapExtent>) => void;

const PRESENT = 1;
const ZERO = 2;
const DATA = 4;
/** The kind has a host offset. */
const OFFSET = 8;
const COMPRESSED = 16;
const FLAG_BITS = 5;

/** Runs between two looks at `Progress`. */
const RUNS_PER_CHECK = 8192;

/**
 * What a run of each kind is, before host holes are looked for. What is not present is left to the backing file; missing
 * tables, too, as QEMU has it, for which they are all zero.
 */
const FLAGS_OF_KIND: readonly number[] = (() => {
  const flags: number[] = [];
  flags[RunKind.unallocated] = 0;
  flags[RunKind.unallocatedSubcluster] = OFFSET;
  flags[RunKind.missing] = 0;
  flags[RunKind.data] = PRESENT | DATA | OFFSET;
  flags[RunKind.compressed] = PRESENT | DATA | COMPRESSED;
  flags[RunKind.zeroPlain] = PRESENT | ZERO;
  flags[RunKind.zeroAllocated] = PRESENT | ZERO | OFFSET;
  return flags;
})();

/**
 * Visits the extents of the guest bytes from `start` to `end`, merged as `qemu-img map` merges them. An empty range
 * visits nothing.
 * @param layers the open layers of a chain, top first; where the last one names a backing file that is not open, what
 *   it leaves to that file is neither zero nor data
 * @param end clamped to the top layer's size
 * @throws FormatError, FileError, CancelledError
 */
export function forEachExtent(
  layers: Layers,
  start: GuestOffset,
  end: GuestOffset,
  visit: ExtentVisitor,
  progress: Progress = silent,
): void {
  const last = guestOffset(Math.min(end, layers[0].size));
  const merge = new ExtentMerger(start, visit);
  const walk = new ChainWalk(layers, merge, start, last, progress);
  walk.layer(0, start, last);
  merge.finish();
}

/** Puts neighbours together that differ in nothing but their place. */
class ExtentMerger {
  readonly #extent: MapExtent = {
    start: guestOffset(0),
    length: 0,
    depth: 0,
    present: false,
    zero: false,
    data: false,
    compressed: false,
    offset: NO_HOST,
  };
  #start: GuestOffset;
  #length = 0;
  /** Depth and flags of the open extent. */
  #state = -1;
  #offset = -1;
  /** Host offset that the next run must have to continue the open extent. */
  #nextOffset = -1;

  readonly #visit: ExtentVisitor;

  constructor(start: GuestOffset, visit: ExtentVisitor) {
    this.#visit = visit;
    this.#start = start;
  }

  /** Takes the next run. `offset` counts only with the flag OFFSET. */
  add(length: ByteLength, depth: number, flags: number, offset: HostOffset): void {
    const state = (depth << FLAG_BITS) | flags;
    const hasOffset = (flags & OFFSET) !== 0;
    // `compressed` is extra information; like QEMU, neighbours are not told apart by it.
    if (((state ^ this.#state) & ~COMPRESSED) === 0 && (!hasOffset || offset === this.#nextOffset)) {
      this.#length += length;
      this.#nextOffset += length;
      return;
    }
    const start = plus(this.#start, this.#length);
    this.finish();
    this.#start = start;
    this.#length = length;
    this.#state = state;
    this.#offset = hasOffset ? offset : -1;
    this.#nextOffset = offset + length;
  }

  /** Hands out the open extent, if there is one. */
  finish(): void {
    if (this.#length === 0) return;
    const extent = this.#extent;
    const state = this.#state;
    extent.start = this.#start;
    extent.length = this.#length;
    extent.depth = state >> FLAG_BITS;
    extent.present = (state & PRESENT) !== 0;
    extent.zero = (state & ZERO) !== 0;
    extent.data = (state & DATA) !== 0;
    extent.compressed = (state & COMPRESSED) !== 0;
    extent.offset = hostOffset(this.#offset);
    this.#visit(extent);
  }
}

/** One walk down a chain. One visitor a layer, made once: the loops below allocate nothing. */
class ChainWalk {
  readonly #visitors: readonly RunVisitor[];
  #runsLeft = RUNS_PER_CHECK;

  readonly #layers: readonly Layer[];
  readonly #merge: ExtentMerger;
  readonly #start: GuestOffset;
  readonly #end: GuestOffset;
  readonly #progress: Progress;

  constructor(
    layers: readonly Layer[],
    merge: ExtentMerger,
    start: GuestOffset,
    end: GuestOffset,
    progress: Progress,
  ) {
    this.#layers = layers;
    this.#merge = merge;
    this.#start = start;
    this.#end = end;
    this.#progress = progress;
    this.#visitors = layers.map((layer, depth) => this.#visitorOf(layer, depth));
  }

  /** Walks what the layer at `depth` and those below it have; the range lies within the layer. */
  layer(depth: number, start: GuestOffset, end: GuestOffset): void {
    this.#layers[depth]!.forEachRun(start, end, this.#visitors[depth]!);
  }

  #visitorOf(layer: Layer, depth: number): RunVisitor {
    const knownFlags = FLAGS_OF_KIND.map((flags) => (layer.isEncrypted ? flags & ~OFFSET : flags));
    return (start, length, kind, host) => {
      this.#countRun(start);
      const flags = knownFlags[kind]!;
      if ((flags & PRESENT) === 0) {
        this.#below(depth, start, length, flags, host);
      } else if (kind === RunKind.data && layer.looksForHoles && (flags & OFFSET) !== 0) {
        this.#withHoles(layer, depth, length, flags, host);
      } else {
        this.#merge.add(length, depth, flags, host);
      }
      return undefined;
    };
  }

  #countRun(start: GuestOffset): void {
    if (--this.#runsLeft > 0) return;
    this.#runsLeft = RUNS_PER_CHECK;
    this.#progress.checkCancelled();
    this.#progress.report(start - this.#start, this.#end - this.#start);
  }

  /**
   * Bytes that the layer leaves to its backing file: zero where there is none, or none so far down the disk; neither
   * zero nor data where there is one that is not open.
   */
  #below(depth: number, start: GuestOffset, length: ByteLength, flags: number, host: HostOffset): void {
    const backing = this.#layers[depth + 1];
    if (backing === undefined) {
      this.#merge.add(length, depth, this.#layers[depth]!.namesBacking ? flags : flags | ZERO, host);
      return;
    }
    const shared = Math.min(length, Math.max(0, backing.size - start));
    if (shared > 0) this.layer(depth + 1, start, plus(start, shared));
    if (shared < length) this.#merge.add(length - shared, depth, flags | ZERO, plus(host, shared));
  }

  /**
   * Data whose host file is asked for holes; the end of the file counts as one, also where holes are not known. A raw
   * layer's hole is zero and no data; in a preallocated qcow2 image the cluster stays data and is zero as well.
   */
  #withHoles(layer: Layer, depth: number, length: ByteLength, flags: number, host: HostOffset): void {
    const holeFlags = layer.format === 'raw' ? (flags & ~DATA) | ZERO : flags | ZERO;
    const end = host + length;
    for (let at = host; at < end;) {
      const extent = layer.dataFile.extentAt(at);
      const stop = hostOffset(Math.min(extent.end, end));
      this.#merge.add(stop - at, depth, extent.isHole ? holeFlags : flags, at);
      at = stop;
    }
  }
}
