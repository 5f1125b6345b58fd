/** From "why is it this big" to small, in the installed package: by mouse and by keyboard. */
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DamagedFile } from '../support/damagedFile';
import { writeGiantImage } from '../support/giantImages';
import { DELETED_BYTES, makeTwoSystems, rootOf, UNPARTITIONED_BYTES } from '../support/guest/twoSystems';
import { must } from '../support/process';
import { mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';
import { THEME_KINDS } from './harness/themes';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const MIB = 2 ** 20;

describe('an image that is too big', () => {
  const files = workspace();
  const disk = files.path('bloated.qcow2');
  const guest = files.path('guest.qcow2');
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;

  beforeAll(async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '64M']);
    mustQemuIo(disk, ['write -P 1 0 1M', 'write -P 0 1M 8M', 'write -P 2 16M 4M', 'write -z 16M 4M']);
    DamagedFile.do(disk, (file) => file.leak(4));
    makeTwoSystems(guest);
    writeGiantImage(files.path('giant.qcow2'), { size: 2 ** 39, pattern: 'random' });
    vscode = await VSCode.shared();
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

  const focused = (): Promise<string | null | undefined> =>
    page.frame.evaluate(() => document.activeElement?.getAttribute('data-testid'));
  const tabTo = (testId: string): Promise<unknown> =>
    until(`${testId} has the focus`, async () => {
      if ((await focused()) === testId) return true;
      await window.page.keyboard.press('Tab');
      return false;
    });

  it('says so once its contents were scanned', async () => {
    await page.showTab('space');
    await page.get('space-scan').click();
    await expectSoon(() => page.text('space-contents')).toBe('Zeroes stored as data: 8 MiB.');
    await expectSoon(() => page.legendBytes('dataZero')).toBe(8 * MIB);
    expect(await page.legendBytes('data')).toBe(MIB);
    expect(await page.get('part-dataZero').locator('[data-bytes]').first().getAttribute('data-bytes')).toBe(
      String(8 * MIB),
    );
    await window.screenshot('space-scanned');
  });

  it.each(THEME_KINDS)('draws them on the map in lines, in a %s theme', async (theme) => {
    await vscode.setTheme(window, theme);
    await page.waitForCell(15, 'data');
    await page.waitForCell(16, 'dataZero');
    await page.waitForCell(143, 'dataZero');
    await page.waitForCell(144, 'unallocated');
    await page.clickCell(20);
    await page.showTab('cluster');
    await expectSoon(() => page.text('found-note')).toContain('All zeroes, stored as data.');
    expect(await page.text('cluster-report')).toContain('Data, all zeroes');
    await window.screenshot(`found-${theme}`);
  });

  it('has a key to the map in its bar and in its rows', async () => {
    await vscode.setTheme(window, 'dark');
    await page.showTab('space');
    const isShown = async (): Promise<(string | null)[]> =>
      Promise.all(
        ['part-dataZero', 'legend-dataZero'].map((row) =>
          page.get(row).locator('[aria-pressed]').getAttribute('aria-pressed'),
        ),
      );
    await page.get('piece-dataZero').click();
    await expectSoon(isShown).toEqual(['true', 'true']);
    // Other data fades.
    const colour = await page.themeColour('data');
    await until('data is faded', async () => !(await page.coloursOf(0)).includes(colour));
    await page.waitForCell(20, 'dataZero');
    await window.screenshot('space-highlighted');
    await page.get('part-dataZero').locator('.legend-button').focus();
    await window.page.keyboard.press('Enter');
    await expectSoon(isShown).toEqual(['false', 'false']);
    await page.waitForCell(0, 'data');
    await page.get('part-leaked').locator('.legend-button').focus();
    await window.page.keyboard.press('Enter');
    await page.get('legend-leaked').locator('[aria-pressed="true"]').waitFor();
    await page.get('space-guest').click();
  });

  it('is shrunk by mouse, as one edit that can be undone', async () => {
    const before = readFileSync(disk);
    await page.get('shrink').click();
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
    await page.get('legend-dataZero').waitFor({ state: 'detached' });
    await page.waitForCell(20, 'unallocated');
    await window.page.keyboard.press('Control+Z');
    // What was scanned is what is shown again.
    await expectSoon(() => page.legendBytes('dataZero')).toBe(8 * MIB);
    await window.page.keyboard.press('Control+Y');
    await page.get('legend-dataZero').waitFor({ state: 'detached' });
    await expectSoon(() => page.legendBytes('data')).toBe(MIB);
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  it('is saved, and gives the space back to the host', async () => {
    const before = statSync(disk).size;
    await window.notification('become free when it is saved').waitFor();
    await window.notification('become free').getByRole('button', { name: 'Save' }).click();
    const choice = window.notification('is saved. The file is not shorter yet.');
    await choice.getByRole('button', { name: 'Reclaim Free Space…' }).click();
    const answer = window.dialog.getByRole('button', { name: 'Reclaim' });
    await answer.waitFor();
    // VS Code shows three notifications in 800 milliseconds at most, and keeps those of progress as long.
    await window.notification('Looking for free space').waitFor({ state: 'detached' });
    await answer.click();
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
    await tabTo('shrink-scan');
    await keyboard.press('Enter');
    await expectSoon(inAll).toBe(2 * MIB);
    await page.untilEnabled('shrink-apply');
    await tabTo('shrink-apply');
    await keyboard.press('Enter');
    await page.get('shrink-dialog').waitFor({ state: 'hidden' });
    await page.get('legend-dataZero').waitFor({ state: 'detached' });
    await window.save();
    await until('it is saved', async () => (await page.get('staged').count()) === 0);
    expect(qemuImg(['map', disk]).stdout.length).toBeLessThan(200);
    expect(qemuImg(['check', disk]).status).toBe(0);
  });

  it('gives up by keyboard what the guest has deleted, and takes it back', async () => {
    page = await EditorPage.open(window, guest);
    await window.runCommand('QCOW2: Shrink…');
    await page.get('shrink-guest-look').waitFor();
    const { keyboard } = window.page;
    await tabTo('shrink-guest-look');
    await keyboard.press('Enter');
    await page.get('shrink-row-fileSystem:1').waitFor();
    expect(await page.get('shrink-fileSystem:1').isChecked()).toBe(true);
    expect(await page.text('shrink-row-fileSystem:1')).toContain('Partition 1 (root, ext4)');
    const gone = await freed('fileSystem:1');
    expect(gone).toBeGreaterThan(DELETED_BYTES - 2 * 65536);
    // Not closed: named, with what to do, and not to be had.
    expect(await page.text('shrink-row-fileSystem:2')).toMatch(
      /Partition 2 \(data, ext4\)[^]*start and shut down the guest/,
    );
    expect(await page.get('shrink-fileSystem:2').isDisabled()).toBe(true);
    // Only when asked.
    for (const key of ['swap:3', 'unpartitioned:']) {
      expect(await freed(key)).toBeGreaterThan(0);
      expect(await page.get(`shrink-${key}`).isChecked()).toBe(false);
    }
    await expectSoon(inAll).toBe(gone);
    await page.untilEnabled('shrink-apply');
    expect(await page.text('shrink-guest-warning')).toContain('Shut down the guest first.');
    await tabTo('shrink-fileSystem:1');
    await keyboard.press('Space');
    await expectSoon(() => page.text('shrink-preview')).toContain('Nothing is chosen.');
    await keyboard.press('Space');
    await expectSoon(inAll).toBe(gone);
    await page.untilEnabled('shrink-apply');
    await tabTo('shrink-apply');
    await keyboard.press('Enter');
    await page.get('shrink-dialog').waitFor({ state: 'hidden' });
    await page.get('staged').waitFor();
    await keyboard.press('Control+Z');
    await page.get('staged').waitFor({ state: 'detached' });
  });

  it('gives it up by mouse, and the file becomes as much shorter', async () => {
    page = await EditorPage.open(window, guest);
    const before = statSync(guest).size;
    await page.showTab('space');
    await page.get('space-guest-look').click();
    const row = page.get('guest-free-fileSystem:1');
    await row.waitFor();
    const gone = Number(await row.locator('[data-bytes]').getAttribute('data-bytes'));
    expect(await page.text('guest-free-fileSystem:2')).toContain('start and shut down the guest');
    await page.get('guest-free-shrink-fileSystem:1').click();
    await page.untilEnabled('shrink-apply');
    await page.get('shrink-unpartitioned:').check();
    await expectSoon(inAll).toBe(gone + UNPARTITIONED_BYTES);
    await page.untilEnabled('shrink-apply');
    await page.get('shrink-apply').click();
    const offer = window.notification('of guest.qcow2 become free when it is saved');
    await offer.getByRole('button', { name: 'Save' }).click();
    const choice = window.notification('guest.qcow2 is saved. The file is not shorter yet.');
    await choice.getByRole('button', { name: 'Compact…' }).click();
    await window.dialog.getByRole('button', { name: 'Compact' }).click();
    await window.notification('Compacted guest.qcow2').waitFor();
    expect(statSync(guest).size).toBeLessThanOrEqual(before - gone - UNPARTITIONED_BYTES + 2 * 65536);
    expect(qemuImg(['check', guest]).status).toBe(0);
    const root = rootOf(guest, files.path('root.raw'));
    must('e2fsck', ['-fn', root]);
    expect(must('debugfs', ['-R', 'cat /kept', root]).toString()).toBe('kept\n');
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
    // The user knows why it has ended.
    expect(await giant.get('scan-problem').count()).toBe(0);
  });

  it('says why a scan has ended, until the user turns to something else', async () => {
    const giant = await EditorPage.open(window, files.path('giant.qcow2'));
    await giant.showTab('space');
    await giant.get('space-scan').click();
    await giant.get('scan-progress').waitFor();
    await giant.get('change-discard').click();
    await giant.get('change-start').locator('input').fill('0');
    await giant.get('change-length').locator('input').fill('1M');
    await giant.applyChange();
    await giant.get('scan-problem').waitFor();
    await giant.showTab('cluster');
    await giant.showTab('space');
    await giant.get('space-scan').waitFor();
    expect(await giant.get('scan-problem').count()).toBe(0);
    await window.page.keyboard.press('Control+Z');
    await giant.get('staged').waitFor({ state: 'detached' });
  });
});
