/**
 * A selection in bytes on cluster boundaries, so that it does not depend on the zoom. The anchor stays in place while
 * Shift or a drag moves the other end.
 */
import type { Disk } from './geometry';

export interface Selection {
  /** First byte, a multiple of the cluster size. */
  readonly start: number;
  /** Bytes; ends on a cluster boundary or at the end of the disk. */
  readonly length: number;
  /** The fixed end: bytes of the cell that was selected first. */
  readonly anchor: Span;
  /** The free end: the cell that the keyboard moves. */
  readonly cursor: Span;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The bytes of a cell, clipped to the disk. */
export const cellSpan = (cell: number, bytesPerCell: number, disk: Disk): Span => ({
  start: cell * bytesPerCell,
  end: Math.min(disk.size, (cell + 1) * bytesPerCell),
});

export const selectSpan = (span: Span): Selection => ({
  start: span.start,
  length: span.end - span.start,
  anchor: span,
  cursor: span,
});

/** Moves the free end to `cursor`; the cells of the anchor and the cursor are both included. */
export function extendTo(selection: Selection, cursor: Span): Selection {
  const start = Math.min(selection.anchor.start, cursor.start);
  const end = Math.max(selection.anchor.end, cursor.end);
  return { start, length: end - start, anchor: selection.anchor, cursor };
}

/** The cluster that contains a byte. */
export function clusterSpan(byte: number, disk: Disk): Span {
  return cellSpan(Math.floor(byte / disk.clusterSize), disk.clusterSize, disk);
}

export const isOneCluster = (selection: Selection, disk: Disk): boolean =>
  selection.length <= disk.clusterSize;
