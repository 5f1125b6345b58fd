/** Images whose names do not show what they are: their menus, opening with one click, and always. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mbrDisk } from '../support/guest/mbr';
import { image } from '../support/imageBuilder';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const OPEN = 'Open with QCOW2 Editor';

describe('an image of any name', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'qcow2-editor-recognise-'));
  const settingsFile = path.join(folder, '.vscode', 'settings.json');
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    for (const name of ['disk.img', 'guest', 'large.img', 'usual.qcow2']) {
      image().data(0, 4).zeroPlain(4).writeTo(path.join(folder, name));
    }
    writeFileSync(path.join(folder, 'raw.img'), Buffer.from([1, 2, 0, 0, 3]).fill(0, 2));
    writeFileSync(path.join(folder, 'notes.txt'), 'a text\n');
    writeFileSync(path.join(folder, 'partitioned.qcow2'), mbrDisk([0x83, Buffer.alloc(65536)]));
    vscode = await VSCode.shared();
    window = await vscode.openWindow(folder);
    // Until the index has come round.
    await until('the menu', async () => (await menuOf(row('disk.img'))).includes(OPEN), 60_000);
  });

  beforeEach(async () => {
    await closeTabs();
    await window.page.keyboard.press('Control+Shift+E');
  });

  afterAll(async () => {
    await vscode.stop();
    rmSync(folder, { recursive: true });
  });

  const row = (name: string): Locator =>
    window.page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`);
  const tab = (name: string): Locator => window.page.locator('.tab').filter({ hasText: name });

  async function closeTabs(): Promise<void> {
    const tabs = window.page.locator('.tab');
    while ((await tabs.count()) > 0) {
      const count = await tabs.count();
      await tabs.first().click({ button: 'middle' });
      await until('a tab is closed', async () => (await tabs.count()) < count);
    }
  }

  /** The entries of a context menu, which is closed again. */
  async function menuOf(target: Locator): Promise<string[]> {
    await window.openMenu(target);
    const texts = (await window.menuEntries.allInnerTexts()).map((text) => text.trim());
    await window.page.keyboard.press('Escape');
    await window.menuEntries.first().waitFor({ state: 'detached' });
    return texts;
  }

  async function ours(name: string): Promise<void> {
    await EditorPage.named(window, name);
  }

  it('has the menus of an image in the Explorer, and first of all the editor', async () => {
    for (const name of ['disk.img', 'guest']) {
      const texts = await menuOf(row(name));
      expect(texts[0]).toBe(OPEN);
      expect(texts).toContain('QCOW2 Image');
    }
    for (const name of ['raw.img', 'notes.txt']) {
      const texts = await menuOf(row(name));
      expect(texts).not.toContain(OPEN);
      expect(texts).not.toContain('QCOW2 Image');
    }
    expect(await menuOf(row('usual.qcow2'))).not.toContain(OPEN);
    await window.openMenu(row('guest'));
    await window.screenshot('recognise-menu');
    await window.page.keyboard.press('Escape');
  });

  it('opens by one click on the first entry of its menu', async () => {
    await window.chooseFromMenu(row('guest'), OPEN);
    await ours('guest');
    expect(await tab('guest').count()).toBe(1);
    expect(await menuOf(tab('guest'))).toContain('QCOW2 Image');
  });

  it('is offered the editor where VS Code has no text to show, once', async () => {
    await row('large.img').dblclick();
    await tab('large.img').waitFor();
    const hint = window.notification('large.img is a qcow2 disk image.');
    await hint.waitFor();
    expect(await window.page.getByRole('button', { name: OPEN }).count()).toBeGreaterThan(0);
    expect(await menuOf(tab('large.img'))).toContain(OPEN);
    await window.screenshot('recognise-hint');
    await hint.getByRole('button', { name: OPEN }).click();
    await ours('large.img');
    await until('one tab', async () => (await tab('large.img').count()) === 1);
    await closeTabs();

    await row('large.img').dblclick();
    await tab('large.img').waitFor();
    await window.page.waitForTimeout(2_000);
    expect(await hint.count()).toBe(0);
    const action = window.page.locator('.editor-actions').getByRole('button', { name: OPEN });
    await action.click();
    await ours('large.img');
  });

  it('opens in the editor from now on: that file', async () => {
    await window.chooseFromMenu(row('guest'), 'QCOW2 Image', 'Always Open with QCOW2 Editor…');
    await window.quickPick('Only This File');
    await ours('guest');
    const settings = JSON.parse(readFileSync(settingsFile, 'utf8')) as unknown;
    const glob = `**${path.join(folder, 'guest')}`;
    expect(settings).toEqual({ 'workbench.editorAssociations': { [glob]: 'qcow2.editorForAnyFile' } });
    await closeTabs();
    await row('guest').dblclick();
    await ours('guest');
  });

  it('opens in the editor from now on: all files with its ending, after a question', async () => {
    await window.chooseFromMenu(row('disk.img'), 'QCOW2 Image', 'Always Open with QCOW2 Editor…');
    await window.quickInput.waitFor();
    await window.screenshot('recognise-always');
    await window.quickPick('All Files with This Extension');
    await window.dialog.waitFor();
    await window.screenshot('recognise-question');
    await window.dialog.getByRole('button', { name: 'Always Open' }).click();
    await ours('disk.img');
    const settings = JSON.parse(readFileSync(settingsFile, 'utf8')) as Record<string, object>;
    expect(Object.keys(settings['workbench.editorAssociations'] ?? {})).toContain('*.img');
    await closeTabs();
    await row('disk.img').dblclick();
    await ours('disk.img');
  });

  it('leaves a file with that ending that is none to the default editor', async () => {
    await row('raw.img').dblclick();
    await window.page.getByText('either binary or uses an unsupported text encoding').waitFor();
    // Ours closes once the other one is there.
    await until('one tab', async () => (await tab('raw.img').count()) === 1);
    await expectSoon(() => window.webviews()).toEqual([]);
    await window.screenshot('recognise-stray');
  });

  it('offers in its tab bar only what can be done with it', async () => {
    const button = (name: string): Locator =>
      window.page.locator('.editor-actions').getByRole('button', { name });
    await row('usual.qcow2').dblclick();
    await ours('usual.qcow2');
    for (const name of ['Go to Offset', 'Write Zeroes', 'Check']) await button(name).waitFor();
    await closeTabs();
    await row('partitioned.qcow2').dblclick();
    await ours('partitioned.qcow2');
    for (const name of ['Write Zeroes', 'Check']) await button(name).waitFor({ state: 'detached' });
    await button('Go to Offset').waitFor();
    await window.screenshot('recognise-raw');
  });
});
