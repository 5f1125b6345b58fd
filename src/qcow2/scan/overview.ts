/**
 * The cluster map as a picture needs it: counts by kind for equal stretches ("cells") of the guest's disk.
 *
 * The whole disk is walked once, in slices, into at most 2^18 base cells; a view coarser than that is summed from
 * them, a view finer than that is walked afresh for the visible range, which is short by then.
 */

/** The kinds a person tells apart in the map; the order is the order of counts in `Cells`. */
export const CELL_KINDS = [
  'data',
  'zeroAllocated',
  'zeroPlain',
  'compressed',
  'unallocated',
  'backing1',
  'backing2',
  'backing3',
  'backingUnknown',
  'invalid',
] as const;
export type CellKind = (typeof CELL_KINDS)[number];

export interface CellsRequest {
  /** First guest byte; a multiple of `bytesPerCell`. */
  readonly start: number;
  /** Guest bytes of one cell: the cluster size times a power of two. */
  readonly bytesPerCell: number;
  /** Cells wanted; at most 2^18. */
  readonly count: number;
}

export interface Cells {
  readonly start: number;
  readonly bytesPerCell: number;
  /**
   * For each cell `CELL_KINDS.length` shares, each 0 to 255, of the cell's bytes by kind, rounded so that a kind
   * that is present is never 0. A cell that was not scanned yet has all shares 0.
   */
  readonly shares: Uint8Array;
  /** False while the whole-disk scan has not reached the end of what was asked for. */
  readonly complete: boolean;
  /** Totals of the whole disk as far as it was scanned. */
  readonly totals: KindTotals;
}

/** Guest bytes by kind, in the order of `CELL_KINDS`, and how much of the range was looked at. */
export interface KindTotals {
  readonly bytes: readonly number[];
  /** Entries (clusters; pieces of clusters where layers differ in cluster size count as one) by kind. */
  readonly scannedBytes: number;
  readonly totalBytes: number;
}
