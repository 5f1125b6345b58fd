/** From "why is it this big" to small, in the installed package: by mouse and by keyboard. */
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DamagedFile } from '../support/damagedFile';
import { writeGiantImage } from '../support/giantImages';
import { mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const MIB = 2 ** 20;

describe('an image that is too big', () => {
  const files = workspace();
  const disk = files.path('bloated.qcow2');
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;

  beforeAll(async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '64M']);
    mustQemuIo(disk, ['write -P 1 0 1M', 'write -P 0 1M 8M', 'write -P 2 16M 4M', 'write -z 16M 4M']);
    DamagedFile.do(disk, (file) => file.leak(4));
    writeGiantImage(files.path('giant.qcow2'), { size: 2 ** 39, pattern: 'random' });
    vscode = await VSCode.start();
    window = await vscode.openWindow(files.folder);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  beforeEach(async () => {
    page = await EditorPage.open(window, disk);
  });

  const freed = async (source: string): Promise<number> =>
    Number(await page.get(`shrink-row-${source}`).locator('[data-bytes]').getAttribute('data-bytes'));
  const inAll = async (): Promise<number> =>
    Number(await page.get('shrink-freed').getAttribute('data-bytes', { timeout: 1_000 }));

  it('says so once its contents were scanned', async () => {
    await page.showTab('space');
    await page.get('space-scan').click();
    await expectSoon(() => page.text('space-contents')).toBe('Zeroes stored as data: 8 MiB.');
    await window.screenshot('space-scanned');
  });

  it('is shrunk by mouse, as one edit that can be undone', async () => {
    const before = readFileSync(disk);
    await page.get('space-shrink').click();
    await page.get('shrink-sources').waitFor();
    expect([await freed('zeroes'), await freed('allocatedZeroes'), await freed('leaks')]).toEqual([
      8 * MIB,
      4 * MIB,
      4 * 65536,
    ]);
    expect(await page.text('shrink-row-sameAsBacking')).toContain('no backing file');
    await expectSoon(inAll).toBe(12 * MIB + 4 * 65536);
    await page.get('shrink-leaks').uncheck();
    await expectSoon(inAll).toBe(12 * MIB);
    await page.get('shrink-leaks').check();
    await page.untilEnabled('shrink-apply');
    await window.screenshot('shrink-dialog');
    await page.get('shrink-apply').click();
    await page.get('shrink-dialog').waitFor({ state: 'hidden' });
    await expectSoon(() => page.legendBytes('data')).toBe(MIB);
    await window.page.keyboard.press('Control+Z');
    await expectSoon(() => page.legendBytes('data')).toBe(9 * MIB);
    await window.page.keyboard.press('Control+Y');
    await expectSoon(() => page.legendBytes('data')).toBe(MIB);
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  it('is saved, and gives the space back to the host', async () => {
    const before = statSync(disk).size;
    await window.notification('become free when it is saved').waitFor();
    await window.notification('become free').getByRole('button', { name: 'Save' }).click();
    const choice = window.notification('is saved. The file is not shorter yet.');
    await choice.getByRole('button', { name: 'Reclaim Free Space…' }).click();
    await window.dialog.getByRole('button', { name: 'Reclaim' }).click();
    await window.notification('Reclaimed').waitFor();
    expect(statSync(disk).size).toBeLessThan(before - 10 * MIB);
    expect(qemuImg(['check', disk]).status).toBe(0);
    mustQemuIo(disk, ['read -P 1 0 1M', 'read -P 0 1M 63M']);
  });

  it('is shrunk by keyboard, from the palette', async () => {
    mustQemuIo(disk, ['write -P 0 32M 2M']);
    await expectSoon(() => page.legendBytes('data')).toBe(3 * MIB);
    await window.runCommand('QCOW2: Shrink…');
    await page.get('shrink-scan').waitFor();
    const { keyboard } = window.page;
    const focused = (): Promise<string | null | undefined> =>
      page.frame.evaluate(() => document.activeElement?.getAttribute('data-testid'));
    const tabTo = (testId: string): Promise<unknown> =>
      until(`${testId} has the focus`, async () => {
        if ((await focused()) === testId) return true;
        await keyboard.press('Tab');
        return false;
      });
    await tabTo('shrink-scan');
    await keyboard.press('Enter');
    await expectSoon(inAll).toBe(2 * MIB);
    await page.untilEnabled('shrink-apply');
    await tabTo('shrink-apply');
    await keyboard.press('Enter');
    await page.get('shrink-dialog').waitFor({ state: 'hidden' });
    await expectSoon(() => page.legendBytes('data')).toBe(MIB);
    await keyboard.press('Control+S');
    await until('QEMU sees it', () => Promise.resolve(qemuImg(['map', disk]).stdout.length < 200));
    expect(qemuImg(['check', disk]).status).toBe(0);
  });

  it('can stop a long scan, and answers meanwhile', async () => {
    const giant = await EditorPage.open(window, files.path('giant.qcow2'));
    await giant.showTab('space');
    await giant.get('space-scan').click();
    await giant.get('scan-progress').waitFor();
    await giant.goTo('#1000');
    await expectSoon(() => giant.text('cluster-report')).toContain('1,000');
    await giant.showTab('space');
    await giant.get('scan-stop').click();
    await giant.get('space-scan').waitFor();
  });
});
