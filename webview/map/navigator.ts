/**
 * Position of the map: zoom step, scrolling and selection. It does not use the DOM; the view draws from it, and the
 * input handlers call it.
 */
import {
  cellAt,
  cellCount,
  cellOrigin,
  centreCell,
  centreView,
  clampView,
  gridOf,
  nearestStep,
  revealCell,
  scrollView,
  visibleBytes,
  zoomSteps,
  zoomView,
  type Disk,
  type Frame,
  type Point,
  type View,
  type ZoomStep,
  type ZoomSteps,
} from './geometry';
import { cellSpan, clusterSpan, extendTo, selectSpan, type Selection } from './selection';

/** A position that can be saved: independent of the window size. */
export interface SavedPlace {
  readonly start: number;
  readonly bytesPerCell: number;
  /** CSS pixels. */
  readonly cellSize: number;
  readonly isWholeDisk: boolean;
}

export class Navigator {
  disk: Disk = { size: 0, clusterSize: 1 };
  frame: Frame = { width: 1, height: 1, ratio: 1 };
  view: View = { bytesPerCell: 1, cellSize: 8, first: 0, shift: 0 };
  steps: ZoomSteps = [{ bytesPerCell: 1, cellSize: 8 }];
  step = 0;
  selection: Selection | undefined;

  /** Shows a disk. With the same cluster size, the position is kept, and the selection if it is still on the disk. */
  setDisk(disk: Disk): void {
    if (disk.size === this.disk.size && disk.clusterSize === this.disk.clusterSize) return;
    const isAnother = disk.clusterSize !== this.disk.clusterSize || this.disk.size === 0;
    const place = this.save();
    this.disk = disk;
    this.#renewSteps();
    const { selection } = this;
    if (isAnother || (selection && selection.start + selection.length > disk.size))
      this.selection = undefined;
    if (isAnother) this.showWholeDisk();
    else this.restore(place);
  }

  setFrame(frame: Frame): void {
    const place = this.save();
    this.frame = frame;
    this.#renewSteps();
    this.restore(place);
  }

  #renewSteps(): void {
    this.steps = zoomSteps(this.disk, this.frame);
  }

  showWholeDisk(): void {
    this.step = 0;
    this.view = { ...this.steps[0], first: 0, shift: 0 };
  }

  save(): SavedPlace {
    return {
      start: this.view.first * this.view.bytesPerCell,
      bytesPerCell: this.view.bytesPerCell,
      cellSize: this.view.cellSize / this.frame.ratio,
      isWholeDisk: this.step === 0,
    };
  }

  restore(place: SavedPlace): void {
    if (place.isWholeDisk) {
      this.showWholeDisk();
      return;
    }
    const cellSize = place.cellSize * this.frame.ratio;
    this.step = nearestStep(this.steps, { bytesPerCell: place.bytesPerCell, cellSize });
    const step = this.#stepAt(this.step);
    const first = Math.floor(place.start / step.bytesPerCell);
    this.view = clampView({ ...step, first, shift: 0 }, this.disk, this.frame);
  }

  /** Zooms in (positive) or out by a number of steps, keeping the byte under `point` in place. */
  zoomBy(steps: number, point: Point): void {
    this.zoomTo(this.step + steps, point);
  }

  zoomTo(step: number, point: Point): void {
    const target = Math.max(0, Math.min(this.steps.length - 1, step));
    if (target === this.step) return;
    this.view = zoomView(this.view, this.#stepAt(target), point, this.disk, this.frame);
    this.step = target;
  }

  /** Zooms in as far as the whole selection stays visible. */
  zoomToSelection(): void {
    const { selection } = this;
    if (!selection) return;
    let step = this.steps.length - 1;
    while (step > 0 && !this.#fits(selection.length, this.#stepAt(step))) step--;
    const target = this.#stepAt(step);
    const middle = Math.floor((selection.start + selection.length / 2) / target.bytesPerCell);
    this.step = step;
    this.view = centreView({ ...target, first: 0, shift: 0 }, middle, this.disk, this.frame);
  }

  #stepAt(index: number): ZoomStep {
    return this.steps[index] ?? this.steps[0];
  }

  #fits(length: number, step: ZoomStep): boolean {
    const grid = gridOf(this.frame, step.cellSize);
    return Math.ceil(length / step.bytesPerCell) <= grid.columns * Math.max(1, grid.rows - 2);
  }

  scroll(cells: number, pixels: number): void {
    this.view = scrollView(this.view, cells, pixels, this.disk, this.frame);
  }

  /** Centres the canvas on a byte. */
  centreOn(byte: number): void {
    this.view = centreView(this.view, Math.floor(byte / this.view.bytesPerCell), this.disk, this.frame);
  }

  cellAt(point: Point): number | undefined {
    return cellAt(this.view, point, this.disk, this.frame);
  }

  /** Selects a cell, or extends the selection to it. */
  selectCell(cell: number, isExtending: boolean): void {
    const span = cellSpan(cell, this.view.bytesPerCell, this.disk);
    this.selection = isExtending && this.selection ? extendTo(this.selection, span) : selectSpan(span);
  }

  /** Selects the cluster that contains a byte and makes it visible. */
  goTo(byte: number): void {
    this.selection = selectSpan(clusterSpan(byte, this.disk));
    const cell = Math.floor(byte / this.view.bytesPerCell);
    this.view = centreCell(this.view, cell, this.disk, this.frame);
  }

  /** Moves the free end of the selection by cells; without a selection, selects the first visible cell. */
  moveCursor(cells: number, isExtending: boolean): void {
    const count = cellCount(this.disk, this.view.bytesPerCell);
    if (count === 0) return;
    const from = this.selection
      ? Math.floor(this.selection.cursor.start / this.view.bytesPerCell) + cells
      : this.view.first;
    this.#moveTo(Math.max(0, Math.min(count - 1, from)), isExtending);
  }

  moveToEnd(isLast: boolean, isExtending: boolean): void {
    const count = cellCount(this.disk, this.view.bytesPerCell);
    if (count > 0) this.#moveTo(isLast ? count - 1 : 0, isExtending);
  }

  #moveTo(cell: number, isExtending: boolean): void {
    this.selectCell(cell, isExtending);
    this.view = revealCell(this.view, cell, this.disk, this.frame);
  }

  get columns(): number {
    return gridOf(this.frame, this.view.cellSize).columns;
  }

  get rows(): number {
    return gridOf(this.frame, this.view.cellSize).rows;
  }

  get visible(): { readonly start: number; readonly end: number } {
    return visibleBytes(this.view, this.disk, this.frame);
  }

  /** The point that zooming keeps in place: the free end of the selection if it is visible, else the middle. */
  get focusPoint(): Point {
    const { frame, view, selection } = this;
    const middle = { x: frame.width / 2, y: frame.height / 2 };
    if (!selection) return middle;
    const origin = cellOrigin(view, selection.cursor.start / view.bytesPerCell, frame);
    const isInSight = origin.y >= 0 && origin.y + view.cellSize <= frame.height;
    return isInSight ? { x: origin.x + 1e-3, y: origin.y + view.cellSize / 2 } : middle;
  }
}
