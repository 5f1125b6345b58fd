/** Compact in the installed package: from too big to small by mouse and by keyboard, cancelled and closed in the middle. */
import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EditableImage } from '../../src/qcow2/edit/editableImage';
import { guestOffset } from '../../src/qcow2/units';
import { DamagedFile } from '../support/damagedFile';
import { writeGiantImage } from '../support/giantImages';
import { mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('an image file that is too long', () => {
  const files = workspace();
  const giant = files.path('giant.qcow2');
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    for (const name of ['mouse', 'keyboard']) writeBloated(files.path(`${name}.qcow2`));
    writeHalfEmpty(giant);
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  /** Zeroes stored as data, zero clusters that keep their space, preallocated clusters, a snapshot, and leaks. */
  function writeBloated(disk: string): void {
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '64M']);
    mustQemuIo(disk, ['write -P 1 0 4M']);
    mustQemuImg(['snapshot', '-c', 'before', disk]);
    mustQemuIo(disk, ['write -P 0 8M 16M', 'write -P 4 24M 8M', 'write -z 24M 8M', 'write -P 3 1M 2M']);
    mustQemuImg(['resize', '-q', '--preallocation=metadata', disk, '96M']);
    mustQemuIo(disk, ['write -P 5 95M 1M']);
    DamagedFile.do(disk, (file) => file.leak(4));
  }

  /** Half a terabyte of holes, half of which is free: compacting it takes minutes. */
  function writeHalfEmpty(path: string): void {
    writeGiantImage(path, { size: 512 * GIB, pattern: 'contiguous' });
    const opened = EditableImage.open(path, { followsNames: true, scratchPath: files.path('scratch') });
    opened.apply({ kind: 'discard', start: guestOffset(0), length: 256 * GIB });
    opened.save({ keepsUndo: false });
    opened.close();
  }

  function mustBeSmall(disk: string): void {
    expect(statSync(disk).size).toBeLessThan(9 * MIB);
    expect(qemuImg(['check', disk]).status).toBe(0);
    mustQemuIo(disk, [
      'read -P 1 0 1M',
      'read -P 3 1M 2M',
      'read -P 1 3M 1M',
      'read -P 0 4M 91M',
      'read -P 5 95M 1M',
    ]);
    const snapshot = files.path('snapshot.raw');
    mustQemuImg(['convert', '-l', 'before', '-O', 'raw', disk, snapshot]);
    mustQemuIo(snapshot, ['read -P 1 0 4M', 'read -P 0 4M 60M'], {}, ['-f', 'raw']);
  }

  /** The page looks every three seconds whether QEMU has the image open: what it saw of our checks is over. */
  async function letGo(page: EditorPage): Promise<void> {
    await window.page.waitForTimeout(3_500);
    await page.untilEnabled('change-discard');
  }

  it('becomes short by mouse: scanned, shrunk, saved and compacted', async () => {
    const disk = files.path('mouse.qcow2');
    const before = statSync(disk).size;
    expect(before).toBeGreaterThan(60 * MIB);
    const page = await EditorPage.open(window, disk);
    await page.showTab('space');
    await page.get('space-scan').click();
    await page.get('space-contents').waitFor();
    await page.get('space-shrink').click();
    await page.untilEnabled('shrink-apply');
    await page.get('shrink-apply').click();
    const offer = window.notification('become free when it is saved');
    await offer.getByRole('button', { name: 'Save' }).click();
    const choice = window.notification('mouse.qcow2 is saved. The file is not shorter yet.');
    await choice.getByRole('button', { name: 'Compact…' }).click();
    await window.dialog.waitFor();
    const question = await window.dialog.innerText();
    expect(question).toContain('Compact mouse.qcow2?');
    expect(question).toMatch(/The file shrinks from \d+(\.\d+)? MiB to about \d+(\.\d+)? MiB/);
    expect(question).toMatch(/Up to \S+ (KiB|MiB) of free space are needed/);
    expect(question).toContain('This cannot be undone');
    await window.screenshot('compact-question');
    await window.dialog.getByRole('button', { name: 'Compact' }).click();
    await window.notification('Compacted mouse.qcow2').waitFor();
    await window.screenshot('compact-done');
    mustBeSmall(disk);
    await expectSoon(() => page.get('space-sizes').innerText()).toContain('The file is');
    await until('the panel follows', async () => {
      const sizes = await page.get('space-sizes').innerText({ timeout: 1_000 });
      return /^The file is [78]\.?\d* MiB long/.test(sizes);
    });
  });

  it('becomes short by keyboard, with the offer that follows the save', async () => {
    const disk = files.path('keyboard.qcow2');
    const page = await EditorPage.open(window, disk);
    await window.runCommand('QCOW2: Shrink…');
    await page.get('shrink-scan').waitFor();
    const { keyboard } = window.page;
    const focused = (): Promise<string | null | undefined> =>
      page.frame.evaluate(() => document.activeElement?.getAttribute('data-testid'));
    const tabTo = (testId: string): Promise<unknown> =>
      until(`${testId} has the focus`, async () => {
        if ((await focused()) === testId) return true;
        await keyboard.press('Tab');
        return false;
      });
    await tabTo('shrink-scan');
    await keyboard.press('Enter');
    await page.untilEnabled('shrink-apply');
    await tabTo('shrink-apply');
    await keyboard.press('Enter');
    await page.get('shrink-dialog').waitFor({ state: 'hidden' });
    await window.save();
    const offer = window.notification('keyboard.qcow2 is saved. The file is not shorter yet.');
    await offer.getByRole('button', { name: 'Compact…' }).waitFor();
    expect(await offer.getByRole('button', { name: 'Reclaim Free Space…' }).isVisible()).toBe(true);
    await window.screenshot('compact-after-save');
    await window.runCommand('QCOW2: Compact…');
    await window.dialog.waitFor();
    // A dialog takes no key until its button has the focus.
    await window.dialog.locator('.monaco-button:focus').waitFor();
    await keyboard.press('Enter');
    await window.dialog.waitFor({ state: 'detached' });
    await window.notification('Compacted keyboard.qcow2').waitFor();
    mustBeSmall(disk);
    await letGo(page);
    await window.runCommand('QCOW2: Compact…');
    await window.notification('is as short as compaction can make it').waitFor();
  });

  /** Begins to compact the giant, and waits until something is moved. */
  async function begin(): Promise<EditorPage> {
    const page = await EditorPage.open(window, giant);
    await letGo(page);
    await window.runCommand('QCOW2: Compact…');
    await window.dialog.getByRole('button', { name: 'Compact' }).click();
    await page.get('compaction').waitFor();
    await until('something is moved', async () => /^Moved /.test(await page.text('compaction-text')), 60_000);
    return page;
  }

  const shownLength = async (page: EditorPage): Promise<string> =>
    (await page.get('file-size').getAttribute('title')) ?? '';

  it('is shown while it becomes shorter, cannot be changed meanwhile, and keeps what it gained when cancelled', async () => {
    const before = statSync(giant).size;
    let page = await EditorPage.open(window, giant);
    await page.get('space-file').click();
    await page.showTab('space');
    await page.get('space-report').waitFor();
    const free = await page.legendBytes('free');
    page = await begin();
    for (const theme of ['light', 'hcDark', 'hcLight', 'dark'] as const) {
      await vscode.setTheme(window, theme);
      await window.screenshot(`compact-running-${theme}`);
    }
    const length = await shownLength(page);
    await expectSoon(() => shownLength(page)).not.toBe(length);
    await expectSoon(() => page.legendBytes('free')).toBeLessThan(free);
    expect(await page.get('space-report').isVisible()).toBe(true);
    expect(await page.text('access')).toContain('being compacted');
    for (const button of ['change-writeZeroes', 'change-discard', 'space-shrink', 'way-out-free-giveBack']) {
      expect(await page.get(button).getAttribute('disabled'), button).not.toBeNull();
      expect(await page.get(button).getAttribute('title'), button).toContain('is being compacted');
    }
    await page.goTo('#3');
    await page.showTab('cluster');
    await expectSoon(() => page.text('host-report')).toContain('refcount');
    await page.get('compaction-stop').click();
    await window.notification('The compaction of giant.qcow2 was cancelled').waitFor();
    await page.get('compaction').waitFor({ state: 'detached' });
    await page.untilEnabled('change-discard');
    expect(statSync(giant).size).toBeLessThan(before);
    expect(qemuImg(['check', giant]).status).toBe(0);
  });

  it('stays sound when its tab is closed in the middle, and goes on the next time', async () => {
    const before = statSync(giant).size;
    await begin();
    await window.runCommand('View: Close Editor');
    await window.page.locator('.tab').filter({ hasText: 'giant.qcow2' }).waitFor({ state: 'detached' });
    await until('QEMU may open it, and finds it clean', () =>
      Promise.resolve(qemuImg(['check', giant]).status === 0),
    );
    const closed = statSync(giant).size;
    expect(closed).toBeLessThan(before);
    const page = await begin();
    await expectSoon(() => Promise.resolve(statSync(giant).size)).toBeLessThan(closed);
    await page.get('compaction-stop').click();
    await page.get('compaction').waitFor({ state: 'detached' });
    expect(qemuImg(['check', giant]).status).toBe(0);
  });
});
