/** How smoothly a page is drawn while something happens in it. */
import type { Locator } from 'playwright-core';
import { until } from '../harness/until';
import type { EditorPage } from './editorPage';

/** Milliseconds between frames. */
export interface FrameTimes {
  readonly frames: number;
  readonly median: number;
  readonly p95: number;
  readonly longest: number;
}

/** Takes the time between animation frames while `action` runs; `requestAnimationFrame` ticks every 16.7 ms at best. */
export async function measureFrames(page: EditorPage, action: () => Promise<void>): Promise<FrameTimes> {
  const recorder = await page.frame.evaluateHandle(() => {
    const deltas: number[] = [];
    let last: number | undefined;
    let handle = requestAnimationFrame(function frame(now) {
      if (last !== undefined) deltas.push(now - last);
      last = now;
      handle = requestAnimationFrame(frame);
    });
    return {
      stop: () => {
        cancelAnimationFrame(handle);
        return deltas;
      },
    };
  });
  await action();
  const deltas = await recorder.evaluate(({ stop }) => stop());
  const sorted = deltas.sort((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { frames: sorted.length, median: at(0.5), p95: at(0.95), longest: at(1) };
}

/** Wheels all the way in, to single clusters, and out again to the whole disk. */
export async function zoomInAndOut(page: EditorPage): Promise<void> {
  const { mouse } = page.window.page;
  const { columns, firstCell } = await page.geometry();
  const { x, y } = await page.pointOf(firstCell + columns * 20 + 20);
  await mouse.move(x, y);
  const notches = Number(await page.get('zoom-slider').getAttribute('max')) + 2;
  for (const direction of [-1, 1]) {
    for (let notch = 0; notch < notches; notch++) {
      await mouse.wheel(0, direction * 50);
      await page.frame.waitForTimeout(30);
    }
  }
}

/** Drags the map about with the middle button: rows up, down and sideways. */
export async function panByDragging(page: EditorPage): Promise<void> {
  const { mouse } = page.window.page;
  const box = await mapBox(page);
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  await mouse.move(middle.x, middle.y);
  await mouse.down({ button: 'middle' });
  for (let step = 0; step < 200; step++) {
    const x = middle.x + Math.sin(step / 9) * box.width * 0.4;
    const y = middle.y + Math.cos(step / 7) * box.height * 0.4;
    await mouse.move(x, y);
    await page.frame.waitForTimeout(8);
  }
  await mouse.up({ button: 'middle' });
}

/** Holds Page Down, then Page Up and the arrow keys: the selection moves along, a window at a time. */
export async function panByKeys(page: EditorPage): Promise<void> {
  const { keyboard } = page.window.page;
  await page.get('map').focus();
  for (const key of ['PageDown', 'PageUp', 'ArrowDown', 'ArrowRight']) {
    for (let press = 0; press < 40; press++) {
      await keyboard.down(key);
      await page.frame.waitForTimeout(25);
    }
    await keyboard.up(key);
  }
}

/** Wheels with Shift: as a page is scrolled, down and up again. */
export async function panByWheel(page: EditorPage): Promise<void> {
  const { mouse, keyboard } = page.window.page;
  const box = await mapBox(page);
  await mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await keyboard.down('Shift');
  for (const direction of [1, -1]) {
    for (let notch = 0; notch < 80; notch++) {
      await mouse.wheel(0, direction * 100);
      await page.frame.waitForTimeout(16);
    }
  }
  await keyboard.up('Shift');
}

/** Scrolls the bytes by the page, over and over from ends and middle of the disk. */
export async function scrollBytes(page: EditorPage): Promise<void> {
  const { keyboard } = page.window.page;
  for (const place of ['0', '1G', '512G']) {
    await page.goTo(place);
    await page.frame.locator('#hex-dump').focus();
    for (const key of ['PageDown', 'PageUp']) {
      for (let press = 0; press < 60; press++) {
        await keyboard.down(key);
        await page.frame.waitForTimeout(16);
      }
      await keyboard.up(key);
    }
  }
}

/** Goes to a place and zooms in until a cell is a cluster. */
export async function zoomToClusters(page: EditorPage, place: string, clusterSize: number): Promise<void> {
  await page.goTo(place);
  await until('a cell is a cluster', async () => {
    if ((await page.geometry()).bytesPerCell === clusterSize) return true;
    await page.get('zoom-in').click();
    return false;
  });
}

type Box = NonNullable<Awaited<ReturnType<Locator['boundingBox']>>>;

async function mapBox(page: EditorPage): Promise<Box> {
  const box = await page.get('map').boundingBox();
  if (!box) throw new Error('the map is not in sight');
  return box;
}
