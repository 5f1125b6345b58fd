/** Correcting a broken link in the installed package: the button in the chain, the file dialog, the question. */
import { existsSync, renameSync } from 'node:fs';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { journalPath } from '../../src/qcow2/save/journalFormat';
import { image } from '../support/imageBuilder';
import { mustQemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';
import { until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

describe('a backing file that is missing', () => {
  const files = workspace();
  const overlay = files.path('overlay.qcow2');
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;

  beforeAll(async () => {
    image({ size: '4M' }).data(0, 8).writeTo(files.path('base.qcow2'));
    image({ size: '4M', backing: { name: 'base.qcow2', format: 'qcow2' } })
      .data(0, 4)
      .writeTo(overlay);
    renameSync(files.path('base.qcow2'), files.path('moved.qcow2'));
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
    page = await EditorPage.open(window, overlay);
    await page.showTab('chain');
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  const title = (text: string): Locator => window.page.locator('.quick-input-title', { hasText: text });

  const backing = (): unknown =>
    (JSON.parse(String(mustQemuImg(['info', '-U', '--output=json', overlay]))) as Record<string, unknown>)[
      'backing-filename'
    ];

  it('stands out in the chain, with a way on', async () => {
    expect(await page.get('layer-1').getAttribute('data-state')).toBe('missing');
    expect(await page.text('change-backing-1')).toBe('Choose File…');
  });

  it('is chosen in a dialog, named relative to the image, and told what it means before anything happens', async () => {
    const named = title('Name in the Image');
    await window.chooseFile(() => page.get('change-backing-1').click(), files.path('moved.qcow2'), named);
    await window.quickPick('moved.qcow2');
    await window.dialog.waitFor();
    const question = await window.dialog.innerText();
    expect(question).toContain('from base.qcow2 to moved.qcow2 (qcow2)?');
    expect(question).toContain('60 unallocated clusters (3.75 MiB)');
    expect(question).toContain('same content');
    expect(backing()).toBe('base.qcow2');
    await window.screenshot('change-backing-question');
    await window.dialog.getByRole('button', { name: 'Change Backing File' }).click();
    await page.get('layer-1').and(page.frame.locator('[data-state="open"]')).waitFor();
    await window.page.locator('.tab.active.dirty').waitFor();
    expect(backing()).toBe('base.qcow2');
    await page.waitForCell(4, 'backing1');
  });

  it('is undone, redone and saved like any other edit', async () => {
    await page.showTab('chain');
    await window.page.keyboard.press('Control+Z');
    await page.get('layer-1').and(page.frame.locator('[data-state="missing"]')).waitFor();
    await window.page.keyboard.press('Control+Y');
    await page.get('layer-1').and(page.frame.locator('[data-state="open"]')).waitFor();
    await window.save();
    await until('it is on disk', () => Promise.resolve(backing() === 'moved.qcow2'));
    await until('the journal is gone', () => Promise.resolve(!existsSync(journalPath(overlay))));
    await window.screenshot('chain-repaired');
  });

  it('is chosen from the images that are known, those of its folder first', async () => {
    for (const [name, size] of [
      ['small.qcow2', '1M'],
      ['large.qcow2', '8M'],
    ] as const) {
      image({ size }).data(0, 8).writeTo(files.path(name));
    }
    image({ size: '4M', backing: { name: 'overlay.qcow2', format: 'qcow2' } }).writeTo(
      files.path('user.qcow2'),
    );
    await until('the new images are offered', async () => {
      await window.runCommand('QCOW2: Change Backing File');
      await title('Change Backing File').waitFor();
      const rows = await window.page.locator('.quick-input-list .monaco-list-row').all();
      const offered = await Promise.all(rows.map((row) => row.getAttribute('aria-label')));
      await window.screenshot('change-backing-known');
      await window.page.keyboard.press('Escape');
      await title('Change Backing File').waitFor({ state: 'hidden' });
      const names = offered.map((label) => label?.split(',')[0]).join();
      return names === 'large.qcow2,small.qcow2,Choose File…,Remove Backing File';
    });
  });

  it.each([
    ['small.qcow2', 'The new file is smaller than the disk (1 MiB instead of 4 MiB)'],
    ['large.qcow2', 'The new file is larger than the disk (8 MiB instead of 4 MiB)'],
  ])('tells of %s: %s; Escape leaves all as it is', async (name, warning) => {
    await window.runCommand('QCOW2: Change Backing File', name);
    await title('Name in the Image').waitFor();
    await window.quickPick(name);
    await window.dialog.waitFor();
    expect(await window.dialog.innerText()).toContain(warning);
    await window.screenshot(`change-backing-${name}`);
    await window.page.keyboard.press('Escape');
    await window.dialog.waitFor({ state: 'detached' });
    expect(await window.page.locator('.tab.active.dirty').count()).toBe(0);
    expect(backing()).toBe('moved.qcow2');
  });
});
