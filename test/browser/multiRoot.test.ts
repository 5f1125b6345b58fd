/** A workspace of two folders whose settings differ, on the installed package. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { image } from '../support/imageBuilder';
import { workspace } from '../support/workspace';
import { until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const SETTINGS = {
  one: { 'qcow2.unmapPolicy': 'zero-flag', 'qcow2.index.enabled': false },
  two: { 'qcow2.unmapPolicy': 'unallocate', 'qcow2.index.exclude': '**/hidden' },
} as const;

describe('a workspace of two folders', () => {
  const files = workspace();
  let vscode: VSCode;
  let window: Window;

  const write = (...parts: string[]): void => {
    mkdirSync(join(files.folder, ...parts.slice(0, -1)), { recursive: true });
    image({ size: '4M' })
      .data(0, 8)
      .writeTo(join(files.folder, ...parts));
  };

  beforeAll(async () => {
    for (const [folder, settings] of Object.entries(SETTINGS)) {
      write(folder, `${folder}.qcow2`);
      write(folder, 'hidden', `${folder}-hidden.qcow2`);
      mkdirSync(join(files.folder, folder, '.vscode'));
      writeFileSync(join(files.folder, folder, '.vscode', 'settings.json'), JSON.stringify(settings));
    }
    const both = files.path('both.code-workspace');
    writeFileSync(both, JSON.stringify({ folders: [{ path: 'one' }, { path: 'two' }] }));
    vscode = await VSCode.shared();
    window = await vscode.openWindow(both);
    // Now and then VS Code opens a workspace without its folders, and does not read the file again.
    const shown = window.page.locator('.explorer-folders-view .monaco-list-row');
    const areThere = (): Promise<boolean> =>
      shown
        .first()
        .waitFor({ timeout: 5_000 })
        .then(() => true);
    await until('VS Code has the folders', () => areThere().catch(() => window.reload().then(() => false)));
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  it('is searched for images as each folder says', async () => {
    await window.runCommand('QCOW2: Focus on Backing Chains View');
    const rows = window.page.locator('.sidebar .monaco-list-row[aria-label*=".qcow2"]');
    await until(
      'the image is in the tree',
      () => rows.filter({ hasText: 'two.qcow2' }).isVisible(),
      30_000,
      () => window.whatIsThere('multi-root'),
    );
    // What comes late would come now.
    await window.page.waitForTimeout(1_000);
    const labels = (await rows.allInnerTexts()).join();
    expect(labels).not.toContain('one.qcow2');
    expect(labels).not.toContain('hidden');
    await window.screenshot('multi-root');
  });

  it.each([
    ['one', 'becameZero'],
    ['two', 'becameUnallocated'],
  ])('has an image of folder %s unmapped as that folder says: %s', async (folder, row) => {
    const page = await EditorPage.open(window, join(files.folder, folder, `${folder}.qcow2`));
    await page.clickCell(1);
    await until('the dialog is open', async () => {
      await page.get('change-writeZeroes').click();
      return page.get('change-dialog').isVisible();
    });
    await page.frame.locator('[data-testid="change-preview"][aria-busy="false"]').waitFor();
    const found = page.get('preview').locator(`tr[data-row="${row}"]`);
    expect(await found.getAttribute('data-clusters')).toBe('1');
    await window.page.keyboard.press('Escape');
    await page.get('change-dialog').waitFor({ state: 'hidden' });
  });
});
