/** Check and the file view in the installed package: health, problems, the use of each cluster of the file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DamagedFile } from '../support/damagedFile';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { workspace } from '../support/workspace';
import { THEME_KINDS } from './harness/themes';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage, type FileKind } from './pages/editorPage';

const CLUSTER = 65536;

describe('the check of an image', () => {
  const files = workspace();
  const disk = files.path('damaged.qcow2');
  const sound = files.path('sound.qcow2');
  let damage: { uncounted: number; leaked: number; shared: number };
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;

  beforeAll(async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', sound, '16M']);
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '64M']);
    mustQemuIo(disk, ['write -P 1 0 1M', 'write -c -P 2 4M 64k']);
    mustQemuImg(['snapshot', '-c', 'one', disk]);
    mustQemuIo(disk, ['write -P 3 64k 64k']);
    mustQemuImg(['bitmap', '--add', disk, 'b0']);
    damage = DamagedFile.do(disk, (file) => {
      file.setRefcount(file.hostCluster(3), 0);
      file.setEntry(2, file.entry(2) | (1n << 63n));
      file.setEntry(7, file.entry(6));
      return { uncounted: file.hostCluster(3), leaked: file.leak(3), shared: file.hostCluster(6) };
    });
    // Holes of the file have colours of their own (panels.test.ts).
    writeFileSync(disk, readFileSync(disk));
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
    page = await EditorPage.open(window, disk);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  const health = (): Promise<string | null> => page.get('health').getAttribute('data-health');
  const untilHealth = (kind: string): Promise<unknown> =>
    until(`the image is ${kind}`, async () => (await health()) === kind);

  const untilShown = (space: 'guest' | 'file'): Promise<unknown> =>
    until(
      `the ${space} view is shown`,
      async () => (await page.get(`space-${space}`).getAttribute('aria-pressed')) === 'true',
    );

  it('is made by itself when an image is opened, and says what it found', async () => {
    await untilHealth('damaged');
    expect(await page.text('health')).toBe('3 corruptions');
  });

  it('is made again by a click on the health', async () => {
    await page.untilChecked(() => page.get('health').click());
    expect(await page.text('health')).toBe('3 corruptions');
    expect(await health()).toBe('damaged');
    expect(await page.get('health').getAttribute('title')).toMatch(/3 corruptions, 1 defect, 4 leaks/);
  });

  it('fills the Problems panel, whose links lead to the cluster on the disk', async () => {
    await page.get('show-problems').click();
    const panel = window.page.locator('.markers-panel');
    await panel.waitFor();
    await window.screenshot('problems');
    const link = panel.getByText('Show guest offset 0x20000').first();
    await link.click();
    await until('the cluster is selected', async () =>
      (await page.text('cluster-report')).includes('0x20000'),
    );
    await untilShown('guest');
  });

  it('leads to the cluster in the file where no guest offset is known', async () => {
    const offset = `0x${(damage.leaked * CLUSTER).toString(16)}`;
    await window.page.locator('.markers-panel').getByText(`Show host offset ${offset}`).first().click();
    await page.get('host-report').waitFor();
    await untilShown('file');
    await until('it is the leaked cluster', async () => (await page.text('host-offset')).startsWith(offset));
    expect(await page.get('host-report').getAttribute('data-kind')).toBe('leaked');
    expect(await page.text('host-refcount')).toBe('1 should be 0');
    await window.runCommand('View: Hide Panel');
  });

  it('paints each cluster of the file by its use, in all themes', async () => {
    const kinds: readonly (readonly [number, FileKind])[] = [
      [0, 'header'],
      [1, 'refcountTable'],
      [2, 'refcountBlock'],
      [3, 'l1'],
      [5, 'data'],
      [damage.shared, 'conflict'],
      [damage.leaked, 'leaked'],
      [damage.leaked + 2, 'leaked'],
    ];
    for (const theme of THEME_KINDS) {
      await vscode.setTheme(window, theme);
      for (const [cluster, kind] of kinds) await page.waitForFileCell(cluster, kind);
      await window.screenshot(`file-${theme}`);
    }
    expect(new Set(await Promise.all(kinds.map(([, kind]) => page.fileColour(kind)))).size).toBe(7);
  });

  it('has a legend with clusters and bytes, which highlights a kind', async () => {
    await expectSoon(() => page.legendBytes('leaked')).toBe(3 * CLUSTER);
    await expectSoon(() => page.legendBytes('conflict')).toBe(CLUSTER);
    await expectSoon(() => page.legendBytes('refcountBlock')).toBe(CLUSTER);
    await page.get('legend-leaked').locator('button').click();
    await until('the others fade', async () => {
      const [colour] = await page.coloursOf(5);
      return colour !== (await page.fileColour('data'));
    });
    await page.waitForFileCell(damage.leaked, 'leaked');
    await page.get('legend-leaked').locator('button').click();
  });

  it('tells under the pointer and in the inspector who uses a cluster, and leads to it on the disk', async () => {
    const { x, y } = await page.pointOf(damage.shared);
    await window.page.mouse.move(x, y);
    await until('the tooltip says it', async () => (await page.text('map-tooltip')).includes('Used twice'));
    await page.clickCell(damage.shared);
    await until('the inspector says it', async () => {
      const report = page.get('host-report');
      return (await report.count()) === 1 && (await report.getAttribute('data-kind')) === 'conflict';
    });
    expect(await page.text('host-structure')).toBe('data');
    expect(await page.get('claims').locator('tbody tr').count()).toBeGreaterThan(2);
    expect(await page.hexAt(damage.shared * CLUSTER, 3)).toBe('01 01 01');
    await page.get('claim-guest').first().click();
    await until('the cluster on the disk is shown', async () => {
      const isShown = (await page.get('cluster-report').count()) === 1;
      return isShown && (await page.text('cluster-report')).includes('0x60000');
    });
    await page.get('host-offset').locator('button').click();
    await until('back in the file', async () => (await page.get('host-report').count()) === 1);
  });

  it('is all there for the keyboard', async () => {
    await page.get('space-file').focus();
    await window.page.keyboard.press('Shift+Tab');
    await window.page.keyboard.press('Enter');
    await untilShown('guest');
    await window.page.keyboard.press('Tab');
    await window.page.keyboard.press('Space');
    await untilShown('file');
    await page.get('map').focus();
    await window.page.keyboard.press('Home');
    await until('it is said aloud', async () => (await page.text('announcer')).includes('Header'));
    await page.goTo('#2');
    await until('it went there', async () => (await page.text('host-structure')) === 'refcount block');
  });

  it('keeps its view while it is hidden', async () => {
    page = await EditorPage.open(window, sound);
    await untilHealth('clean');
    await page.untilChecked(() => page.get('check').click());
    expect(await health()).toBe('clean');
    expect(await page.get('show-problems').count()).toBe(0);
    await window.screenshot('clean');
    page = await EditorPage.open(window, disk);
    await until(
      'the file view is back',
      async () => (await page.text('host-structure')) === 'refcount block',
    );
    expect(await health()).toBe('damaged');
    expect(window.errors.filter((text) => text.includes('qcow2'))).toEqual([]);
  });

  it('fits into a narrow window', async () => {
    await window.resize({ width: 800, height: 600 });
    await window.screenshot('file-narrow');
    const toolbar = await page.frame.locator('.toolbar').boundingBox();
    const last = await page.get('export-map').boundingBox();
    expect(last!.x + last!.width).toBeLessThanOrEqual(toolbar!.x + toolbar!.width + 1);
    expect(toolbar!.height).toBeLessThan(60);
    await window.page.setViewportSize({ width: 1200, height: 800 });
  });
});
