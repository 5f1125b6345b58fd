/** Ranges of the disk that are marked on the map and the overview bar: those of a file. */

export class MarkedRanges {
  /** @param pieces starts and ends in turn, ascending */
  constructor(readonly pieces: Float64Array) {}

  /** Visits the runs of cells that have bytes of the ranges, from one cell to before another; neighbours as one run. */
  forEachRun(
    bytesPerCell: number,
    from: number,
    to: number,
    visit: (from: number, to: number) => void,
  ): void {
    let [runStart, runEnd] = [from, from];
    for (let index = this.#firstAfter(from * bytesPerCell); index < this.pieces.length; index += 2) {
      const start = Math.max(from, Math.floor((this.pieces[index] ?? 0) / bytesPerCell));
      const end = Math.min(to, Math.ceil((this.pieces[index + 1] ?? 0) / bytesPerCell));
      if (start >= to) break;
      if (start > runEnd) {
        if (runEnd > runStart) visit(runStart, runEnd);
        runStart = start;
      }
      if (runEnd === runStart) runStart = start;
      runEnd = Math.max(runEnd, end);
    }
    if (runEnd > runStart) visit(runStart, runEnd);
  }

  /** Index of the first piece that ends after a byte. */
  #firstAfter(byte: number): number {
    let low = 0;
    let high = this.pieces.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.pieces[2 * middle + 1] ?? Infinity) <= byte) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }
}
