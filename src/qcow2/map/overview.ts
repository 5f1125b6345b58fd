/**
 * The cluster map as a picture needs it: counts by kind for equal stretches ("cells") of the guest's disk.
 *
 * The whole disk is walked once, in slices, into at most 2^18 base cells; a view coarser than that is summed from
 * them, a view finer than that is walked afresh for the visible range, which is short by then. No call walks for
 * longer than its time allows: what is not done is told, and done by the next call.
 */
import { ArgumentError, type Problem } from '../errors';
import type { Layers } from '../image/layer';
import { type ByteLength, guestOffset, type GuestOffset } from '../units';
import { CellCounts, CELL_KINDS, MAX_CELLS, SECTOR } from './cellCounts';
import type { FoundContents } from './dataKinds';
import { type Counted, KindWalk } from './kindWalk';
import { incompleteFile } from './lost';

export { CELL_KINDS, MAX_CELLS } from './cellCounts';
export type { CellKind } from './cellCounts';

export interface CellsRequest {
  /** First byte, of the guest's disk or of the file, whichever is asked for cells; a multiple of `bytesPerCell`. */
  readonly start: number;
  /** Bytes of one cell: the cluster size times a power of two. */
  readonly bytesPerCell: ByteLength;
  /** Cells wanted; at most 2^18. */
  readonly count: number;
}

export interface Cells {
  readonly start: number;
  readonly bytesPerCell: ByteLength;
  /**
   * For each cell `CELL_KINDS.length` shares, each 0 to 255, of the cell's bytes by kind, rounded so that a kind
   * that is present is never 0. A cell that was not scanned yet has all shares 0.
   */
  readonly shares: Uint8Array;
  /** False while the whole-disk scan has not reached the end of what was asked for. */
  readonly complete: boolean;
  /**
   * Of a file: shares as well, of what lies in holes of it, which `shares` counts too. Absent where there are no holes in
   * these cells, or where they cannot be seen.
   */
  readonly holes?: Uint8Array;
  /** Totals of the whole disk as far as it was scanned. */
  readonly totals: KindTotals;
}

/** Guest bytes by kind, in the order of `CELL_KINDS`, and how much of the range was looked at. */
export interface KindTotals {
  readonly bytes: readonly number[];
  /** Of a file: those of them that lie in holes; absent where there are none. */
  readonly holes?: readonly number[];
  readonly scannedBytes: number;
  readonly totalBytes: ByteLength;
}

/** Milliseconds that one request may walk, besides the whole-disk scan's own slices. */
const REQUEST_TIME = 60;

/** Cells of other kinds than `CELL_KINDS`, made from those and from what else is known of each place. */
export interface Recounting {
  /** How many kinds there are. */
  readonly kinds: number;
  /** Counts the runs of a walk by these kinds into cells that have as many. */
  into(counts: CellCounts): Counted;
}

interface FineView {
  readonly counts: CellCounts;
  readonly walk: KindWalk;
}

/** The picture of one chain. Make a new one when the files changed, or a content scan has found something. */
export class Overview {
  #base: CellCounts;
  #scan: KindWalk;
  /** The finer view asked for last, which the next request may continue. */
  #fine: FineView | undefined;

  readonly #layers: Layers;
  readonly #clusterSize: ByteLength;
  readonly #found: FoundContents | undefined;
  readonly #recounting: Recounting | undefined;

  /**
   * @param layers of a chain
   * @param clusterSize of the top layer, in bytes
   * @param found by a content scan of the same state, where there was one
   * @param recounting where the cells are to have other kinds
   */
  constructor(layers: Layers, clusterSize: ByteLength, found?: FoundContents, recounting?: Recounting) {
    this.#layers = layers;
    this.#clusterSize = clusterSize;
    this.#found = found;
    this.#recounting = recounting;
    const [{ size }] = layers;
    let bytesPerCell = clusterSize;
    while (size / bytesPerCell > MAX_CELLS) bytesPerCell *= 2;
    this.#base = this.#cellsFrom(0, bytesPerCell, Math.ceil(size / bytesPerCell), size);
    this.#scan = this.#walkOf(this.#base);
  }

  /**
   * The same picture over files in which the guest's clusters lie elsewhere, and are what they were.
   * @param layers of the chain, opened again
   */
  over(layers: Layers): Overview {
    const same = new Overview(layers, this.#clusterSize, this.#found, this.#recounting);
    if (this.isComplete) {
      same.#base = this.#base;
      same.#scan = this.#scan;
    }
    return same;
  }

  /** Guest bytes of the disk that the scan has looked at, from the start on. */
  get scanned(): GuestOffset {
    return this.#scan.position;
  }

  get isComplete(): boolean {
    return this.#scan.isDone;
  }

  /**
   * Goes on with the whole-disk scan until it is done or the time is up.
   * @param deadline on the clock of `performance.now()`
   * @returns true when the scan is done
   * @throws FileError when a file cannot be read
   */
  step(deadline: number): boolean {
    this.#scan.run(deadline);
    return this.#scan.isDone;
  }

  /** The files of the chain that are incomplete, as far as the scan has got. */
  get incompleteFiles(): readonly Problem[] {
    return this.#layers.flatMap((layer, depth) => incompleteFile(layer, this.#scan.lost[depth]) ?? []);
  }

  /**
   * The cells of a view. Never takes long: a view that could not be finished says so, and asking again goes on.
   * @throws ArgumentError `cells.request` for one that is not as `CellsRequest` has it, FileError
   */
  cells(request: CellsRequest): Cells {
    this.#refuseUnfit(request);
    const { start, bytesPerCell, count } = request;
    const group = bytesPerCell / this.#base.bytesPerCell;
    const isFine = group < 1;
    const { counts, walk } = isFine ? this.#fineView(request) : { counts: this.#base, walk: this.#scan };
    const shares = isFine
      ? counts.shares(0, 1, count)
      : counts.shares(start / counts.bytesPerCell, group, count);
    const end = Math.min(start + count * bytesPerCell, this.#base.end);
    return { start, bytesPerCell, shares, complete: walk.position >= end, totals: this.#diskTotals() };
  }

  /**
   * Guest bytes by kind of any range, clamped to the disk. What the scan has not reached yet is left out, and told
   * by `scannedBytes`.
   * @param from guest bytes; the range is widened to multiples of 512
   * @throws FileError
   */
  totals(from: GuestOffset, length: ByteLength): KindTotals {
    const { bytesPerCell } = this.#base;
    const start = guestOffset(Math.floor(Math.max(0, from) / SECTOR) * SECTOR);
    const end = Math.min(Math.ceil((from + length) / SECTOR) * SECTOR, this.#base.end);
    const bytes = new Float64Array(this.#base.totals.length);
    // Whole base cells are known; the two pieces of cells at the ends are walked.
    const first = Math.ceil(start / bytesPerCell);
    const last = Math.floor(Math.min(end, this.scanned) / bytesPerCell);
    if (first >= last) {
      this.#addWalked(start, guestOffset(Math.min(end, start + 2 * bytesPerCell)), bytes);
    } else {
      this.#addWalked(start, guestOffset(first * bytesPerCell), bytes);
      this.#base.sum(first, last, bytes);
      this.#addWalked(
        guestOffset(last * bytesPerCell),
        guestOffset(Math.min(end, (last + 1) * bytesPerCell)),
        bytes,
      );
    }
    return totalsOf(bytes, Math.max(0, end - start));
  }

  #diskTotals(): KindTotals {
    return totalsOf(this.#base.totals, this.#base.end);
  }

  #addWalked(start: GuestOffset, end: GuestOffset, into: Float64Array): void {
    if (start >= end) return;
    const counts = this.#cellsFrom(start, end - start, 1, this.#base.end);
    this.#walkOf(counts).run(performance.now() + REQUEST_TIME / 2);
    counts.sum(0, 1, into);
  }

  #cellsFrom(start: number, bytesPerCell: ByteLength, count: number, size: ByteLength): CellCounts {
    return new CellCounts(start, bytesPerCell, count, size, this.#recounting?.kinds ?? CELL_KINDS.length);
  }

  #walkOf(counts: CellCounts): KindWalk {
    return new KindWalk(this.#layers, this.#recounting?.into(counts) ?? counts, this.#found);
  }

  #fineView({ start, bytesPerCell, count }: CellsRequest): FineView {
    const last = this.#fine?.counts;
    const isSame = last?.start === start && last.bytesPerCell === bytesPerCell && last.count === count;
    if (this.#fine === undefined || !isSame) {
      const counts = this.#cellsFrom(start, bytesPerCell, count, this.#base.end);
      this.#fine = { counts, walk: this.#walkOf(counts) };
    }
    this.#fine.walk.run(performance.now() + REQUEST_TIME);
    return this.#fine;
  }

  #refuseUnfit({ start, bytesPerCell, count }: CellsRequest): void {
    const refuse = (value: number, limit: number): never => {
      throw new ArgumentError(this.#layers[0].file.name, 'cells.request', { value, limit });
    };
    if (!Number.isInteger(Math.log2(bytesPerCell / this.#clusterSize)) || bytesPerCell < this.#clusterSize) {
      refuse(bytesPerCell, this.#clusterSize);
    }
    if (!Number.isInteger(start / bytesPerCell) || start < 0) refuse(start, bytesPerCell);
    if (!Number.isInteger(count) || count < 0 || count > MAX_CELLS) refuse(count, MAX_CELLS);
  }
}

function totalsOf(bytes: Float64Array, totalBytes: ByteLength): KindTotals {
  return { bytes: [...bytes], scannedBytes: bytes.reduce((sum, some) => sum + some, 0), totalBytes };
}
