/**
 * Hatches staged cells, since every colour has a meaning already and not everyone can distinguish colours. The lines
 * are drawn in the staged colour and in the background colour, so that they are visible on every kind.
 */
import type { Theme } from './theme';
import { cellCount, gapOf, gridOf, visibleCells, type Disk, type Frame, type View } from './geometry';
import { TILE_CELLS, type Source, type TileCache } from './tiles';

/** Horizontal distance of the lines in CSS pixels: the size of the smallest cell, so that each cell has one. */
const PERIOD = 8;

/** Receives a run of cells within one row: row and column of the first cell, and the number of cells. */
export type StagedRunVisitor = (row: number, column: number, count: number) => void;

/** Share of a cell that is staged, 0 to 255. */
export function stagedShareOf(source: Source | undefined, cell: number): number {
  if (source?.tile.staged === undefined) return 0;
  return source.tile.staged[Math.floor(cell / source.cellsPerCell) - source.tile.firstCell] ?? 0;
}

/** Visits the visible staged cells as runs within rows. */
export function forEachStagedRun(
  view: View,
  disk: Disk,
  frame: Frame,
  cache: TileCache,
  visit: StagedRunVisitor,
): void {
  const { columns } = gridOf(frame, view.cellSize);
  const { from, to } = visibleCells(view, disk, frame);
  const end = Math.min(to, cellCount(disk, view.bytesPerCell));
  let source: Source | undefined;
  let sourceEnd = from;
  for (let rowStart = from, row = 0; rowStart < end; rowStart += columns, row++) {
    const rowEnd = Math.min(end, rowStart + columns);
    let runStart = -1;
    for (let cell = rowStart; cell <= rowEnd; cell++) {
      if (cell >= sourceEnd && cell < end) {
        source = cache.find(view.bytesPerCell, cell);
        sourceEnd = (Math.floor(cell / TILE_CELLS) + 1) * TILE_CELLS;
      }
      const isStaged = cell < rowEnd && stagedShareOf(source, cell) > 0;
      if (isStaged && runStart < 0) runStart = cell;
      if (isStaged || runStart < 0) continue;
      visit(row, runStart - rowStart, cell - runStart);
      runStart = -1;
    }
  }
}

export class StagedPainter {
  #pattern: CanvasPattern | undefined;
  #madeFor = '';

  /** Draws over a canvas that has just been cleared. */
  draw(
    context: CanvasRenderingContext2D,
    view: View,
    disk: Disk,
    frame: Frame,
    cache: TileCache,
    theme: Theme,
  ): void {
    const gap = gapOf(frame);
    const { cellSize, shift } = view;
    context.beginPath();
    forEachStagedRun(view, disk, frame, cache, (row, column, count) => {
      context.rect(column * cellSize, row * cellSize - shift, count * cellSize - gap, cellSize - gap);
    });
    const pattern = this.#patternFor(context, theme, frame.ratio);
    // The lines stay on their cells while the map is panned.
    pattern.setTransform(new DOMMatrix().translate(0, -shift));
    context.fillStyle = pattern;
    context.fill();
  }

  #patternFor(context: CanvasRenderingContext2D, theme: Theme, ratio: number): CanvasPattern {
    const key = `${theme.staged} ${theme.background} ${ratio}`;
    if (this.#pattern !== undefined && this.#madeFor === key) return this.#pattern;
    const made = context.createPattern(hatch(theme, ratio), 'repeat');
    if (!made) throw new Error('The browser makes no patterns');
    this.#pattern = made;
    this.#madeFor = key;
    return made;
  }
}

/** One period of the hatching, pixel by pixel, since blurred lines would have neither colour. */
function hatch(theme: Theme, ratio: number): HTMLCanvasElement {
  const thickness = Math.max(1, Math.round(ratio));
  const period = Math.round(PERIOD * ratio);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = period;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('The browser has no 2D canvas');
  for (let y = 0; y < period; y++) {
    for (let x = 0; x < period; x++) {
      const stripe = Math.floor(((x + y) % period) / thickness);
      if (stripe > 2) continue;
      context.fillStyle = stripe === 1 ? theme.staged : theme.background;
      context.fillRect(x, y, 1, 1);
    }
  }
  return canvas;
}
