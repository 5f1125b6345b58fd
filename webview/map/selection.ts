/**
 * What is selected on the guest's disk, in bytes on cluster edges, so that it keeps its meaning when the zoom
 * changes. An anchor stays put while Shift or a drag moves the other end.
 */
import type { Disk } from './geometry';

export interface Selection {
  /** First guest byte, a multiple of the cluster size. */
  readonly start: number;
  /** Bytes; ends on a cluster edge or at the disk's end. */
  readonly length: number;
  /** Where the fixed end was set: bytes of the cell that was selected first. */
  readonly anchor: Span;
  /** The cell that moves: where the keyboard goes on from. */
  readonly cursor: Span;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The bytes of a cell, cut at the disk's end. */
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

/** Moves the free end to `cursor`; both the anchor's cell and the cursor's stay inside. */
export function extendTo(selection: Selection, cursor: Span): Selection {
  const start = Math.min(selection.anchor.start, cursor.start);
  const end = Math.max(selection.anchor.end, cursor.end);
  return { start, length: end - start, anchor: selection.anchor, cursor };
}

/** The cluster that holds a guest byte. */
export function clusterSpan(byte: number, disk: Disk): Span {
  return cellSpan(Math.floor(byte / disk.clusterSize), disk.clusterSize, disk);
}

export const isOneCluster = (selection: Selection, disk: Disk): boolean =>
  selection.length <= disk.clusterSize;
