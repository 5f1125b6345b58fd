/**
 * The canvases of the cluster map: cells at the bottom, staged cells above them, hover and selection on top, so that
 * moving the pointer does not redraw the cells. The view decides when to draw.
 */
import type { Theme } from './theme';
import {
  cellCount,
  cellOrigin,
  gapOf,
  gridOf,
  outlineCells,
  visibleCells,
  type Disk,
  type Frame,
  type Point,
  type View,
} from './geometry';
import type { MarkedRanges } from './markedRanges';
import { StagedPainter } from './staged';
import { paintCells, type Palette } from './paint';
import type { Selection } from './selection';
import type { TileCache } from './tiles';

/** Drawn over the cells. */
export interface Marks {
  readonly selection: Selection | undefined;
  readonly hovered: number | undefined;
  readonly isFocused: boolean;
  /** Of a file. */
  readonly file: MarkedRanges | undefined;
}

export class MapCanvas {
  readonly cells = canvasElement('map-cells');
  readonly staged = canvasElement('map-staged');
  readonly marks = canvasElement('map-marks');
  readonly #cellContext = contextOf(this.cells, { alpha: false });
  readonly #stagedContext = contextOf(this.staged, {});
  readonly #markContext = contextOf(this.marks, {});
  /** One pixel wide per cell, in full height. */
  readonly #texture = document.createElement('canvas');
  readonly #textureContext = contextOf(this.#texture, { alpha: false });
  readonly #stagedPainter = new StagedPainter();
  #image = new ImageData(1, 1);
  #pixels = new Uint32Array(this.#image.data.buffer);

  resize(frame: Frame): void {
    for (const canvas of [this.cells, this.staged, this.marks]) {
      canvas.width = Math.max(1, frame.width);
      canvas.height = Math.max(1, frame.height);
    }
  }

  drawCells(view: View, disk: Disk, frame: Frame, cache: TileCache, palette: Palette, theme: Theme): void {
    const { columns } = gridOf(frame, view.cellSize);
    // One more than fits: as many as are visible at any shift, so that the size of the texture is constant.
    const rows = Math.ceil(frame.height / view.cellSize) + 1;
    const gap = gapOf(frame);
    const { cellSize, first } = view;
    this.#sizeTexture(columns, rows * cellSize);
    const end = cellCount(disk, view.bytesPerCell);
    paintCells(
      this.#pixels,
      { bytesPerCell: view.bytesPerCell, first, end, columns, rows, cellSize, gap },
      cache,
      palette,
    );
    this.#textureContext.putImageData(this.#image, 0, 0);
    const context = this.#cellContext;
    context.fillStyle = theme.background;
    context.fillRect(0, 0, frame.width, frame.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#texture, 0, -view.shift, columns * cellSize, rows * cellSize);
    for (let x = cellSize - gap; x < frame.width; x += cellSize) {
      context.fillRect(x, 0, gap, frame.height);
    }
    this.#describeForTests(view, columns, frame);
  }

  drawStaged(view: View, disk: Disk, frame: Frame, cache: TileCache, theme: Theme): void {
    this.#stagedContext.clearRect(0, 0, frame.width, frame.height);
    this.#stagedPainter.draw(this.#stagedContext, view, disk, frame, cache, theme);
  }

  /** Where cells are painted, in canvas pixels; tests read it to find a cell. */
  #describeForTests(view: View, columns: number, frame: Frame): void {
    Object.assign(this.cells.dataset, {
      bytesPerCell: view.bytesPerCell,
      cellSize: view.cellSize,
      columns,
      firstCell: view.first,
      gap: gapOf(frame),
      shift: view.shift,
    });
  }

  drawMarks(view: View, disk: Disk, frame: Frame, marks: Marks, theme: Theme): void {
    const context = this.#markContext;
    context.clearRect(0, 0, frame.width, frame.height);
    const gap = gapOf(frame);
    if (marks.file) this.#drawFile(marks.file, view, disk, frame, theme);
    if (marks.selection) this.#drawSelection(marks.selection, view, frame, theme, marks.isFocused);
    if (marks.hovered !== undefined && marks.hovered < visibleCells(view, disk, frame).to) {
      const { x, y } = cellOrigin(view, marks.hovered, frame);
      context.strokeStyle = theme.foreground;
      context.lineWidth = gap;
      context.strokeRect(x - gap / 2, y - gap / 2, view.cellSize, view.cellSize);
    }
  }

  /** A disc in each cell that the file has, which leaves the cell's own colours to be seen around it. */
  #drawFile(file: MarkedRanges, view: View, disk: Disk, frame: Frame, theme: Theme): void {
    const context = this.#markContext;
    const gap = gapOf(frame);
    const { from, to } = visibleCells(view, disk, frame);
    const half = (view.cellSize - gap) / 2;
    context.beginPath();
    file.forEachRun(view.bytesPerCell, from, to, (first, end) => {
      for (let cell = first; cell < end; cell++) {
        const { x, y } = cellOrigin(view, cell, frame);
        context.moveTo(x + half * 1.6, y + half);
        context.arc(x + half, y + half, half * 0.6, 0, 2 * Math.PI);
      }
    });
    context.fillStyle = theme.file;
    context.strokeStyle = theme.background;
    context.lineWidth = 1.5 * gap;
    context.fill();
    context.stroke();
  }

  #drawSelection(selection: Selection, view: View, frame: Frame, theme: Theme, isFocused: boolean): void {
    const context = this.#markContext;
    const gap = gapOf(frame);
    const from = Math.floor(selection.start / view.bytesPerCell);
    const to = Math.max(from + 1, Math.ceil((selection.start + selection.length) / view.bytesPerCell));
    const outlines = outlineCells(view, from, to, frame);
    context.beginPath();
    for (const outline of outlines) trace(context, outline, gap);
    if (to - from > 1) {
      context.fillStyle = theme.selection;
      context.globalAlpha = 0.18;
      context.fill();
      context.globalAlpha = 1;
    }
    strokeTwice(context, theme, gap);
    if (to - from > 1 && isFocused) {
      const cursor = Math.floor(selection.cursor.start / view.bytesPerCell);
      const { x, y } = cellOrigin(view, cursor, frame);
      context.beginPath();
      context.rect(x + gap, y + gap, view.cellSize - 3 * gap, view.cellSize - 3 * gap);
      context.strokeStyle = theme.focus;
      context.lineWidth = 2 * gap;
      context.stroke();
    }
  }

  #sizeTexture(width: number, height: number): void {
    if (this.#texture.width === width && this.#texture.height === height) return;
    this.#texture.width = width;
    this.#texture.height = height;
    this.#image = new ImageData(width, height);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
  }
}

/** A line in the selection's colour on a wider one in the background colour, visible on every kind. */
function strokeTwice(context: CanvasRenderingContext2D, theme: Theme, gap: number): void {
  context.lineJoin = 'miter';
  context.strokeStyle = theme.background;
  context.lineWidth = 4 * gap;
  context.stroke();
  context.strokeStyle = theme.selection;
  context.lineWidth = 2 * gap;
  context.stroke();
}

/** Adds a closed outline that runs in the gaps between cells. */
function trace(context: CanvasRenderingContext2D, outline: readonly Point[], gap: number): void {
  outline.forEach(({ x, y }, index) => {
    if (index === 0) context.moveTo(x - gap / 2, y - gap / 2);
    else context.lineTo(x - gap / 2, y - gap / 2);
  });
  context.closePath();
}

function canvasElement(testId: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.className = testId;
  canvas.dataset['testid'] = testId;
  canvas.setAttribute('aria-hidden', 'true');
  return canvas;
}

function contextOf(
  canvas: HTMLCanvasElement,
  options: CanvasRenderingContext2DSettings,
): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', options);
  if (!context) throw new Error('The browser has no 2D canvas');
  return context;
}
