/** Repair… in the installed package: what it will do and lose, by mouse and by keyboard, and undoing it. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DamagedFile } from '../support/damagedFile';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { workspace } from '../support/workspace';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const CLUSTER = 65536;

describe('the repair of an image', () => {
  const files = workspace();
  const disk = files.path('damaged.qcow2');
  let before: Buffer;
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;

  beforeAll(async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '16M']);
    mustQemuIo(disk, ['write -P 1 0 1M', 'write -P 2 320k 64k']);
    DamagedFile.do(disk, (file) => {
      file.setRefcount(file.hostCluster(3), 0);
      file.setEntry(7, file.entry(5));
      // Past the end of the file: this data is lost.
      file.setEntry(9, (1n << 63n) | (1n << 40n));
      file.leak(2);
    });
    before = readFileSync(disk);
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
    page = await EditorPage.open(window, disk);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  const untilHealth = (kind: string): Promise<unknown> =>
    until(
      `the image is ${kind}`,
      async () => (await page.get('health').getAttribute('data-health')) === kind,
    );

  const open = async (): Promise<void> => {
    await page.get('repair').click();
    await preview();
  };

  /** Waits for what the repair would do. */
  const preview = (): Promise<void> =>
    page.frame.locator('[data-testid="repair-preview"][aria-busy="false"]').waitFor();

  const count = async (action: string): Promise<number> => {
    const row = page.get('repair-actions').locator(`tr[data-action="${action}"]`);
    return (await row.count()) === 0 ? 0 : Number(await row.getAttribute('data-count'));
  };

  const close = async (): Promise<void> => {
    await window.page.keyboard.press('Escape');
    await page.get('repair-dialog').waitFor({ state: 'hidden' });
  };

  it('is offered once the check that is made after opening has found something', async () => {
    await untilHealth('damaged');
    expect(await page.get('repair').count()).toBe(1);
  });

  it('says what it would do, how often and where, and what cannot be kept', async () => {
    await open();
    expect(await page.get('repair-all').isChecked()).toBe(true);
    expect(await count('dataCopied')).toBe(1);
    expect(await count('entryUnallocated')).toBe(1);
    expect(await page.get('repair-losses').getAttribute('data-count')).toBe('1');
    expect(await page.text('repair-losses')).toContain('64 KiB at guest offset 0x90000: reads as zero');
    expect(await page.get('repair-after').getAttribute('data-health')).toBe('clean');
    const places = page.get('repair-actions').locator('tr[data-action="dataCopied"] details');
    await places.locator('summary').click();
    expect(await places.locator('li').first().innerText()).toContain('guest offset 0x70000');
    await close();
  });

  it('is chosen and applied by the keyboard alone, and marks what it has staged', async () => {
    await window.runCommand('QCOW2: Repair…');
    await preview();
    await until('the choice has the focus', () =>
      page.frame.evaluate(() => document.activeElement instanceof HTMLInputElement),
    );
    await window.page.keyboard.press('ArrowUp');
    await until('leaks are chosen', () => page.get('repair-leaks').isChecked());
    await preview();
    await window.page.keyboard.press('ArrowDown');
    await until('everything is chosen', () => page.get('repair-all').isChecked());
    await preview();
    for (;;) {
      await window.page.keyboard.press('Tab');
      const at = await page.frame.evaluate(
        () => (document.activeElement as HTMLElement | null)?.dataset['testid'],
      );
      if (at === 'repair-apply') break;
    }
    await window.page.keyboard.press('Enter');
    await page.get('repair-dialog').waitFor({ state: 'hidden' });
    await untilHealth('clean');
    await until('the strip says it', async () => (await page.text('staged')) === '1 edit staged');
    expect(await page.get('repair').count()).toBe(0);
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  it('can be looked at in the file view, and taken back', async () => {
    await page.get('space-file').click();
    await page.waitForFileCell(0, 'header');
    expect(await page.get('legend-conflict').count()).toBe(0);
    // The refcount block is one of the clusters that the repair changes; nothing of the data is.
    await page.clickCell(2);
    await until('the inspector says it', async () => (await page.get('staged-note').count()) === 1);
    await until('the marks are painted', async () => (await page.stagedColoursOf(2)).size > 1);
    expect((await page.stagedColoursOf(5)).size).toBe(0);
    expect(await page.get('legend-staged').count()).toBe(1);
    await page.clickCell(0);
    await until('the header is as it was', async () => (await page.get('staged-note').count()) === 0);
    await window.page.keyboard.press('Control+Z');
    // It equals what is on disk, and is checked automatically.
    await untilHealth('damaged');
    await until('it is used twice again', async () => (await page.get('legend-conflict').count()) === 1);
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  it('is redone and saved by the keyboard: QEMU finds the image sound, and so does the check', async () => {
    await window.page.keyboard.press('Control+Y');
    await until('it is staged again', async () => (await page.get('staged').count()) === 1);
    await window.save();
    await until('it is saved', async () => (await page.get('staged').count()) === 0);
    mustQemuImg(['check', '-q', disk]);
    mustQemuIo(disk, [
      'read -P 2 320k 64k',
      'read -P 2 448k 64k',
      'read -P 1 512k 64k',
      'read -P 0 576k 64k',
    ]);
    await page.untilChecked(() => page.get('check').click());
    expect(await page.get('health').getAttribute('data-health')).toBe('clean');
    // Everything is 0 until it is counted.
    await expectSoon(() => page.legendBytes('header')).toBe(CLUSTER);
    expect(await page.legendBytes('leaked')).toBe(0);
  });
});
