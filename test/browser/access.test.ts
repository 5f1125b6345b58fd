/** How the page shows an image that another program has open, or that cannot be written. */
import { linkSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Holder } from '../support/holder';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { workspace } from '../support/workspace';
import { until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

describe('an image that cannot be changed', () => {
  const files = workspace();
  const disk = files.path('disk.qcow2');
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;
  let holder: Holder | undefined;

  beforeAll(async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '16M']);
    mustQemuIo(disk, ['write -P 1 0 4M']);
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
  });

  beforeEach(async () => {
    page = await EditorPage.open(window, disk);
    await untilFree();
  });

  afterEach(async () => {
    await holder?.end();
    holder = undefined;
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  const hold = async (): Promise<Holder> => (holder = await Holder.open(disk));
  const isOffered = async (kind: string): Promise<boolean> =>
    (await page.get(`change-${kind}`).getAttribute('disabled')) === null;
  const untilFree = (): Promise<unknown> =>
    until('it can be changed', async () => (await page.get('access').count()) === 0);

  it('is shown as in use, by program and pid, until the program ends', async () => {
    const { pid } = await hold();
    await page
      .get('access')
      .filter({ hasText: `in use by qemu-io (pid ${pid})` })
      .waitFor();
    // The consequence is said to those who cannot see a title, and once.
    expect(await page.get('access').textContent()).toContain('Another program has locked the file');
    expect(await page.text('access')).not.toContain('read-only');
    // It can be changed again soon: nothing that has its place for that comes and goes.
    expect(await page.get('legend-staged').isVisible()).toBe(true);
    for (const kind of ['writeZeroes', 'discard']) {
      expect(await isOffered(kind)).toBe(false);
      expect(await page.get(`change-${kind}`).getAttribute('title')).toContain('qemu-io');
    }
    await holder?.end();
    await untilFree();
    expect(await isOffered('writeZeroes')).toBe(true);
  });

  it('is shown as read-only, with the reason, where its file is', async () => {
    const other = files.path('other.qcow2');
    linkSync(disk, other);
    await page.get('access').filter({ hasText: 'read-only' }).waitFor();
    expect(await page.get('access').locator('li').getAttribute('title')).toContain('2 names');
    expect(await isOffered('discard')).toBe(false);
    rmSync(other);
    await untilFree();
  });

  it('says so once in the dialog, where it is opened just before that is seen', async () => {
    // Another look may come first, and disable the button.
    await until('the dialog refuses', async () => {
      await holder?.end();
      await untilFree();
      await hold();
      if (!(await isOffered('writeZeroes'))) return false;
      await page.get('change-writeZeroes').click({ timeout: 2000 });
      return page.get('change-dialog').isVisible();
    });
    await page.get('change-refusal').waitFor();
    await page.get('change-start').locator('input').fill('0');
    await page.get('change-length').locator('input').fill('1M');
    await page.frame.locator('[data-testid="change-preview"][aria-busy="false"]').waitFor();
    const text = await page.text('change-dialog');
    expect(text.match(/locked the file against writing/g)).toHaveLength(1);
    expect(await page.get('change-apply').getAttribute('disabled')).not.toBeNull();
    await page.get('change-cancel').click();
  });
});
