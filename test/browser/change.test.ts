/** Write Zeroes… and Discard… in the installed package: the dialog, its figures, and the marks of staged changes. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { workspace } from '../support/workspace';
import { THEME_KINDS } from './harness/themes';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const MIB = 1024 * 1024;
const CLUSTER = 65536;

describe('a change of an image', () => {
  const files = workspace();
  const disk = files.path('disk.qcow2');
  let before: Buffer;
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;

  beforeAll(async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '16M']);
    mustQemuIo(disk, ['write -P 1 0 4M', 'write -c -P 2 4M 64k', 'write -z 5M 1M']);
    before = readFileSync(disk);
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
    page = await EditorPage.open(window, disk);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  const type = async (field: 'start' | 'length', text: string): Promise<void> => {
    await page.get(`change-${field}`).locator('input').fill(text);
  };

  const previewed = (): Promise<void> =>
    page.frame.locator('[data-testid="change-preview"][aria-busy="false"]').waitFor();

  /** Clusters and bytes of a row of the preview, once it is that of the fields. */
  async function row(id: string): Promise<{ clusters: number; bytes: number }> {
    await previewed();
    const found = page.get('preview').locator(`tr[data-row="${id}"]`);
    return {
      clusters: Number(await found.getAttribute('data-clusters')),
      bytes: Number(await found.getAttribute('data-bytes')),
    };
  }

  const isDirty = async (): Promise<boolean> => (await window.page.locator('.tab.active.dirty').count()) > 0;
  const untilDirty = (dirty: boolean): Promise<unknown> =>
    until(`the tab is ${dirty ? 'dirty' : 'clean'}`, async () => (await isDirty()) === dirty);

  it('is previewed for the selection, and applied by the mouse', async () => {
    await page.clickCell(1);
    await window.page.keyboard.down('Shift');
    await page.clickCell(32);
    await window.page.keyboard.up('Shift');
    await page.get('change-writeZeroes').click();
    await page.get('change-dialog').waitFor();
    await expectSoon(() => page.get('change-start').locator('input').inputValue()).toBe('0x10000');
    await expectSoon(() => page.get('change-length').locator('input').inputValue()).toBe('2 MiB');
    expect(await row('becameUnallocated')).toEqual({ clusters: 32, bytes: 2 * MIB });
    expect(await page.get('freed').getAttribute('data-clusters')).toBe('32');
    expect(await page.text('freed')).toContain('The file does not shrink');
    expect(await page.text('change-notes')).toContain('rebase -u');
    await page.get('change-unmap').click();
    expect(await row('keptAllocation')).toEqual({ clusters: 32, bytes: 2 * MIB });
    expect(await page.get('freed').count()).toBe(0);
    await page.get('change-unmap').click();
    expect(await row('becameUnallocated')).toEqual({ clusters: 32, bytes: 2 * MIB });
    await page.applyChange();
    await untilDirty(true);
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  it('is told in the strip, in the legend, in the inspector and in the status bar', async () => {
    await until('the strip says it', async () => (await page.text('staged')) === '1 edit staged');
    expect(await page.get('legend-staged').locator('[data-bytes]').getAttribute('data-bytes')).toBe(
      String(2 * MIB),
    );
    await page.clickCell(1);
    await until('the inspector says it', async () => (await page.get('staged-note').count()) === 1);
    expect(await page.text('staged-note')).toMatch(/On disk: Data 0x80000000000[0-9a-f]{5}/);
    await page.clickCell(40);
    await until('it does not of others', async () => (await page.get('staged-note').count()) === 0);
    await window.page.locator('.statusbar-item').filter({ hasText: '1 edit staged' }).waitFor();
    const { x, y } = await page.pointOf(2);
    await window.page.mouse.move(x, y);
    await until('the tooltip says it', async () => (await page.text('map-tooltip')).includes('Staged'));
  });

  it.each(THEME_KINDS)(
    'marks its cells, and only those, with lines of two colours in a %s theme',
    async (theme) => {
      await vscode.setTheme(window, theme);
      await page.waitForCell(3, 'unallocated');
      await page.waitForCell(40, 'data');
      await until('the marks are painted', async () => (await page.stagedColoursOf(3)).size > 1);
      const line = await page.cssColour('--vscode-qcow2-mapStaged');
      const edge = await page.cssColour('--vscode-editor-background');
      for (const cell of [1, 17, 32]) {
        const colours = await page.stagedColoursOf(cell);
        expect(colours.has(line), `the line on ${cell}`).toBe(true);
        expect(colours.has(edge), `its edge on ${cell}`).toBe(true);
      }
      for (const cell of [0, 33, 40]) expect((await page.stagedColoursOf(cell)).size, String(cell)).toBe(0);
      await window.screenshot(`staged-${theme}`);
    },
  );

  it('is undone and redone by the keyboard', async () => {
    await page.clickCell(100);
    await window.page.keyboard.press('Control+Z');
    await page.waitForCell(3, 'data');
    await untilDirty(false);
    expect(await page.get('staged').count()).toBe(0);
    expect(await page.get('legend-staged').locator('[data-bytes]').getAttribute('data-bytes')).toBe('0');
    expect((await page.stagedColoursOf(3)).size).toBe(0);
    await window.page.keyboard.press('Control+Y');
    await page.waitForCell(3, 'unallocated');
    await untilDirty(true);
  });

  it('is asked for, filled in and applied by the keyboard alone', async () => {
    await page.get('map').focus();
    await window.runCommand('QCOW2: Discard…');
    await page.get('change-dialog').waitFor();
    await until('the first field has the focus', async () => (await focused()) === 'change-start');
    await window.page.keyboard.press('Control+A');
    await window.page.keyboard.type('#48');
    await window.page.keyboard.press('Tab');
    expect(await focused()).toBe('change-length');
    await window.page.keyboard.press('Control+A');
    await window.page.keyboard.type('#4');
    expect(await row('becameZero')).toEqual({ clusters: 4, bytes: 4 * CLUSTER });
    await until('it can be applied', canApply);
    await window.page.keyboard.press('Enter');
    await page.get('change-dialog').waitFor({ state: 'hidden' });
    await page.waitForCell(48, 'zeroPlain');
    expect(await page.text('staged')).toBe('2 edits staged');
  });

  it('keeps the focus in its dialog, and is put aside by Escape', async () => {
    await page.get('change-discard').focus();
    await window.page.keyboard.press('Enter');
    await page.get('change-dialog').waitFor();
    const seen = new Set<string>();
    for (let step = 0; step < 8; step++) {
      seen.add(await focused());
      await window.page.keyboard.press('Tab');
    }
    expect([...seen].filter((id) => id !== '' && !id.startsWith('change-'))).toEqual([]);
    expect(seen).toContain('change-start');
    expect(seen).toContain('change-cancel');
    await page.get('change-start').locator('input').focus();
    await window.page.keyboard.press('Escape');
    await page.get('change-dialog').waitFor({ state: 'hidden' });
    expect(await focused()).toBe('change-discard');
    expect(await page.text('staged')).toBe('2 edits staged');
  });

  it('says what is wrong with a range, and why zeroes are written', async () => {
    await page.get('change-writeZeroes').click();
    await type('start', '32M');
    expect(await page.text('change-start-problem')).toContain('end');
    expect(await canApply()).toBe(false);
    await type('start', '15M');
    await type('length', '2M');
    expect(await page.text('change-length-problem')).toContain('0x1000000');
    await type('start', '0');
    await type('length', '512');
    expect((await row('explicit.partialCluster')).bytes).toBe(512);
    await type('start', '12M');
    await type('length', '1M');
    // Here Undo takes back typing, not an edit.
    await window.page.keyboard.press('Control+Z');
    await type('length', '1M');
    await previewed();
    expect(await page.get('no-change').count()).toBe(1);
    expect(await canApply()).toBe(false);
    expect(await page.text('staged')).toBe('2 edits staged');
    await page.get('change-cancel').click();
    await page.get('change-dialog').waitFor({ state: 'hidden' });
  });

  it('is saved by the keyboard: QEMU finds it on disk, and the marks go', async () => {
    expect(readFileSync(disk).equals(before)).toBe(true);
    await page.clickCell(100);
    await window.save();
    await untilDirty(false);
    await until('the marks are gone', async () => (await page.stagedColoursOf(3)).size === 0);
    expect(await page.get('staged').count()).toBe(0);
    mustQemuImg(['check', disk]);
    mustQemuIo(disk, ['read -P 0 64k 2M', 'read -P 1 2112k 960k', 'read -P 0 3M 256k', 'read -P 1 0 64k']);
  });

  it('leads on to what makes the file shorter', async () => {
    const offer = window.notification('is saved. The file is not shorter yet.');
    expect(await offer.getByRole('button').allInnerTexts()).toEqual(
      expect.arrayContaining(['Shrink…', 'Compact…', 'Reclaim Free Space…']),
    );
    await offer.getByRole('button', { name: 'Shrink…' }).click();
    await page.get('shrink-dialog').waitFor();
    await window.page.keyboard.press('Escape');
    await page.get('shrink-dialog').waitFor({ state: 'hidden' });
  });

  it('is undone after the save: saved again, the file is the first one', async () => {
    await window.page.keyboard.press('Control+Z');
    await page.waitForCell(48, 'data');
    await window.page.keyboard.press('Control+Z');
    await page.waitForCell(3, 'data');
    await untilDirty(true);
    await window.page.keyboard.press('Control+S');
    await untilDirty(false);
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  const canApply = async (): Promise<boolean> =>
    (await page.get('change-apply').getAttribute('disabled')) === null;

  /** The `data-testid` of what has the focus, or of what holds it. */
  const focused = (): Promise<string> =>
    page.frame.evaluate(() => {
      const holder = document.activeElement?.closest<HTMLElement>('[data-testid]');
      return holder?.dataset['testid'] ?? '';
    });
});
