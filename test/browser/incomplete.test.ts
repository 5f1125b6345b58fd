/** A file that was cut off, in the installed package: the messages, the views, and what Repair proposes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCutSnapshot } from '../support/cutSnapshot';
import { image } from '../support/imageBuilder';
import { workspace } from '../support/workspace';
import { expectSoon } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const CLUSTER = 65536;

describe('an incomplete file', () => {
  const files = workspace();
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    const whole = image({ size: '4M' }).data(0, 8).toBuffer();
    writeFileSync(files.path('cut.qcow2'), whole.subarray(0, whole.length - 2 * CLUSTER));
    writeCutSnapshot(files.path('cutSnapshot.qcow2'), 2);
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  async function open(name: string): Promise<EditorPage> {
    const page = await EditorPage.open(window, files.path(name));
    await page.get('health').and(page.frame.locator('[data-health="damaged"]')).waitFor();
    return page;
  }

  /** Which way of repair is chosen before anybody has chosen. */
  async function preselected(page: EditorPage): Promise<string[]> {
    await page.get('repair').click();
    await page.get('repair-dialog').waitFor();
    const chosen = await page.get('repair-dialog').locator('input:checked').all();
    const values = await Promise.all(chosen.map((input) => input.inputValue()));
    await window.page.keyboard.press('Escape');
    await page.get('repair-dialog').waitFor({ state: 'hidden' });
    return values;
  }

  it('leads from a missing cluster to the file view, which says what is there no more, and whose it was', async () => {
    const page = await open('cut.qcow2');
    await page.get('notice').waitFor();
    await page.clickCell(7);
    await page.get('entry-problem').waitFor();
    expect(await page.text('l2')).toMatch(/ index 7, at 0x[0-9a-f]+$/);
    const end = readFileSync(files.path('cut.qcow2')).length;
    await page.get('host-offset').locator('button').click();
    const report = page.get('host-report').and(page.frame.locator('[data-kind="missing"]'));
    await report.waitFor();
    expect(await page.text('host-offset')).toContain(`0x${(end + CLUSTER).toString(16)}`);
    expect(await page.text('host-structure')).toBe('data');
    expect(await page.text('host-refcount')).toBe('1');
    expect(await report.innerText()).toContain('Beyond the end of the file. References to this cluster');
    await window.screenshot('file-view-beyond');
    await page.get('claims').locator('[data-testid="claim-guest"]').click();
    await page.get('cluster-report').waitFor();
    expect(await page.text('guest-offset')).toContain('0x70000');
  });

  it('has nothing preselected for its repair', async () => {
    const page = await EditorPage.of(window);
    expect(await preselected(page)).toEqual([]);
  });

  it('is said to be one where only a snapshot has lost something, and has nothing preselected either', async () => {
    const page = await open('cutSnapshot.qcow2');
    await page.get('notice').waitFor();
    expect(await page.text('notice')).toMatch(
      /This file is incomplete: .* its internal snapshots refer to data up to .*; 128 KiB of their disks are missing/,
    );
    await expectSoon(() => page.legendBytes('data')).toBe(2 ** 20);
    await window.screenshot('snapshot-incomplete');
    expect(await preselected(page)).toEqual([]);
    await page.get('show-problems').click();
    const problems = window.page.locator('.markers-panel .monaco-list-row');
    await problems.filter({ hasText: 'This file is incomplete' }).waitFor();
  });
});
