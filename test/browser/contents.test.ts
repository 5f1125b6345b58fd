/** The view "Contents" of the installed package: from the image to the text of a file, by mouse and by keyboard. */
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePartitionedDisk } from '../support/guest/partitioned';
import { workspace } from '../support/workspace';
import { until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

describe('the contents of a disk', () => {
  const files = workspace();
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    const tree = files.path('tree');
    mkdirSync(`${tree}/etc`, { recursive: true });
    mkdirSync(`${tree}/usr/lib`, { recursive: true });
    writeFileSync(`${tree}/usr/lib/os-release`, 'NAME="Guest"\n');
    symlinkSync('../usr/lib/os-release', `${tree}/etc/os-release`);
    symlinkSync('usr/lib', `${tree}/libs`);
    writeFileSync(`${tree}/etc/hostname`, 'guest-of-honour\n');
    writeFileSync(`${tree}/usr/huge`, '');
    truncateSync(`${tree}/usr/huge`, 65 * 2 ** 20);
    makePartitionedDisk(files.folder, tree);
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
    await window.openFile(files.path('disk.qcow2'));
    await EditorPage.of(window);
    await window.showViews();
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  const row = (label: string): Locator => window.treeRow(label);

  const text = (): Promise<string> => window.page.locator('.editor-instance .view-lines').first().innerText();

  it('are opened by the mouse', async () => {
    await row('2: root').click();
    await row('etc').click();
    expect(await row('hostname').getAttribute('aria-label')).toContain('hostname, 16 B');
    await row('hostname').click();
    await until('its text', async () => (await text()).includes('guest-of-honour'));
    await window.screenshot('contents');
  });

  it('are opened by the keyboard', async () => {
    const press = (key: string): Promise<void> => window.page.keyboard.press(key);
    // The click has folded it.
    await row('etc').click();
    await row('hostname').waitFor({ state: 'detached' });
    await press('ArrowRight');
    await row('hostname').waitFor();
    await press('ArrowDown');
    await press('ArrowDown');
    await press('Enter');
    await until('what the link leads to', async () => (await text()).includes('NAME="Guest"'));
    await window.page.locator('.tab.active', { hasText: 'os-release' }).waitFor();
  });

  it('lead from a link to its folder', async () => {
    await row('libs').click();
    const focused = window.page.locator('.pane-body .monaco-list-row.focused[role="treeitem"]');
    await until('the folder is opened', async () => {
      const label = (await focused.getAttribute('aria-label')) ?? '';
      return /^lib\b/.test(label) && (await focused.getAttribute('aria-expanded')) === 'true';
    });
    expect(await focused.getAttribute('aria-level')).toBe('4');
  });

  it('are found by name, and lead to Save As… where they are too large to open', async () => {
    await window.runCommand('QCOW2: Find File in Image…');
    await window.quickInput.fill('hug');
    await window.quickPick('huge');
    await row('65 MiB').waitFor();
    await row('65 MiB').click();
    const refused = window.notification('Cannot open huge');
    await refused.waitFor();
    const destination = files.path('huge');
    const saved = window.notification('Saved huge');
    await window.chooseFile(
      () => refused.getByRole('button', { name: 'Save As…' }).click(),
      destination,
      saved,
    );
    expect(readFileSync(destination)).toHaveLength(65 * 2 ** 20);
  });

  it('are read again in a window that is restored, before the image is', async () => {
    await window.close();
    window = await vscode.openWindow(files.folder);
    await window.page.locator('.tab.active', { hasText: 'os-release' }).waitFor();
    await until('its text', async () => (await text()).includes('NAME="Guest"'));
  });
});
