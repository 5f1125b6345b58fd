/** Restricted Mode in the installed package: only the image itself is read until the folder is trusted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DamagedFile } from '../support/damagedFile';
import { image } from '../support/imageBuilder';
import { faults } from './harness/axe';
import { THEME_KINDS } from './harness/themes';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

describe('an image in a folder that is not trusted', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'qcow2-editor-restricted-'));
  const overlay = path.join(folder, 'overlay.qcow2');
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    image().data(0, 8).writeTo(path.join(folder, 'base.qcow2'));
    image({ backing: { name: 'base.qcow2', format: 'qcow2' } })
      .data(0, 4)
      .writeTo(overlay);
    DamagedFile.do(overlay, (file) => file.leak(1));
    vscode = await VSCode.start({ requiresTrust: true });
    window = await vscode.openWindow(folder);
    await window.openFile(overlay);
  });

  afterAll(async () => {
    await vscode.stop();
    rmSync(folder, { recursive: true });
  });

  it('is shown without what its backing file holds, and says so', async () => {
    const page = await EditorPage.of(window);
    expect(await page.text('badges')).toContain('Restricted Mode');
    expect(await page.text('notice')).toContain('Restricted Mode');
    await page.waitForCell(3, 'data');
    await page.waitForCell(4, 'backingUnknown');
  });

  it.each(THEME_KINDS)('has no fault that axe finds, in a %s theme', async (theme) => {
    await vscode.setTheme(window, theme);
    expect(await faults(await window.webview())).toEqual([]);
  });

  it('is not looked into, and the view Contents says why', async () => {
    await window.showViews();
    await window.treeRow('Restricted Mode').waitFor();
  });

  it('is not changed, and says why', async () => {
    const page = await EditorPage.of(window);
    expect(await page.text('access')).toContain('read-only');
    for (const kind of ['writeZeroes', 'discard']) {
      expect(await page.get(`change-${kind}`).getAttribute('disabled')).not.toBeNull();
      expect(await page.get(`change-${kind}`).getAttribute('title')).toContain('Restricted Mode');
    }
  });

  it('is checked, and not repaired', async () => {
    const page = await EditorPage.of(window);
    await page.untilChecked(() => page.get('health').click());
    expect(await page.text('health')).toBe('1 leak');
    expect(await page.get('show-problems').count()).toBe(1);
    expect(await page.get('repair').count()).toBe(0);
  });

  it('is shown with its backing file as soon as the folder is trusted', async () => {
    await window.trustFolder();
    const page = await EditorPage.of(window);
    await page.waitForCell(4, 'backing1');
    await page.waitForCell(8, 'unallocated');
    expect(await page.text('badges')).not.toContain('Restricted Mode');
    expect(await page.get('change-writeZeroes').getAttribute('disabled')).toBeNull();
    await window.treeRow('Whole disk').waitFor();
  });
});
