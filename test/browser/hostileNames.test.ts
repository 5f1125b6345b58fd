/** Names from images and of files in a real window: none becomes a link or an icon, all are shown as they are. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DamagedFile } from '../support/damagedFile';
import { Holder } from '../support/holder';
import { EXTENSION, image } from '../support/imageBuilder';
import { workspace } from '../support/workspace';
import { until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const LEAKY = '[Details](command:workbench.action.files.newUntitledFile).qcow2';
const STAGED = '[Save](command:workbench.action.quickOpen?%22X%22).qcow2';
const BACKING = './[Fix](command:workbench.action.quickOpen?%22X%22)';
const ICON = '$(error)|www.a.example `x` <b>.qcow2';
/** Reverses what follows, has no width, ends a line, obeys a terminal. */
const HIDDEN = 'gpj\u202egnp\u2066\u200b\u001b[2J\u2028\ufeff';
const UNREADABLE = 'un\u202e\u200bread.qcow2';
const OBEYED = /(?![\n\t])[\p{Cc}\u200b\u2028\u202a-\u202e\u2066-\u2069\ufeff]/u;

describe('a hostile name', () => {
  const files = workspace();
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    for (const name of [LEAKY, STAGED, ICON]) {
      image({ size: '1M' }).data(0, 4).writeTo(files.path(name));
    }
    DamagedFile.do(files.path(LEAKY), (file) => file.leak(1));
    image({ size: '1M', backing: { name: BACKING, format: 'qcow2' } })
      .data(0, 2)
      .writeTo(files.path('linked.qcow2'));
    const featureNames = Buffer.concat([Buffer.from([1, 9]), Buffer.alloc(46, HIDDEN)]);
    image({ size: '1M', backing: { name: `base${HIDDEN}`, format: 'raw\u202e' }, compatible: 1n << 9n })
      .data(0, 2)
      .snapshot(`snapshot${HIDDEN}`)
      .bitmap(`bitmap${HIDDEN}`)
      .extension(EXTENSION.featureNameTable, featureNames)
      .writeTo(files.path('hidden.qcow2'));
    image({ size: '1M', dataFile: { name: `data${HIDDEN}` } }).writeTo(files.path('data.qcow2'));
    image({ clusterBits: 21, size: '64M', incompatible: 4n })
      .extension(EXTENSION.dataFileName, 'x'.repeat(2 ** 21 - 1024))
      .writeTo(files.path('long.qcow2'));
    writeFileSync(files.path(UNREADABLE), 'QFI\xfb', 'latin1');
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  const toasts = (): Locator => window.page.locator('.notifications-toasts .notification-list-item');

  /** The notification with a text, without a link, and without one of VS Code's own beside it; closes it. */
  async function toldWithoutLink(text: string): Promise<string> {
    const toast = window.notification(text);
    await toast.first().waitFor();
    const message = await toast.first().innerText();
    expect(await toasts().locator('a:not(.action-label):not(.monaco-button)').count()).toBe(0);
    const others = await toasts().allInnerTexts();
    expect(others.filter((other) => /Failed to|Canceled/.test(other))).toEqual([]);
    await window.runCommand('Notifications: Clear All Notifications');
    await toast.first().waitFor({ state: 'detached' });
    return message;
  }

  async function explorerMenu(name: string, entry: string): Promise<void> {
    const row = window.page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: name });
    await window.chooseFromMenu(row.first(), 'QCOW2 Image', entry);
  }

  const untilDirty = (dirty: boolean): Promise<unknown> =>
    until(`the tab is ${dirty ? 'dirty' : 'clean'}`, async () => {
      return (await window.page.locator('.tab.active.dirty').count()) > 0 === dirty;
    });

  it('of a file is no link in the message about its check', async () => {
    await explorerMenu(LEAKY, 'Check');
    expect(await toldWithoutLink('1 leak')).toContain('[Details] (command:');
    expect(await window.page.locator('.tab').filter({ hasText: 'Untitled' }).count()).toBe(0);
  });

  it('of a backing file is no link in the message about a map that cannot be exported', async () => {
    await EditorPage.open(window, files.path('linked.qcow2'));
    const toast = window.notification('Could not export');
    const exportMap = () => window.runCommand('QCOW2: Export Map…', 'JSON');
    await window.chooseFile(exportMap, files.path('map.json'), toast);
    expect(await toldWithoutLink('Could not export')).toContain('[Fix] (command:');
  });

  it('is no link where Save As fails', async () => {
    const toast = window.notification('linked.qcow2 was not saved');
    const saveAs = () => window.runCommand('File: Save As...');
    await window.chooseFile(saveAs, '/tmp/elsewhere.qcow2', toast);
    expect(await toldWithoutLink('linked.qcow2 was not saved')).toContain('[Fix] (command:');
  });

  it('is no link, and what is staged stays, where a save fails: by key, Save All, closing and Auto Save', async () => {
    const file = files.path(STAGED);
    const before = readFileSync(file);
    const page = await EditorPage.open(window, file);
    await zero(page, 0, 1);
    await untilDirty(true);
    const holder = await Holder.open(file);
    try {
      for (const save of [
        () => window.page.keyboard.press('Control+S'),
        () => window.runCommand('File: Save All'),
        async () => {
          await window.runCommand('View: Close Editor');
          await window.dialog.getByRole('button', { name: 'Save', exact: true }).click();
        },
      ]) {
        await save();
        expect(await toldWithoutLink('was not saved')).toContain('[Save] (command:');
        await untilDirty(true);
      }
      vscode.changeSettings({ 'files.autoSave': 'afterDelay', 'files.autoSaveDelay': 300 });
      await window.dialog.getByRole('button', { name: 'Save', exact: true }).click();
      expect(await toldWithoutLink('was not saved')).toContain('[Save] (command:');
      await untilDirty(true);
    } finally {
      vscode.changeSettings({ 'files.autoSave': 'off' });
      await holder.end();
    }
    expect(readFileSync(file).equals(before)).toBe(true);
    await window.runCommand('File: Revert File');
    await untilDirty(false);
  });

  it('is text in the tree and its tooltip', async () => {
    await window.runCommand('QCOW2: Show in Backing Chains');
    const row = window.page.locator('.pane-body .monaco-list-row').filter({ hasText: '$ (error)' }).first();
    await row.waitFor();
    expect(await row.locator('.codicon-error').count()).toBe(0);
    await row.hover();
    const hover = window.page.locator('.monaco-hover').filter({ hasText: 'Format' });
    await hover.waitFor();
    expect(await hover.innerText()).toContain('$(error)|www.a.example `x` <b>.qcow2');
    expect(await hover.locator('a[data-href], a[href], .codicon-error, b, code').count()).toBe(0);
    await window.screenshot('hostile-tooltip');
  });

  it.each(['hidden.qcow2', 'data.qcow2'])(
    'is shown with what is hidden in it, all over the page of %s',
    async (name) => {
      const page = await EditorPage.open(window, files.path(name));
      await page.showTab('header');
      await page.showTab('chain');
      const shown = await page.frame.evaluate(() =>
        [...document.querySelectorAll('body *')].flatMap((element) => [
          ...[...element.attributes].map(({ value }) => value),
          ...[...element.childNodes]
            .filter(({ nodeType }) => nodeType === 3)
            .map((node) => node.textContent ?? ''),
        ]),
      );
      expect(shown.filter((text) => OBEYED.test(text))).toEqual([]);
      expect(shown.join('\n')).toContain('gpj\\u202egnp\\u2066\\u200b\\x1b[2J\\u2028\\ufeff');
      await window.screenshot(`hostile-${name}`);
    },
  );

  it('is shown with what is hidden in it where the image cannot be opened', async () => {
    const frame = await EditorPage.openUnreadable(window, files.path(UNREADABLE));
    const page = frame.locator('[data-testid="unreadable"]');
    await page.waitFor();
    const text = await page.innerText();
    expect(text).not.toMatch(OBEYED);
    expect(text).toContain('un\\u202e\\u200bread.qcow2');
  });

  it('of two million characters does not fill the page', async () => {
    const page = await EditorPage.open(window, files.path('long.qcow2'));
    await page.showTab('header');
    await page.get('header-panel').waitFor();
    await page.showTab('chain');
    await page.get('layer-0').waitFor();
    expect(await page.frame.evaluate(() => document.documentElement.outerHTML.length)).toBeLessThan(500_000);
    await window.screenshot('hostile-long');
  });

  it('has a log that is shown by a command', async () => {
    await window.runCommand('QCOW2: Show Log');
    const channels = window.page.locator('.part.panel select').first();
    await until('the channel is chosen', async () => (await channels.inputValue()) === 'QCOW2 Editor');
    await window.screenshot('log');
  });

  async function zero(page: EditorPage, start: number, count: number): Promise<void> {
    await page.get('change-writeZeroes').click();
    await page.get('change-start').locator('input').fill(`#${start}`);
    await page.get('change-length').locator('input').fill(`#${count}`);
    await page.applyChange();
  }
});
