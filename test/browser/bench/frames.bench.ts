/**
 * The part `frames` of `npm run bench`: how smoothly the map of 1 TiB, 16.8 million clusters, is panned and zoomed in
 * the installed extension at 1200 × 800, how soon it is first drawn, and what memory the page takes. Writes its rows
 * as JSON into the file that QCOW2_FRAMES names.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Row } from '../../bench/report';
import { type GiantOptions, writeGiantImage } from '../../support/giantImages';
import { workspace } from '../../support/workspace';
import { until } from '../harness/until';
import { VSCode } from '../harness/vscode';
import type { Window } from '../harness/window';
import { EditorPage } from '../pages/editorPage';
import {
  type FrameTimes,
  measureFrames,
  panByDragging,
  panByKeys,
  panByWheel,
  scrollBytes,
  zoomInAndOut,
  zoomToClusters,
} from '../pages/frames';

const TIB = 2 ** 40;
const CLUSTER = 65536;
/** A frame at 60 a second, in whole milliseconds. */
const FRAME = 17;
/** The first cluster map is drawn within so many milliseconds. */
const FIRST_MAP = 500;
/** Longest task of the window that goes unnoticed, in milliseconds (the limit of the host, too). */
const TASK = 100;
/** Limit for the page's memory afterwards, in bytes: it does not grow with the disk. */
const MOST_MEMORY = 64 * 2 ** 20;
/** Two runs of each: the better one counts, since the other may have met something else that the machine did. */
const RUNS = 2;

/** All data; and every other cluster, so that the cells of every zoom but the last are mixed. */
const DISKS: readonly (readonly [words: string, pattern: GiantOptions['pattern']])[] = [
  ['all data', 'contiguous'],
  ['every other cluster', 'alternating'],
];

const rows: Row[] = [];

describe.each(DISKS)('the map of 1 TiB, %s', (words, pattern) => {
  const files = workspace();
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;
  let memoryBefore: number;

  beforeAll(async () => {
    writeGiantImage(files.path('giant.qcow2'), { size: TIB, pattern });
    writeGiantImage(files.path('small.qcow2'), { size: 2 ** 20, pattern });
    writeFileSync(files.path('notes.txt'), '');
    vscode = await VSCode.start();
    window = await vscode.openWindow(files.folder);
    // The first image of a window starts the extension, too, and its page goes when another editor is shown.
    await window.openFile(files.path('small.qcow2'));
    await EditorPage.of(window);
    await window.openFile(files.path('notes.txt'));
    memoryBefore = await memory(window);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  it('is drawn soon', async () => {
    const entry = await window.findFile(files.path('giant.qcow2'));
    const chosen = Date.now();
    await entry.click();
    page = await EditorPage.of(window);
    const { sincePage, at } = await until('the map is drawn', () => firstMap(page));
    rows.push({
      work: `first map in the page, ${words}`,
      ours: sincePage,
      floor: { milliseconds: FIRST_MAP },
      detail: `${Math.round(at - chosen)} ms after the click that opens it, VS Code's own share included`,
    });
    await until('all of it is scanned', async () => (await page.get('scan-note').count()) === 0);
  });

  it('is zoomed smoothly', async () => {
    await keep(`zoom in and out, ${words}`, () => zoomInAndOut(page));
  });

  it.each([
    ['drag', panByDragging],
    ['wheel', panByWheel],
    ['keys', panByKeys],
  ] as const)('is panned smoothly by %s', async (how, pan) => {
    await zoomToClusters(page, '512G', CLUSTER);
    await keep(`pan by ${how}, ${words}`, () => pan(page));
  });

  it('scrolls through its bytes smoothly', async () => {
    await keep(`scroll the bytes, ${words}`, () => scrollBytes(page));
  });

  it('takes little memory', async () => {
    const taken = (await memory(window)) - memoryBefore;
    rows.push({ work: `the page after that, ${words}`, memory: taken });
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(MOST_MEMORY);
  });

  it('stays responsive while all of it is zeroed and saved', async () => {
    await watchTasks(window, page);
    await page.get('change-writeZeroes').click();
    await page.get('change-start').locator('input').fill('0');
    await page.get('change-length').locator('input').fill('1T');
    const isReady = async (): Promise<boolean> =>
      (await page.get('change-apply').getAttribute('disabled')) === null;
    await until('it can be applied', isReady);
    await page.get('change-apply').click();
    await window.page.locator('.tab.active.dirty').waitFor();
    await until('all of it is scanned', async () => (await page.get('scan-note').count()) === 0);
    const staged = await longestTask(window, page);
    rows.push({
      work: `zero 1 TiB, ${words}: longest task of the window`,
      ours: staged,
      floor: { milliseconds: TASK },
    });
    await window.page.keyboard.press('Control+S');
    await window.page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
    await until('all of it is scanned', async () => (await page.get('scan-note').count()) === 0);
    const saved = await longestTask(window, page);
    rows.push({
      work: `save it, ${words}: longest task of the window`,
      ours: saved,
      floor: { milliseconds: TASK },
    });
  });

  async function keep(work: string, action: () => Promise<void>): Promise<void> {
    let best: FrameTimes | undefined;
    for (let run = 0; run < RUNS; run++) {
      const times = await measureFrames(page, action);
      if (best === undefined || times.p95 < best.p95) best = times;
    }
    const { frames, median, p95, longest } = best!;
    rows.push({
      work,
      ours: p95,
      floor: { milliseconds: FRAME },
      detail: `95 % of ${frames} frames; median ${median.toFixed(1)} ms, longest ${longest.toFixed(1)} ms`,
    });
  }
});

afterAll(() => {
  const file = process.env['QCOW2_FRAMES'];
  if (file === undefined) throw new Error('QCOW2_FRAMES does not say where to');
  writeFileSync(file, JSON.stringify(rows));
});

/** When the page first had cells on its canvas: milliseconds since the page was begun, and by the clock. */
function firstMap(
  page: EditorPage,
): Promise<{ readonly sincePage: number; readonly at: number } | undefined> {
  return page.frame.evaluate(() => {
    const [mark] = performance.getEntriesByName('first map');
    return mark && { sincePage: mark.startTime, at: performance.timeOrigin + mark.startTime };
  });
}

/** Collects tasks of 50 ms and more (shorter ones the browser does not tell), in the workbench and in the page. */
async function watchTasks(window: Window, page: EditorPage): Promise<void> {
  const watch = (): void => {
    const global = globalThis as { longTasks?: number[] };
    const tasks: number[] = [];
    global.longTasks = tasks;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    }).observe({ type: 'longtask' });
  };
  await window.page.evaluate(watch);
  await page.frame.evaluate(watch);
}

/** Milliseconds of the longest task since the last look; 0 where all were short. */
async function longestTask(window: Window, page: EditorPage): Promise<number> {
  const take = (): number =>
    Math.max(0, ...((globalThis as { longTasks?: number[] }).longTasks ?? []).splice(0));
  return Math.max(await window.page.evaluate(take), await page.frame.evaluate(take));
}

/**
 * Bytes of the window's JavaScript, DOM and typed arrays, without garbage: the page's frame shares the process of the
 * window that it is in.
 */
async function memory(window: Window): Promise<number> {
  const session = await window.page.context().newCDPSession(window.page);
  await session.send('HeapProfiler.collectGarbage');
  const heap = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return heap.usedSize + heap.embedderHeapUsedSize + heap.backingStorageSize;
}
