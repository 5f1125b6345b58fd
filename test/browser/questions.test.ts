/** The questions before files are overwritten, in the installed package: Recover of a data file, Save As over a base. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localDisk } from '../../src/qcow2/save/localDisk';
import { journalPath } from '../../src/qcow2/save/journalFormat';
import { forgeJournal } from '../support/forgedJournal';
import { image } from '../support/imageBuilder';
import { mustQemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';
import { until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

describe('a question about a file that would be overwritten', () => {
  const files = workspace();
  const elsewhere = workspace();
  const disk = files.path('disk.qcow2');
  const diary = elsewhere.path('diary.txt');
  const content = Buffer.from('Dear diary\n'.padEnd(65536, '.'));
  const base = join(files.folder, 'bases', 'base.qcow2');
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', `data_file=${diary},data_file_raw=on`, disk, '64k']);
    writeFileSync(diary, content);
    forgeJournal({
      image: disk,
      target: diary,
      content: new Uint8Array(512).fill(0x21),
      writer: { ...localDisk.writer, pid: 2 ** 22 + 1, isLocked: true },
      identity: { ...localDisk.identify(diary)!, inode: '7' },
    });
    mkdirSync(join(files.folder, 'bases'));
    image({ size: '4M' }).data(0, 2).writeTo(base);
    image({ size: '4M', backing: { name: 'bases/base.qcow2', format: 'qcow2' } }).writeTo(
      files.path('overlay.qcow2'),
    );
    image({ size: '4M' }).data(0, 4).writeTo(files.path('other.qcow2'));
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
    elsewhere.remove();
  });

  /** The buttons of the dialog, and which one Enter would press. */
  async function buttons(): Promise<{ readonly all: string[]; readonly focused: string }> {
    const shown = window.dialog.locator('.dialog-buttons .monaco-button');
    await shown.first().waitFor();
    return {
      all: await shown.allInnerTexts(),
      focused: await shown.and(window.page.locator(':focus')).innerText(),
    };
  }

  async function askToRecover(): Promise<void> {
    await window.webview().then((page) => page.locator('[data-testid="notice-action"]').first().click());
    await window.dialog.waitFor();
  }

  it('of Recover shows the full path of the data file, and leaves all as it is by default', async () => {
    await EditorPage.open(window, disk);
    await askToRecover();
    const text = await window.dialog.innerText();
    expect(text).toContain(diary);
    await window.screenshot('recover-data-file');
    const { all, focused } = await buttons();
    expect(all.sort()).toEqual(['Cancel', 'Leave Unchanged', `Overwrite ${basename(diary)}`]);
    expect(focused).toBe('Leave Unchanged');
  });

  it.each(['Escape', 'Enter'])('of Recover is declined by %s', async (key) => {
    if (!(await window.dialog.isVisible())) await askToRecover();
    await window.page.keyboard.press(key);
    await window.dialog.waitFor({ state: 'detached' });
    await window.page.waitForTimeout(500);
    expect(readFileSync(diary).equals(content)).toBe(true);
    expect(existsSync(journalPath(disk))).toBe(true);
  });

  it('of Recover has the file overwritten where that button is chosen', async () => {
    await askToRecover();
    await window.dialog.getByRole('button', { name: `Overwrite ${basename(diary)}` }).click();
    await until('the journal is gone', () => Promise.resolve(!existsSync(journalPath(disk))));
    expect(
      readFileSync(diary)
        .subarray(0, 512)
        .every((byte) => byte === 0x21),
    ).toBe(true);
  });

  it('of Save As names the images that use the file as their base, and Escape keeps it', async () => {
    const before = readFileSync(base);
    await EditorPage.open(window, files.path('other.qcow2'));
    await window.chooseFile(() => window.runCommand('File: Save As...'), base, window.dialog);
    await window.screenshot('save-as-onto-base');
    const text = await window.dialog.innerText();
    expect(text).toContain('Replace base.qcow2?');
    expect(text).toContain('overlay.qcow2');
    const { all, focused } = await buttons();
    expect(all.sort()).toEqual(['Cancel', 'Leave Unchanged', 'Replace Anyway']);
    expect(focused).toBe('Leave Unchanged');
    await window.page.keyboard.press('Escape');
    await window.dialog.waitFor({ state: 'detached' });
    await window.page.waitForTimeout(500);
    expect(readFileSync(base).equals(before)).toBe(true);
  });
});
