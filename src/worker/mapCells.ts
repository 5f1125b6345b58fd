/** Cells of a map, with what is staged in them. */
import type { Cells, CellsRequest } from '../qcow2/map/overview';
import type { StagedMarks } from './stagedMarks';

export interface MapCells extends Cells {
  /** The staged share of each cell, 0 to 255, and never 0 if any byte is staged; absent if none is. */
  readonly staged?: Uint8Array;
}

export function marked(cells: Cells, marks: StagedMarks, request: CellsRequest): MapCells {
  const staged = marks.shares(request);
  return staged === undefined ? cells : { ...cells, staged };
}
