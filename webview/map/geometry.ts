/**
 * The geometry of the cluster map, without the DOM: the disk as cells laid out in rows, like characters on a page, with
 * zooming, scrolling and hit testing.
 *
 * Lengths are canvas pixels (device pixels), positions on the disk are bytes, cells are counted from the disk's
 * start at the view's `bytesPerCell`. Nothing here uses 32-bit arithmetic: a disk may have 2^44 clusters.
 */

/** The disk or file; both in bytes. */
export interface Disk {
  readonly size: number;
  readonly clusterSize: number;
}

/** The canvas, and how many of its pixels make one CSS pixel. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
}

/** Bytes of a cell (the cluster size times a power of two), and the size at which it is drawn. */
export interface ZoomStep {
  readonly bytesPerCell: number;
  readonly cellSize: number;
}

/** From the whole disk to single clusters; never empty. */
export type ZoomSteps = readonly [ZoomStep, ...ZoomStep[]];

/** What part of the disk the canvas shows. */
export interface View extends ZoomStep {
  /** The cell in the top left corner. */
  readonly first: number;
  /** Pixels that the first row is scrolled out of sight, 0 to `cellSize` − 1. */
  readonly shift: number;
}

/** How cells of one size lie on a canvas. */
export interface Grid {
  readonly columns: number;
  /** Rows that fit in full. */
  readonly rows: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Smallest and largest size of a cell, CSS pixels; smaller ones would not show their proportions. */
const SMALLEST_CELL = 8;
const LARGEST_CELL = 48;
/** Factor between neighbouring cell sizes; one step shows its square times as much of the disk. */
const SIZE_FACTOR = 2 ** 0.25;

export const cellCount = (disk: Disk, bytesPerCell: number): number => Math.ceil(disk.size / bytesPerCell);

export function gridOf(frame: Frame, cellSize: number): Grid {
  const columns = Math.max(1, Math.floor(frame.width / cellSize));
  return {
    columns,
    rows: Math.max(1, Math.floor(frame.height / cellSize)),
  };
}

/** Pixels between neighbouring cells. */
export const gapOf = (frame: Frame): number => Math.max(1, Math.round(frame.ratio));

/** The step that shows the whole disk in the finest legible grouping, with cells as large as fit. */
export function wholeDiskStep(disk: Disk, frame: Frame): ZoomStep {
  const smallest = Math.round(SMALLEST_CELL * frame.ratio);
  const room = gridOf(frame, smallest);
  let bytesPerCell = disk.clusterSize;
  while (cellCount(disk, bytesPerCell) > room.columns * room.rows) bytesPerCell *= 2;
  const cells = cellCount(disk, bytesPerCell);
  let cellSize = Math.round(LARGEST_CELL * frame.ratio);
  while (cellSize > smallest) {
    const grid = gridOf(frame, cellSize);
    if (grid.columns * grid.rows >= cells) break;
    cellSize--;
  }
  return { bytesPerCell, cellSize };
}

/** All zoom steps, from the whole disk to single clusters at their largest. */
export function zoomSteps(disk: Disk, frame: Frame): ZoomSteps {
  const whole = wholeDiskStep(disk, frame);
  const steps: [ZoomStep, ...ZoomStep[]] = [whole];
  let last = whole;
  const sizes = groupedSizes(frame.ratio);
  for (let bytesPerCell = whole.bytesPerCell; bytesPerCell >= disk.clusterSize; bytesPerCell /= 2) {
    const usable = bytesPerCell === disk.clusterSize ? allSizes(frame.ratio) : sizes;
    for (const cellSize of usable) {
      const step = { bytesPerCell, cellSize };
      if (bytesPerPixel(step) >= bytesPerPixel(last)) continue;
      steps.push(step);
      last = step;
    }
  }
  return steps;
}

/** Cell sizes for groups of clusters: the next step halves the group and starts at the smallest size. */
function groupedSizes(ratio: number): readonly number[] {
  return allSizes(ratio).filter((size) => size < SMALLEST_CELL * ratio * Math.SQRT2 - 0.5);
}

function allSizes(ratio: number): readonly number[] {
  const sizes = new Set<number>();
  for (let size = SMALLEST_CELL; size <= LARGEST_CELL * 1.01; size *= SIZE_FACTOR) {
    sizes.add(Math.round(size * ratio));
  }
  return [...sizes];
}

const bytesPerPixel = (step: ZoomStep): number => step.bytesPerCell / step.cellSize ** 2;

/** The index of the step whose visible part of the disk is nearest in size to that of `step`. */
export function nearestStep(steps: readonly ZoomStep[], step: ZoomStep): number {
  const wanted = Math.log(bytesPerPixel(step));
  let best = 0;
  let bestDistance = Infinity;
  steps.forEach((candidate, index) => {
    const distance = Math.abs(Math.log(bytesPerPixel(candidate)) - wanted);
    if (distance < bestDistance) {
      best = index;
      bestDistance = distance;
    }
  });
  return best;
}

/** Moves a view back inside the disk: it starts at the first cell at the earliest and ends with the last. */
export function clampView(view: View, disk: Disk, frame: Frame): View {
  const grid = gridOf(frame, view.cellSize);
  const last = Math.max(0, cellCount(disk, view.bytesPerCell) - grid.columns * grid.rows);
  if (view.first < 0) return { ...view, first: 0, shift: 0 };
  if (view.first >= last) return { ...view, first: last, shift: 0 };
  return view;
}

/** Scrolls by whole cells sideways and by pixels downwards (negative: back). */
export function scrollView(view: View, cells: number, pixels: number, disk: Disk, frame: Frame): View {
  const { columns } = gridOf(frame, view.cellSize);
  const down = view.shift + pixels;
  const rows = Math.floor(down / view.cellSize);
  const moved = { ...view, first: view.first + cells + rows * columns, shift: down - rows * view.cellSize };
  return clampView(moved, disk, frame);
}

/** Changes the zoom so that the byte under `point` stays there, as far as the disk's ends allow. */
export function zoomView(view: View, step: ZoomStep, point: Point, disk: Disk, frame: Frame): View {
  const byte = byteNear(view, point, disk, frame);
  const grid = gridOf(frame, step.cellSize);
  const column = clamp(Math.floor(point.x / step.cellSize), 0, grid.columns - 1);
  const row = clamp(Math.floor(point.y / step.cellSize), 0, grid.rows - 1);
  const first = Math.floor(byte / step.bytesPerCell) - row * grid.columns - column;
  return clampView({ ...step, first, shift: 0 }, disk, frame);
}

/** The byte at a point, counted within a cell from its left to its right edge; always on the disk. */
function byteNear(view: View, point: Point, disk: Disk, frame: Frame): number {
  const grid = gridOf(frame, view.cellSize);
  const x = clamp(point.x / view.cellSize, 0, grid.columns - 1e-9);
  const row = Math.floor((point.y + view.shift) / view.cellSize);
  const byte = (view.first + row * grid.columns + x) * view.bytesPerCell;
  return clamp(Math.floor(byte), 0, Math.max(0, disk.size - 1));
}

/** The cell at a point; undefined outside the cells. */
export function cellAt(view: View, point: Point, disk: Disk, frame: Frame): number | undefined {
  const grid = gridOf(frame, view.cellSize);
  const column = Math.floor(point.x / view.cellSize);
  const row = Math.floor((point.y + view.shift) / view.cellSize);
  if (column < 0 || column >= grid.columns || row < 0) return undefined;
  const cell = view.first + row * grid.columns + column;
  return cell < cellCount(disk, view.bytesPerCell) ? cell : undefined;
}

/** The top left corner of a cell; it may lie outside the canvas. */
export function cellOrigin(view: View, cell: number, frame: Frame): Point {
  const grid = gridOf(frame, view.cellSize);
  const row = Math.floor((cell - view.first) / grid.columns);
  const column = cell - view.first - row * grid.columns;
  return { x: column * view.cellSize, y: row * view.cellSize - view.shift };
}

/** The cells on the canvas, `to` exclusive; partly visible rows count. */
export function visibleCells(
  view: View,
  disk: Disk,
  frame: Frame,
): { readonly from: number; readonly to: number } {
  const { columns } = gridOf(frame, view.cellSize);
  const rows = Math.ceil((frame.height + view.shift) / view.cellSize);
  return {
    from: view.first,
    to: Math.min(cellCount(disk, view.bytesPerCell), view.first + rows * columns),
  };
}

/** The same in guest bytes. */
export function visibleBytes(
  view: View,
  disk: Disk,
  frame: Frame,
): { readonly start: number; readonly end: number } {
  const { from, to } = visibleCells(view, disk, frame);
  return { start: from * view.bytesPerCell, end: Math.min(disk.size, to * view.bytesPerCell) };
}

/** Scrolls by as little as brings a cell fully into sight. */
export function revealCell(view: View, cell: number, disk: Disk, frame: Frame): View {
  const { y } = cellOrigin(view, cell, frame);
  const below = y + view.cellSize - frame.height;
  if (y < 0) return scrollView(view, 0, y, disk, frame);
  if (below > 0) return scrollView(view, 0, Math.ceil(below / view.cellSize) * view.cellSize, disk, frame);
  return view;
}

/** Scrolls a cell to the middle, unless it is visible already. */
export function centreCell(view: View, cell: number, disk: Disk, frame: Frame): View {
  const { y } = cellOrigin(view, cell, frame);
  if (y >= 0 && y + view.cellSize <= frame.height) return view;
  return centreView(view, cell, disk, frame);
}

/** Scrolls a cell's row to the middle. */
export function centreView(view: View, cell: number, disk: Disk, frame: Frame): View {
  const grid = gridOf(frame, view.cellSize);
  const row = Math.floor(cell / grid.columns) - Math.floor(grid.rows / 2);
  return clampView({ ...view, first: row * grid.columns, shift: 0 }, disk, frame);
}

/**
 * The outline of the cells `from` to `to` (exclusive) as polygons: one, or two where a short stretch wraps from the
 * end of a row to the start of the next without touching itself. Clipped to the rows around the canvas.
 */
export function outlineCells(
  view: View,
  from: number,
  to: number,
  frame: Frame,
): readonly (readonly Point[])[] {
  const grid = gridOf(frame, view.cellSize);
  const rowsShown = Math.ceil((frame.height + view.shift) / view.cellSize);
  const start = Math.max(from - view.first, -grid.columns);
  const end = Math.min(to - view.first, (rowsShown + 1) * grid.columns);
  if (end <= start) return [];
  const top = Math.floor(start / grid.columns);
  const bottom = Math.floor((end - 1) / grid.columns);
  const x = (column: number): number => column * view.cellSize;
  const y = (row: number): number => row * view.cellSize - view.shift;
  const startColumn = start - top * grid.columns;
  const endColumn = end - bottom * grid.columns;
  if (top === bottom) return [box(x(startColumn), y(top), x(endColumn), y(top + 1))];
  if (bottom === top + 1 && endColumn <= startColumn) {
    return [
      box(x(startColumn), y(top), x(grid.columns), y(bottom)),
      box(x(0), y(bottom), x(endColumn), y(bottom + 1)),
    ];
  }
  return [
    [
      { x: x(startColumn), y: y(top) },
      { x: x(grid.columns), y: y(top) },
      { x: x(grid.columns), y: y(bottom) },
      { x: x(endColumn), y: y(bottom) },
      { x: x(endColumn), y: y(bottom + 1) },
      { x: x(0), y: y(bottom + 1) },
      { x: x(0), y: y(top + 1) },
      { x: x(startColumn), y: y(top + 1) },
    ],
  ];
}

const box = (left: number, top: number, right: number, bottom: number): readonly Point[] => [
  { x: left, y: top },
  { x: right, y: top },
  { x: right, y: bottom },
  { x: left, y: bottom },
];

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
