/** The installed package shows an image in its editor. Use this file as a template for others in this folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { image } from '../support/imageBuilder';
import { THEME_KINDS } from './harness/themes';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';

describe('the installed extension', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'qcow2-editor-smoke-'));
  const disk = path.join(folder, 'disk.qcow2');
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    image().data(0, 4).zeroPlain(4).compressed(8, 2).writeTo(disk);
    vscode = await VSCode.shared();
    window = await vscode.openWindow(folder);
  });

  afterAll(async () => {
    await vscode.stop();
    rmSync(folder, { recursive: true });
  });

  it('shows an image in its own editor', async () => {
    await window.openFile(disk);
    const page = await window.webview();
    await page.locator('canvas').first().waitFor();
    expect(await page.locator('body').innerText()).toContain('disk.qcow2');
  });

  it('has its commands in a menu of their own in the Explorer', async () => {
    await window.page.keyboard.press('Control+Shift+E');
    const row = window.page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'disk.qcow2' });
    await row.click({ button: 'right' });
    const entries = window.page.locator('.monaco-menu .action-label:not(.separator)');
    await entries.filter({ hasText: 'QCOW2 Image' }).click();
    await entries.filter({ hasText: 'Export Map…' }).waitFor();
    const ours = (await entries.allInnerTexts()).map((text) => text.trim());
    expect(ours.slice(ours.indexOf('QCOW2 Image') + 1)).toEqual([
      'Open Image…',
      'Go to Offset…',
      'Show Space',
      'Check',
      'Repair…',
      'Write Zeroes…',
      'Discard…',
      'Shrink…',
      'Compact…',
      'Reclaim Free Space…',
      'Show Backing Chain',
      'Show in Backing Chains',
      'Show Dependent Images…',
      'Change Backing File…',
      'Export Map…',
      'Copy Image Information',
    ]);
    await window.page.keyboard.press('Escape');
    await window.page.keyboard.press('Escape');
  });

  it.each(THEME_KINDS)('paints its map in a %s theme', async (kind) => {
    await vscode.setTheme(window, kind);
    const canvas = (await window.webview()).locator('canvas').first();
    const picture = await window.picture(canvas);
    expect(picture.colours().size).toBeGreaterThan(1);
    await window.screenshot(`smoke-${kind}`);
  });

  it('shows it again in a window that was closed and opened', async () => {
    await window.close();
    window = await vscode.openWindow(folder);
    const page = await window.webview();
    await page.locator('canvas').first().waitFor();
  });
});
