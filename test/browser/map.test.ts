/** The cluster map of an image that QEMU made: the colours, and moving with mouse and keyboard. */
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { workspace } from '../support/workspace';
import { THEME_KINDS } from './harness/themes';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage, type Kind } from './pages/editorPage';

const CLUSTER = 65536;
const DISK_CLUSTERS = 16384;
/** What qemu-io makes of each cluster; the rest is unallocated. */
const KINDS: readonly (readonly [cluster: number, kind: Kind])[] = [
  [0, 'data'],
  [1, 'zeroPlain'],
  [2, 'zeroAllocated'],
  [3, 'compressed'],
  [4, 'unallocated'],
  [5, 'data'],
  [DISK_CLUSTERS - 1, 'data'],
];

function makeDisk(file: string): void {
  mustQemuImg(['create', '-f', 'qcow2', file, '1G']);
  mustQemuIo(file, [
    'write -P 0xa5 0 64k',
    'write -z -u 64k 64k',
    'write -P 0x11 128k 64k',
    'write -z 128k 64k',
    'write -c -P 0x5a 192k 64k',
    'write -P 0xc3 320k 64k',
    'write -P 0x77 1073676288 64k',
  ]);
}

describe('the cluster map', () => {
  const files = workspace();
  const disk = files.path('disk.qcow2');
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;

  beforeAll(async () => {
    makeDisk(disk);
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
    page = await EditorPage.open(window, disk);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  /** Goes to the first cell and zooms in until a cell is one cluster. */
  async function zoomToClusters(): Promise<void> {
    await page.goTo('#0');
    await until('the first cells are shown, a cluster each', async () => {
      const { bytesPerCell, firstCell } = await page.geometry();
      if (bytesPerCell !== CLUSTER) await page.get('zoom-in').click();
      return bytesPerCell === CLUSTER && firstCell === 0;
    });
  }

  it('begins with the whole disk', async () => {
    const { bytesPerCell, firstCell } = await page.geometry();
    expect(firstCell).toBe(0);
    expect(bytesPerCell).toBeGreaterThan(CLUSTER);
    const frame = await page.get('minimap-frame').boundingBox();
    const bar = await page.get('minimap').boundingBox();
    expect(frame!.width).toBeGreaterThanOrEqual(bar!.width - 4);
  });

  it('shows a mixed cell as bands of its kinds', async () => {
    await until('the first cell is painted', async () => {
      const colours = new Set(await page.coloursOf(0));
      return colours.has(await page.themeColour('data')) && colours.size >= 3;
    });
  });

  it('counts the kinds in its legend', async () => {
    const expected = new Map<Kind, number>();
    for (const [, kind] of KINDS) expected.set(kind, (expected.get(kind) ?? 0) + CLUSTER);
    expected.set('unallocated', (DISK_CLUSTERS - KINDS.length + 1) * CLUSTER);
    for (const [kind, bytes] of expected) {
      await expectSoon(() => page.legendBytes(kind), kind).toBe(bytes);
    }
    expect(await page.text('legend-data')).toContain('192 KiB');
  });

  it.each(THEME_KINDS)('paints each cluster in its colour in a %s theme', async (theme) => {
    await vscode.setTheme(window, theme);
    await zoomToClusters();
    for (const [cluster, kind] of KINDS.slice(0, -1)) await page.waitForCell(cluster, kind);
    await page.goTo(`#${DISK_CLUSTERS - 1}`);
    await page.waitForCell(DISK_CLUSTERS - 1, 'data');
    await page.waitForCell(DISK_CLUSTERS - 2, 'unallocated');
    await window.screenshot(`map-${theme}`);
  });

  it('says what lies under the pointer', async () => {
    await zoomToClusters();
    const { x, y } = await page.pointOf(3);
    await window.page.mouse.move(x, y);
    await until('the tooltip says it', async () => (await page.text('map-tooltip')).includes('Compressed'));
    expect(await page.text('map-tooltip')).toContain('Cluster 3');
    expect(await page.text('map-tooltip')).toContain('0x30000, 64 KiB');
  });

  it('zooms at the pointer with the wheel', async () => {
    await page.get('zoom-whole').click();
    // Its first cell is the first one of any zoom.
    const before = await until('the whole disk is shown', async () => {
      const geometry = await page.geometry();
      return geometry.bytesPerCell > CLUSTER && geometry;
    });
    const { height } = (await page.get('map').boundingBox())!;
    const cell = before.columns * Math.floor(height / before.cellSize / 2) + 20;
    const { x, y } = await page.pointOf(cell);
    await window.page.mouse.move(x, y);
    // The page may be under the pointer a moment later than the pointer is there.
    await until('it has zoomed', async () => {
      await window.page.mouse.wheel(0, -200);
      const hasZoomed = async (): Promise<boolean> =>
        (await page.geometry()).bytesPerCell < before.bytesPerCell;
      return until('the wheel is taken', hasZoomed, 2000).catch(() => false);
    });
    const after = await page.geometry();
    const box = (await page.get('map').boundingBox())!;
    const column = Math.floor((x - box.x) / after.cellSize);
    const row = Math.floor((y - box.y + after.shift) / after.cellSize);
    const byte = (after.firstCell + row * after.columns + column) * after.bytesPerCell;
    expect(Math.floor(byte / before.bytesPerCell)).toBe(cell);
  });

  it('pans with the middle button and with Space', async () => {
    await zoomToClusters();
    await page.goTo('512M');
    await until('it is there', async () => (await page.geometry()).firstCell > 1000);
    for (const hold of ['middle', 'space'] as const) {
      const before = await page.geometry();
      const { x, y } = await page.pointOf(before.firstCell + before.columns * 5 + 5);
      await page.get('map').focus();
      if (hold === 'space') await window.page.keyboard.down(' ');
      await window.page.mouse.move(x, y);
      await window.page.mouse.down({ button: hold === 'space' ? 'left' : 'middle' });
      await window.page.mouse.move(x, y - 3 * before.cellSize, { steps: 4 });
      await window.page.mouse.up({ button: hold === 'space' ? 'left' : 'middle' });
      if (hold === 'space') await window.page.keyboard.up(' ');
      const moved = before.firstCell + 3 * before.columns;
      await until(`${hold}: three rows down`, async () => (await page.geometry()).firstCell === moved);
    }
  });

  it('moves the selection by keyboard and tells it aloud', async () => {
    await zoomToClusters();
    await page.clickCell(0);
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight']) await window.page.keyboard.press(key);
    await until('it is told', async () => (await page.text('announcer')).startsWith('Cluster 3, 0x30000'));
    await until('its kind is told', async () => (await page.text('announcer')).includes('Compressed'));
    await window.page.keyboard.press('End');
    await until('the last one is told', async () =>
      (await page.text('announcer')).startsWith('Cluster 16,383'),
    );
    const { columns } = await page.geometry();
    await window.page.keyboard.press('Home');
    await window.page.keyboard.press('Shift+ArrowDown');
    const range = `Clusters 0 to ${columns}, 0x0, ${((columns + 1) * CLUSTER) / 2 ** 20}`.slice(0, 20);
    await until('the range is told', async () => (await page.text('announcer')).startsWith(range));
    await window.page.keyboard.press('Enter');
    expect(await page.frame.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
      'Selected clusters',
    );
  });

  it('selects a range by dragging and sums it up', async () => {
    await zoomToClusters();
    const from = await page.pointOf(0);
    const to = await page.pointOf(5);
    await window.page.mouse.move(from.x, from.y);
    await window.page.mouse.down();
    await window.page.mouse.move(to.x, to.y, { steps: 5 });
    await window.page.mouse.up();
    const bytes = (kind: Kind): Promise<string | null> =>
      page.get('range-totals').locator(`tr[data-kind="${kind}"] [data-bytes]`).getAttribute('data-bytes');
    await page.get('range-totals').locator('tr[data-kind="data"]').waitFor();
    await until('the whole range is summed up', async () => (await bytes('data')) === String(2 * CLUSTER));
    expect(await bytes('zeroPlain')).toBe(String(CLUSTER));
    expect(await bytes('zeroAllocated')).toBe(String(CLUSTER));
    expect(await bytes('compressed')).toBe(String(CLUSTER));
    expect(await bytes('unallocated')).toBe(String(CLUSTER));
    expect(await page.text('range')).toContain('Clusters 0 to 5');
  });

  it('fades all but the kind that is chosen in the legend', async () => {
    await zoomToClusters();
    const button = page.get('legend-compressed').locator('button');
    await button.click();
    const unallocated = await page.themeColour('unallocated');
    await until('others have faded', async () => (await page.coloursOf(4))[0] !== unallocated);
    await page.waitForCell(3, 'compressed');
    expect(await button.getAttribute('aria-pressed')).toBe('true');
    await button.click();
    await page.waitForCell(4, 'unallocated');
  });

  it('decodes the entry of a cluster, bit by bit', async () => {
    await page.goTo('#2');
    await until('it is shown', async () => (await page.text('cluster-report')).includes('Cluster 2'));
    expect(await page.text('guest-offset')).toContain('0x20000');
    const bits = page.get('entry-bits');
    const value = (field: string): Promise<string> =>
      bits.locator(`tr[data-field="${field}"] td`).last().innerText();
    expect(await value('COPIED')).toBe('1');
    expect(await value('zero flag')).toBe('1');
    expect(await page.text('refcount')).toBe('1');
    const host = await page.text('host-offset');
    expect(await value('host cluster offset')).toBe(host);
    expect(Number(host) % CLUSTER).toBe(0);
    expect(await page.text('l2')).toContain(
      `0x8000${Number(host).toString(16).padStart(12, '0')}`.slice(0, -1),
    );
  });

  it('refuses a place that is none, and says why', async () => {
    for (const [text, complaint] of [
      ['nonsense', 'Not a valid offset'],
      ['1G', 'Beyond the end of the disk'],
    ] as const) {
      await page.goTo(text);
      await until(complaint, async () => (await page.text('go-to-problem')) === complaint);
    }
    await page.goTo('0');
    await until('the complaint is gone', async () => (await page.get('go-to-problem').count()) === 0);
  });

  it('shows the bytes that were written, to the last', async () => {
    await page.goTo('320k');
    expect(await page.hexAt(320 * 1024, 32)).toBe(Array<string>(32).fill('c3').join(' '));
    await page.goTo('#3');
    expect(await page.hexAt(192 * 1024, 32)).toBe(Array<string>(32).fill('5a').join(' '));
    await page.frame.locator('#hex-dump').focus();
    await window.page.keyboard.press('End');
    expect(await page.hexAt(2 ** 30 - 8, 8)).toBe(Array<string>(8).fill('77').join(' '));
    const lines = await page.hexLines();
    expect(lines[lines.length - 1]!.offset + 16).toBeGreaterThanOrEqual(2 ** 30);
  });

  it('goes by keyboard to the cluster of any line of bytes', async () => {
    await page.goTo('#3');
    await until('the bytes are there', async () => (await page.text('cluster-report')).includes('Cluster 3'));
    const dump = page.frame.locator('#hex-dump');
    const current = async (): Promise<number> =>
      Number(await dump.locator('.hex-line.is-current').getAttribute('data-offset'));
    await until('the line is the first of the cluster', async () => (await current()) === 3 * CLUSTER);
    const [first, second] = (await page.hexLines()).map(({ offset }) => offset);
    await dump.focus();
    await window.page.keyboard.press('ArrowDown');
    await until('the next line is current', async () => (await current()) === second);
    expect((await page.hexLines())[0]!.offset).toBe(first);
    await window.page.keyboard.press('ArrowUp');
    await window.page.keyboard.press('ArrowUp');
    await until('the line above came into sight', async () => (await current()) < 3 * CLUSTER);
    await window.page.keyboard.press('Enter');
    await until('its cluster is shown', async () =>
      (await page.text('cluster-report')).includes('Cluster 2'),
    );
  });

  it('keeps zoom, selection and panel while it is hidden', async () => {
    await zoomToClusters();
    await page.goTo('#1000');
    await page.showTab('header');
    const before = await page.geometry();
    await window.openFile(makeText());
    await window.page.locator('.tab').filter({ hasText: 'disk.qcow2' }).click();
    page = await EditorPage.named(window, 'disk.qcow2');
    await expectSoon(() => page.geometry()).toEqual(before);
    await expectSoon(() => page.frame.locator('#tab-header').getAttribute('aria-selected')).toBe('true');
    await page.showTab('cluster');
    await until('the cluster is shown', async () =>
      (await page.text('cluster-report')).includes('Cluster 1,000'),
    );
  });

  it('follows the file when it changes on disk', async () => {
    await zoomToClusters();
    await page.waitForCell(4, 'unallocated');
    mustQemuIo(disk, ['write -P 0x42 256k 64k']);
    await page.waitForCell(4, 'data');
    await page.goTo('256k');
    expect(await page.hexAt(256 * 1024, 4)).toBe('42 42 42 42');
  });

  it('reports no errors and no violations of its policy', () => {
    expect(window.errors.filter((error) => /Content Security Policy|webview\.js/i.test(error))).toEqual([]);
  });

  function makeText(): string {
    const file = path.join(files.folder, 'notes.txt');
    mustQemuImg(['create', '-f', 'raw', file, '0']);
    return file;
  }
});
