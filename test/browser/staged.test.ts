/** Staged edits survive their window and are not written unattended: what VS Code asks, and what it keeps. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';
import { faults } from './harness/axe';
import { until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

describe('staged edits', () => {
  let files: Workspace;
  let vscode: VSCode;
  let window: Window;
  let disk: string;
  let before: Buffer;
  /** Files of backups that other tests have left: their windows were killed. */
  let earlier: ReadonlySet<string>;

  beforeAll(async () => {
    vscode = await VSCode.start();
  });

  afterEach(() => {
    vscode.changeSettings({ 'files.autoSave': 'off', 'qcow2.guards.autoSave': 'ask' });
  });

  afterAll(async () => {
    await vscode.stop();
  });

  function makeDisk(name: string): void {
    disk = files.path(name);
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '16M']);
    mustQemuIo(disk, ['write -P 1 0 4M']);
    before = readFileSync(disk);
    earlier = new Set(vscode.backupFiles());
  }

  async function open(file = disk): Promise<EditorPage> {
    return EditorPage.open(window, file);
  }

  /** Zeroes clusters through the dialog and confirms all questions. */
  async function zero(page: EditorPage, start: number, count: number): Promise<void> {
    await page.get('change-writeZeroes').click();
    await page.get('change-start').locator('input').fill(`#${start}`);
    await page.get('change-length').locator('input').fill(`#${count}`);
    await page.applyChange();
  }

  const untilDirty = (dirty: boolean): Promise<unknown> =>
    until(`the tab is ${dirty ? 'dirty' : 'clean'}`, async () => {
      return (await window.page.locator('.tab.active.dirty').count()) === (dirty ? 1 : 0);
    });

  /** Files of backups that this test has made. */
  const backups = (): string[] => vscode.backupFiles().filter((name) => !earlier.has(name));
  const untilBackedUp = (): Promise<unknown> =>
    until('a backup and its pages are written', () => Promise.resolve(backups().length === 2));
  const untilNothingIsBackedUp = (): Promise<unknown> =>
    until('no backup is left', () => Promise.resolve(backups().length === 0));

  describe('whose window is closed or reloaded', () => {
    beforeEach(async () => {
      files = workspace();
      makeDisk('disk.qcow2');
      window = await vscode.openWindow(files.folder);
    });

    afterEach(async () => {
      await window.kill();
      files.remove();
    });

    it('come back one by one, with their undo, when the window was closed and the server ran on', async () => {
      let page = await open();
      await zero(page, 0, 16);
      await zero(page, 16, 16);
      await page.waitForCell(20, 'unallocated');
      await untilDirty(true);
      // A backup follows each change after about a second.
      await window.page.waitForTimeout(3_000);
      await window.close();
      expect(readFileSync(disk).equals(before)).toBe(true);
      window = await vscode.openWindow(files.folder);
      page = await EditorPage.of(window);
      await page.waitForCell(0, 'unallocated');
      await page.waitForCell(20, 'unallocated');
      await untilDirty(true);
      expect(await page.text('staged')).toBe('2 edits staged');
      await page.clickCell(100);
      await window.page.keyboard.press('Control+Z');
      await page.waitForCell(20, 'data');
      await page.waitForCell(0, 'unallocated');
      await window.page.keyboard.press('Control+Z');
      await page.waitForCell(0, 'data');
      await untilDirty(false);
      await window.page.keyboard.press('Control+Y');
      await page.waitForCell(0, 'unallocated');
      await untilDirty(true);
      await window.page.keyboard.press('Control+S');
      await untilDirty(false);
      mustQemuImg(['check', disk]);
      mustQemuIo(disk, ['read -P 0 0 1M', 'read -P 1 1M 3M']);
      await untilNothingIsBackedUp();
    });

    it('come back where Auto Save is on and leaves them staged, when the window was closed', async () => {
      vscode.changeSettings({ 'files.autoSave': 'afterDelay', 'qcow2.guards.autoSave': 'keepStaged' });
      let page = await open();
      await window.page.waitForTimeout(2_000);
      await zero(page, 0, 16);
      await zero(page, 16, 16);
      await untilDirty(true);
      await window.page.waitForTimeout(3_000);
      await window.close();
      window = await vscode.openWindow(files.folder);
      page = await EditorPage.of(window);
      await page.waitForCell(20, 'unallocated');
      await untilDirty(true);
      expect(await page.text('staged')).toBe('2 edits staged');
      await page.clickCell(100);
      await window.page.keyboard.press('Control+Z');
      await page.waitForCell(20, 'data');
      await window.page.keyboard.press('Control+S');
      await untilDirty(false);
      mustQemuIo(disk, ['read -P 0 0 1M', 'read -P 1 1M 3M']);
      await untilNothingIsBackedUp();
    });

    // While an editor of theirs is open, VS Code does not restart extensions by itself. A page without them is dead.
    it('come back with the window when the extensions have ended, which the page says', async () => {
      let page = await open();
      await zero(page, 0, 16);
      await untilDirty(true);
      await untilBackedUp();
      await vscode.killExtensionHost();
      await page.get('silent').waitFor();
      expect(await page.text('silent')).toContain('reload the window');
      expect(await faults(page.frame)).toEqual([]);
      await window.screenshot('extensions-ended');
      expect(readFileSync(disk).equals(before)).toBe(true);
      await window.reload();
      page = await EditorPage.of(window);
      await page.waitForCell(0, 'unallocated');
      await untilDirty(true);
      await page.clickCell(100);
      await window.page.keyboard.press('Control+Z');
      await page.waitForCell(0, 'data');
      await window.page.keyboard.press('Control+Y');
      await page.waitForCell(0, 'unallocated');
      await window.page.keyboard.press('Control+S');
      await untilDirty(false);
      mustQemuIo(disk, ['read -P 0 0 1M', 'read -P 1 1M 3M']);
      await untilNothingIsBackedUp();
    });

    it('are kept, and told, when the file has changed while no window was open', async () => {
      const page = await open();
      await zero(page, 0, 16);
      await untilDirty(true);
      await window.page.waitForTimeout(3_000);
      await window.close();
      mustQemuIo(disk, ['write -P 7 8M 64k']);
      const changed = readFileSync(disk);
      window = await vscode.openWindow(files.folder);
      await window.notification('Staged edits were not restored').waitFor();
      expect(readFileSync(disk).equals(changed)).toBe(true);
    });
  });

  describe('in one window', () => {
    let count = 0;

    beforeAll(async () => {
      files = workspace();
      window = await vscode.openWindow(files.folder);
    });

    beforeEach(() => {
      makeDisk(`disk-${++count}.qcow2`);
    });

    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') {
        // It may have left anything.
        await window.kill();
        window = await vscode.openWindow(files.folder);
      }
      const tabs = window.page.locator('.tab');
      if ((await tabs.count()) > 0) await window.runCommand('View: Close All Editors');
      await until('all editors are closed', async () => (await tabs.count()) === 0);
    });

    afterAll(async () => {
      await window.kill();
      files.remove();
    });

    it('come back when the file is renamed, and leave no backup of the old name once they are saved', async () => {
      const page = await open();
      await zero(page, 0, 16);
      await untilDirty(true);
      await untilBackedUp();
      await window.page
        .locator('.explorer-folders-view .monaco-list-row')
        .filter({ hasText: basename(disk) })
        .click();
      await window.page.keyboard.press('F2');
      await window.page.locator('.explorer-item-edited input').fill('renamed.qcow2');
      await window.page.keyboard.press('Enter');
      const renamed = await EditorPage.named(window, 'renamed.qcow2');
      await renamed.waitForCell(0, 'unallocated');
      await untilDirty(true);
      await renamed.clickCell(100);
      await window.page.keyboard.press('Control+S');
      await untilDirty(false);
      mustQemuIo(files.path('renamed.qcow2'), ['read -P 0 0 1M', 'read -P 1 1M 3M']);
      await untilNothingIsBackedUp();
    });

    it('leave no backup when the tab is closed without saving', async () => {
      const page = await open();
      await zero(page, 0, 16);
      await untilDirty(true);
      await untilBackedUp();
      await window.runCommand('View: Close Editor');
      await window.dialog.getByRole('button', { name: "Don't Save" }).click();
      await window.page.locator('.tab').waitFor({ state: 'detached' });
      await untilNothingIsBackedUp();
      expect(readFileSync(disk).equals(before)).toBe(true);
    });

    it('of a base are asked about with the names of its users, in the dialog and nowhere else', async () => {
      mustQemuImg([
        'create',
        '-q',
        '-f',
        'qcow2',
        '-b',
        basename(disk),
        '-F',
        'qcow2',
        files.path('user.qcow2'),
      ]);
      const page = await open();
      await page.get('change-writeZeroes').click();
      await page.get('change-start').locator('input').fill('0');
      await page.get('change-length').locator('input').fill('1M');
      await page.get('change-question').waitFor();
      expect(await page.text('change-question')).toContain('user.qcow2');
      await page.get('preview').waitFor();
      expect(await page.get('change-apply').getAttribute('disabled')).not.toBeNull();
      await window.screenshot('change-question');
      await page.get('change-question').locator('vscode-checkbox').click();
      await page.applyChange();
      await untilDirty(true);
      await page.clickCell(100);
      await window.page.keyboard.press('Control+S');
      await untilDirty(false);
      mustQemuIo(disk, ['read -P 0 0 1M']);
    });

    it('are asked about when another program changes the file, and go when a person says so', async () => {
      const page = await open();
      await zero(page, 0, 16);
      await untilDirty(true);
      mustQemuIo(disk, ['write -P 7 8M 64k']);
      const notification = window.notification('was changed by another program');
      await notification.waitFor();
      await until('the page says it', async () => (await page.text('notice')).includes('Another program'));
      await window.screenshot('changed-outside');
      await notification.getByRole('button', { name: 'Discard Edits' }).click();
      await page.waitForCell(0, 'data');
      await page.waitForCell(128, 'data');
      await untilDirty(false);
    });

    it('are told of on the page when the file is moved away, and never dropped unasked', async () => {
      const page = await open();
      await zero(page, 0, 16);
      await untilDirty(true);
      renameSync(disk, files.path('elsewhere.qcow2'));
      await until('the page says it', async () => (await page.text('notice')).includes('moved or replaced'));
      expect(await page.text('notice')).toContain('Save As…');
      renameSync(files.path('elsewhere.qcow2'), disk);
      await page.get('notice').waitFor({ state: 'detached' });
      await window.runCommand('QCOW2: Reload Image');
      await window.dialog.getByRole('button', { name: 'Cancel' }).click();
      await page.waitForCell(0, 'unallocated');
      await window.runCommand('QCOW2: Reload Image');
      await window.dialog.getByRole('button', { name: 'Discard Edits' }).click();
      await page.waitForCell(0, 'data');
      await untilDirty(false);
    });

    it('go into another file by Save As, and the first one stays as it is on disk', async () => {
      const page = await open();
      await zero(page, 0, 16);
      await untilDirty(true);
      const copied = window.page.locator('.tab.active').filter({ hasText: 'copy.qcow2' });
      await window.chooseFile(() => window.runCommand('File: Save As...'), files.path('copy.qcow2'), copied);
      const copy = await EditorPage.named(window, 'copy.qcow2');
      await copy.waitForCell(0, 'unallocated');
      await untilDirty(false);
      expect(readFileSync(disk).equals(before)).toBe(true);
      mustQemuImg(['check', files.path('copy.qcow2')]);
      mustQemuIo(files.path('copy.qcow2'), ['read -P 0 0 1M', 'read -P 1 1M 3M']);
    });

    it('cannot be made of an image that is corrupt: it is shown, and says why', async () => {
      const bytes = readFileSync(disk);
      bytes[79] = 2;
      const corrupt = files.path('corrupt.qcow2');
      writeFileSync(corrupt, bytes);
      const page = await open(corrupt);
      expect(await page.text('access')).toContain('read-only');
      expect(await page.get('change-writeZeroes').getAttribute('disabled')).not.toBeNull();
      expect(await page.get('change-writeZeroes').getAttribute('title')).toContain('corrupt');
    });

    it('are asked about once where Auto Save is on, and stay when it is answered so', async () => {
      vscode.changeSettings({ 'files.autoSave': 'afterDelay', 'files.autoSaveDelay': 300 });
      const page = await open();
      await window.page.waitForTimeout(2_000);
      await zero(page, 0, 16);
      await window.dialog.waitFor();
      expect(await window.dialog.innerText()).toContain('Auto Save is on');
      await window.screenshot('auto-save');
      await window.dialog.getByRole('button', { name: 'Keep Staged' }).click();
      await window.dialog.waitFor({ state: 'detached' });
      await zero(page, 16, 16);
      await window.page.waitForTimeout(2_000);
      expect(await window.dialog.count()).toBe(0);
      expect(readFileSync(disk).equals(before)).toBe(true);
      await untilDirty(true);
      await page.clickCell(100);
      await window.page.keyboard.press('Control+S');
      await untilDirty(false);
      mustQemuIo(disk, ['read -P 0 0 2M', 'read -P 1 2M 2M']);
    });

    it('are written by Auto Save when a person says so', async () => {
      vscode.changeSettings({ 'files.autoSave': 'afterDelay', 'files.autoSaveDelay': 300 });
      const page = await open();
      await window.page.waitForTimeout(2_000);
      await zero(page, 0, 16);
      await window.dialog.getByRole('button', { name: 'Save', exact: true }).click();
      await untilDirty(false);
      mustQemuIo(disk, ['read -P 0 0 1M', 'read -P 1 1M 3M']);
    });
  });
});
