import { beforeEach, describe, expect, it } from 'vitest';
import { cellOrigin } from '../../../../webview/map/geometry';
import { Navigator } from '../../../../webview/map/navigator';

const CLUSTER = 65536;
const DISK = { size: 2 ** 40, clusterSize: CLUSTER };
const FRAME = { width: 800, height: 600, ratio: 1 };
const MIDDLE = { x: 400, y: 300 };

describe('the navigator', () => {
  let navigator: Navigator;

  beforeEach(() => {
    navigator = new Navigator();
    navigator.setFrame(FRAME);
    navigator.setDisk(DISK);
  });

  it('begins with the whole disk', () => {
    expect(navigator.visible).toEqual({ start: 0, end: DISK.size });
  });

  it('still shows the whole disk after the window has changed its size', () => {
    navigator.setFrame({ width: 300, height: 900, ratio: 2 });
    expect(navigator.visible).toEqual({ start: 0, end: DISK.size });
  });

  it('goes down to single clusters and no further', () => {
    navigator.zoomBy(1000, MIDDLE);
    expect(navigator.view.bytesPerCell).toBe(CLUSTER);
    expect(navigator.step).toBe(navigator.steps.length - 1);
    navigator.zoomBy(-1000, MIDDLE);
    expect(navigator.visible).toEqual({ start: 0, end: DISK.size });
  });

  it('selects whole cells, cut at the end of the disk', () => {
    navigator.setDisk({ size: 10 * CLUSTER + 512, clusterSize: CLUSTER });
    navigator.selectCell(10, false);
    expect(navigator.selection).toMatchObject({ start: 10 * CLUSTER, length: 512 });
  });

  it('extends a selection both ways from where it began', () => {
    navigator.zoomBy(1000, MIDDLE);
    navigator.selectCell(100, false);
    navigator.selectCell(103, true);
    expect(navigator.selection).toMatchObject({ start: 100 * CLUSTER, length: 4 * CLUSTER });
    navigator.selectCell(98, true);
    expect(navigator.selection).toMatchObject({ start: 98 * CLUSTER, length: 3 * CLUSTER });
  });

  it('moves with the arrow keys and scrolls along', () => {
    navigator.zoomBy(1000, MIDDLE);
    navigator.moveToEnd(false, false);
    for (let row = 0; row < 500; row++) navigator.moveCursor(navigator.columns, false);
    expect(navigator.selection?.start).toBe(500 * navigator.columns * CLUSTER);
    const { y } = cellOrigin(navigator.view, 500 * navigator.columns, FRAME);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y + navigator.view.cellSize).toBeLessThanOrEqual(FRAME.height);
  });

  it('selects the first cell in sight when nothing was selected', () => {
    navigator.zoomBy(1000, MIDDLE);
    navigator.moveCursor(1, false);
    expect(navigator.selection?.start).toBe(navigator.view.first * CLUSTER);
  });

  it('goes to a byte: its cluster is selected and in sight, at the zoom there was', () => {
    navigator.zoomBy(10, MIDDLE);
    const { step } = navigator;
    navigator.goTo(DISK.size - 1);
    expect(navigator.step).toBe(step);
    expect(navigator.selection).toMatchObject({ start: DISK.size - CLUSTER, length: CLUSTER });
    expect(navigator.visible.end).toBe(DISK.size);
  });

  it('zooms to a selection so that it is in sight as a whole', () => {
    navigator.zoomBy(6, MIDDLE);
    navigator.selectCell(navigator.view.first + 5, false);
    navigator.selectCell(navigator.view.first + 9, true);
    const { start, length } = navigator.selection!;
    navigator.zoomToSelection();
    expect(navigator.visible.start).toBeLessThanOrEqual(start);
    expect(navigator.visible.end).toBeGreaterThanOrEqual(start + length);
    expect(navigator.visible.end - navigator.visible.start).toBeLessThan(6 * length);
  });

  it('puts a saved place back in a window of another size', () => {
    navigator.zoomBy(1000, MIDDLE);
    navigator.goTo(DISK.size / 2);
    const place = navigator.save();
    const other = new Navigator();
    other.setFrame({ width: 500, height: 700, ratio: 1 });
    other.setDisk(DISK);
    other.restore(place);
    expect(other.view.bytesPerCell).toBe(CLUSTER);
    expect(other.visible.start).toBe(place.start);
  });

  it('keeps the place when it is restored before the window has a size', () => {
    navigator.zoomBy(1000, MIDDLE);
    navigator.goTo(DISK.size / 2);
    const place = navigator.save();
    const other = new Navigator();
    other.setDisk(DISK);
    other.restore(place);
    other.setFrame(FRAME);
    expect(other.save()).toEqual(place);
  });

  it('keeps place and selection when the disk has grown, as an image file does', () => {
    navigator.zoomBy(1000, MIDDLE);
    navigator.goTo(DISK.size / 2);
    const { selection } = navigator;
    const { start, end } = navigator.visible;
    navigator.setDisk({ ...DISK, size: DISK.size + 3 * CLUSTER });
    expect(navigator.selection).toBe(selection);
    expect(navigator.visible).toEqual({ start, end });
  });

  it('forgets the selection on another disk, and keeps it when the same is read again', () => {
    navigator.selectCell(5, false);
    const { selection } = navigator;
    navigator.setDisk({ ...DISK });
    expect(navigator.selection).toBe(selection);
    navigator.setDisk({ size: 2 ** 30, clusterSize: CLUSTER });
    expect(navigator.selection).toBeUndefined();
  });

  it('does nothing on an empty disk', () => {
    navigator.setDisk({ size: 0, clusterSize: 512 });
    navigator.moveCursor(1, false);
    navigator.moveToEnd(true, false);
    navigator.zoomBy(3, MIDDLE);
    expect(navigator.selection).toBeUndefined();
    expect(navigator.visible).toEqual({ start: 0, end: 0 });
  });
});
