import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cellAt,
  cellCount,
  cellOrigin,
  centreView,
  clampView,
  gridOf,
  nearestStep,
  outlineCells,
  revealCell,
  scrollView,
  visibleBytes,
  visibleCells,
  wholeDiskStep,
  zoomSteps,
  zoomView,
  type Disk,
  type Frame,
  type Point,
  type View,
} from '../../../../webview/map/geometry';

const frames = fc.record({
  width: fc.integer({ min: 1, max: 3000 }),
  height: fc.integer({ min: 1, max: 2000 }),
  ratio: fc.constantFrom(1, 1.25, 1.5, 2, 3),
});
/** From a sector to 8 PiB, clusters of 512 bytes to 2 MiB. */
const disks = fc
  .record({
    clusterBits: fc.integer({ min: 9, max: 21 }),
    size: fc.double({ min: 1, max: 2 ** 44, noNaN: true }),
  })
  .map(({ clusterBits, size }): Disk => ({ clusterSize: 2 ** clusterBits, size: Math.floor(size) * 512 }));

const scenes = fc
  .record({ disk: disks, frame: frames, pick: fc.nat(), place: fc.double({ min: 0, max: 1, noNaN: true }) })
  .map(({ disk, frame, pick, place }) => {
    const steps = zoomSteps(disk, frame);
    const step = steps[pick % steps.length]!;
    const first = Math.floor(cellCount(disk, step.bytesPerCell) * place);
    const view = clampView({ ...step, first, shift: pick % step.cellSize }, disk, frame);
    return { disk, frame, steps, view };
  });
const points = (frame: Frame): fc.Arbitrary<Point> =>
  fc.record({
    x: fc.integer({ min: 0, max: frame.width - 1 }),
    y: fc.integer({ min: 0, max: frame.height - 1 }),
  });

function expectInside(view: View, disk: Disk, frame: Frame): void {
  expect(clampView(view, disk, frame)).toEqual(view);
  expect(view.shift).toBeGreaterThanOrEqual(0);
  expect(view.shift).toBeLessThan(view.cellSize);
}

describe('zoom steps', () => {
  it('begin with the whole disk in sight and end with single clusters', () => {
    fc.assert(
      fc.property(disks, frames, (disk, frame) => {
        const steps = zoomSteps(disk, frame);
        const [first] = steps;
        const last = steps[steps.length - 1]!;
        const grid = gridOf(frame, first!.cellSize);
        expect(cellCount(disk, first!.bytesPerCell)).toBeLessThanOrEqual(grid.columns * grid.rows);
        expect(last.bytesPerCell).toBe(disk.clusterSize);
      }),
    );
  });

  it('show less of the disk each, by no more than half a power of two and a pixel', () => {
    fc.assert(
      fc.property(disks, frames, (disk, frame) => {
        const amounts = zoomSteps(disk, frame).map((step) => step.bytesPerCell / step.cellSize ** 2);
        for (let index = 1; index < amounts.length; index++) {
          expect(amounts[index]).toBeLessThan(amounts[index - 1]!);
          if (index > 1) expect(amounts[index - 1]! / amounts[index]!).toBeLessThan(1.7);
        }
      }),
    );
  });

  it('are found again by the amount of the disk that they show', () => {
    fc.assert(
      fc.property(disks, frames, (disk, frame) => {
        const steps = zoomSteps(disk, frame);
        steps.forEach((step, index) => {
          expect(nearestStep(steps, step)).toBe(index);
        });
      }),
    );
  });

  it('show a small disk in cells that are not monstrous', () => {
    expect(wholeDiskStep({ size: 4096, clusterSize: 512 }, { width: 1000, height: 800, ratio: 1 })).toEqual({
      bytesPerCell: 512,
      cellSize: 48,
    });
  });
});

describe('a place on the map', () => {
  it('is found again: cell to pixel to cell', () => {
    fc.assert(
      fc.property(scenes, fc.nat(), ({ disk, frame, view }, pick) => {
        const { from, to } = visibleCells(view, disk, frame);
        fc.pre(to > from);
        const cell = from + (pick % (to - from));
        const { x, y } = cellOrigin(view, cell, frame);
        const middle = { x: x + view.cellSize / 2, y: y + view.cellSize / 2 };
        expect(cellAt(view, middle, disk, frame)).toBe(cell);
      }),
    );
  });

  it('is never beyond the disk', () => {
    fc.assert(
      fc.property(
        scenes.chain((scene) => points(scene.frame).map((point) => ({ ...scene, point }))),
        ({ disk, frame, view, point }) => {
          const cell = cellAt(view, point, disk, frame);
          if (cell !== undefined) expect(cell * view.bytesPerCell).toBeLessThan(disk.size);
          expect(visibleBytes(view, disk, frame).end).toBeLessThanOrEqual(disk.size);
        },
      ),
    );
  });
});

describe('moving', () => {
  it('stays inside the disk, whatever is asked', () => {
    fc.assert(
      fc.property(
        scenes.chain((scene) => points(scene.frame).map((point) => ({ ...scene, point }))),
        fc.integer(),
        fc.integer(),
        fc.nat(),
        ({ disk, frame, steps, view, point }, cells, pixels, pick) => {
          expectInside(scrollView(view, cells, pixels, disk, frame), disk, frame);
          const step = steps[pick % steps.length]!;
          expectInside(zoomView(view, step, point, disk, frame), disk, frame);
        },
      ),
    );
  });

  it('down and up again comes back where no end of the disk was met', () => {
    fc.assert(
      fc.property(scenes, fc.integer({ min: 0, max: 5000 }), ({ disk, frame, view }, pixels) => {
        const there = scrollView(view, 0, pixels, disk, frame);
        const { columns } = gridOf(frame, view.cellSize);
        const rows = (there.first - view.first) / columns;
        fc.pre(Math.round(rows * view.cellSize + there.shift - view.shift) === pixels);
        expect(scrollView(there, 0, -pixels, disk, frame)).toEqual(view);
      }),
    );
  });

  it('reaches the last cell at the bottom', () => {
    fc.assert(
      fc.property(scenes, ({ disk, frame, view }) => {
        const end = scrollView(view, cellCount(disk, view.bytesPerCell), 0, disk, frame);
        expect(visibleBytes(end, disk, frame).end).toBe(disk.size);
      }),
    );
  });

  it('keeps the byte under the pointer when zooming in, away from the ends', () => {
    const disk: Disk = { size: 2 ** 40, clusterSize: 65536 };
    const frame: Frame = { width: 800, height: 600, ratio: 1 };
    const steps = zoomSteps(disk, frame);
    fc.assert(
      fc.property(points(frame), fc.integer({ min: 1, max: steps.length - 2 }), ({ x, y }, index) => {
        const point = {
          x,
          y: Math.min(y, gridOf(frame, steps[index + 1]!.cellSize).rows * steps[index + 1]!.cellSize - 1),
        };
        const view = centreView(
          { ...steps[index]!, first: 0, shift: 0 },
          cellCount(disk, steps[index]!.bytesPerCell) / 2,
          disk,
          frame,
        );
        const cell = cellAt(view, point, disk, frame);
        const zoomed = zoomView(view, steps[index + 1]!, point, disk, frame);
        const inside = cellAt(zoomed, point, disk, frame);
        fc.pre(cell !== undefined && inside !== undefined);
        const byte = inside * zoomed.bytesPerCell;
        expect(Math.floor(byte / view.bytesPerCell)).toBe(cell);
      }),
    );
  });

  it('brings a cell into sight', () => {
    fc.assert(
      fc.property(scenes, fc.double({ min: 0, max: 1, noNaN: true }), ({ disk, frame, view }, place) => {
        fc.pre(frame.height >= view.cellSize);
        const count = cellCount(disk, view.bytesPerCell);
        const cell = Math.min(count - 1, Math.floor(place * count));
        const shown = revealCell(view, cell, disk, frame);
        const { y } = cellOrigin(shown, cell, frame);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y + shown.cellSize).toBeLessThanOrEqual(frame.height);
      }),
    );
  });
});

describe('the outline of a stretch of cells', () => {
  const frame: Frame = { width: 100, height: 100, ratio: 1 };
  const view: View = { bytesPerCell: 1, cellSize: 10, first: 0, shift: 0 };

  it('encloses exactly its area', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 50 }), (from, count) => {
        const to = Math.min(100, from + count);
        const area = outlineCells(view, from, to, frame).reduce((sum, polygon) => sum + areaOf(polygon), 0);
        expect(area).toBe((to - from) * 100);
      }),
    );
  });

  it('is two boxes where it wraps without touching itself', () => {
    expect(outlineCells(view, 8, 12, frame)).toHaveLength(2);
    expect(outlineCells(view, 5, 16, frame)).toHaveLength(1);
  });

  it('is empty out of sight', () => {
    expect(outlineCells({ ...view, first: 1000 }, 3, 9, frame)).toEqual([]);
    expect(outlineCells(view, 5000, 6000, frame)).toEqual([]);
  });
});

/** The shoelace formula. */
function areaOf(polygon: readonly Point[]): number {
  let twice = 0;
  polygon.forEach((point, index) => {
    const next = polygon[(index + 1) % polygon.length]!;
    twice += point.x * next.y - next.x * point.y;
  });
  return Math.abs(twice) / 2;
}
