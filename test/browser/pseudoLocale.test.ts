/**
 * The installed package in a pseudo-language that marks every text: text without marks comes from no l10n file.
 * Data (names, numbers, the specification's names of fields) is marked in the page by `translate="no"`.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DamagedFile } from '../support/damagedFile';
import { fill, image } from '../support/imageBuilder';
import { workspace } from '../support/workspace';
import { isMarked, PSEUDO_LOCALE, unmarkedPart } from './harness/pseudoLocale';
import { until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';
import { textsIn, untranslated } from './pages/texts';

const CLUSTER = 65536;

describe('in a language that marks every text', () => {
  const files = workspace();
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    image({ size: '4M', lazyRefcounts: true, featureNames: true, backing: { name: 'gone.qcow2' } })
      .data(0, 4)
      .zeroPlain(4, 4)
      .compressed(8, 4)
      .zeroAllocated(12, 2)
      .snapshot('first')
      .bitmap('nightly')
      .writeTo(files.path('disk.qcow2'));
    image({ size: '4M', backing: { name: 'disk.qcow2', format: 'qcow2' } })
      .data(20, 4)
      .writeTo(files.path('top.qcow2'));
    image({ size: '4M' }).data(0, 8).writeTo(files.path('plain.qcow2'));
    image({ size: '4M' }).data(0, 8).snapshot('first').bitmap('nightly').writeTo(files.path('damaged.qcow2'));
    DamagedFile.do(files.path('damaged.qcow2'), (file) => {
      file.setRefcount(file.hostCluster(3), 0);
      file.setEntry(7, file.entry(5));
      file.setEntry(6, (1n << 63n) | (1n << 40n));
      file.leak(2);
    });
    writeFileSync(files.path('broken.qcow2'), 'this is no image, whatever its name says');
    vscode = await VSCode.start({ language: PSEUDO_LOCALE });
    window = await vscode.openWindow(files.folder);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  const open = (name: string): Promise<EditorPage> => EditorPage.open(window, files.path(name));

  const expectAllMarked = async (page: EditorPage): Promise<void> => {
    const texts = await textsIn(page.frame);
    expect(texts.filter(({ text }) => isMarked(text)).length).toBeGreaterThan(20);
    expect(untranslated(texts)).toEqual([]);
  };

  it('the page says nothing else, with a cluster, a range and nothing selected', async () => {
    const page = await open('disk.qcow2');
    await expectAllMarked(page);
    for (const cluster of [1, 5, 9, 13, 20]) {
      await page.clickCell(cluster);
      const offset = `0x${(cluster * CLUSTER).toString(16)}`;
      await until('its report is shown', async () => (await page.text('guest-offset')).startsWith(offset));
      await expectAllMarked(page);
    }
    await window.page.keyboard.down('Shift');
    await page.clickCell(2);
    await window.page.keyboard.up('Shift');
    await page.frame.locator('[data-testid="range-totals"][aria-busy="false"]').waitFor();
    await expectAllMarked(page);
    const { x, y } = await page.pointOf(9);
    await window.page.mouse.move(x, y);
    await until('the tooltip is shown', async () => (await page.text('map-tooltip')).includes('0x90000'));
    await expectAllMarked(page);
  });

  it.each(['header', 'chain'] as const)('the panel “%s” says nothing else', async (tab) => {
    for (const name of ['disk.qcow2', 'top.qcow2']) {
      const page = await open(name);
      await page.showTab(tab);
      await expectAllMarked(page);
      await page.showTab('cluster');
    }
  });

  it('the panel “space” and the dialog of Shrink say nothing else, nor does what a content scan has found', async () => {
    image({ size: '4M' }).data(0, 8, fill(0)).writeTo(files.path('zeroes.qcow2'));
    for (const name of ['disk.qcow2', 'zeroes.qcow2']) {
      const page = await open(name);
      await page.showTab('space');
      await page.get('space-scan').waitFor();
      await expectAllMarked(page);
      await page.get('space-scan').click();
      await page.get('space-contents').waitFor();
      await expectAllMarked(page);
      await page.get('shrink').click();
      await page.get('shrink-sources').waitFor();
      await page.get('change-checking').waitFor({ state: 'detached' });
      await expectAllMarked(page);
      await page.get('shrink-cancel').click();
      await page.showTab('cluster');
      await page.clickCell(0);
      await expectAllMarked(page);
    }
  });

  it('the dialogs of changes say nothing else, and what is staged', async () => {
    const page = await open('plain.qcow2');
    for (const kind of ['discard', 'writeZeroes']) {
      await page.get(`change-${kind}`).click();
      await page.get('change-start').locator('input').fill('64k');
      await page.get('change-length').locator('input').fill('100k');
      await page.frame.locator('[data-testid="change-preview"][aria-busy="false"]').waitFor();
      await expectAllMarked(page);
      if (kind === 'discard') await window.page.keyboard.press('Escape');
    }
    await page.applyChange();
    await page.clickCell(1);
    await page.get('staged-note').waitFor();
    await expectAllMarked(page);
    await window.page.keyboard.press('Control+Z');
  });

  it('the file view, the health and the repair say nothing else', async () => {
    const page = await open('damaged.qcow2');
    await page.untilChecked(() => page.get('health').click());
    await page.get('repair').waitFor();
    await page.get('space-file').click();
    await page.waitForFileCell(0, 'header');
    await expectAllMarked(page);
    const clusters = Number(await page.get('map-cells').getAttribute('data-columns'));
    for (let cluster = 0; cluster < Math.min(clusters, 18); cluster++) {
      await page.clickCell(cluster);
      const offset = `0x${(cluster * CLUSTER).toString(16)}`;
      await until('its report is shown', async () => {
        const report = page.get('host-report');
        return (await report.count()) === 1 && (await page.text('host-offset')).includes(`${offset} `);
      });
      await expectAllMarked(page);
    }
    await page.get('repair').click();
    await page.frame.locator('[data-testid="repair-preview"][aria-busy="false"]').waitFor();
    for (const details of await page.frame.locator('.repair-places summary').all()) await details.click();
    await expectAllMarked(page);
    await window.page.keyboard.press('Escape');
  });

  it('an image that cannot be opened says why in marked words', async () => {
    const frame = await EditorPage.openUnreadable(window, files.path('broken.qcow2'));
    await frame.locator('[data-testid="problem"]').waitFor();
    const texts = await textsIn(frame);
    expect(texts.filter(({ text }) => isMarked(text)).length).toBeGreaterThan(3);
    expect(untranslated(texts)).toEqual([]);
  });

  it('the tree, its title and its menus say nothing else', async () => {
    await window.page.locator('.activitybar .action-label[aria-label^="⟦QCOW2⟧"]').click();
    const rows = window.page.locator('.sidebar .monaco-list-row');
    await rows.filter({ hasText: 'gone.qcow2' }).first().waitFor();
    for (const description of await rows.locator('.label-description').allInnerTexts()) {
      expect(untranslated([{ as: 'description', text: description, place: 'tree' }])).toEqual([]);
    }
    const titles = await window.page
      .locator(
        '.sidebar .pane-header .action-label[aria-label], .sidebar .title-actions .action-label[aria-label]',
      )
      .evaluateAll((labels) => labels.map((label) => label.getAttribute('aria-label') ?? ''));
    const ours = titles.filter((title) => !/^(Collapse All|Views and More Actions|More Actions)/.test(title));
    expect(ours.length).toBeGreaterThan(2);
    expect(ours.filter((title) => !isMarked(title))).toEqual([]);
    await rows.filter({ hasText: 'plain.qcow2' }).click({ button: 'right' });
    const entries = window.page.locator(
      '.monaco-menu .action-item:not(.disabled) .action-label:not(.separator)',
    );
    await entries.first().waitFor();
    const menu = (await entries.allInnerTexts()).map((entry) => entry.trim());
    expect(menu.length).toBeGreaterThan(4);
    expect(menu.filter((entry) => !isMarked(entry))).toEqual([]);
    await window.page.keyboard.press('Escape');
  });

  it('every command of the palette is marked', async () => {
    await open('plain.qcow2');
    await window.page.keyboard.press('F1');
    await window.quickInput.fill('>QCOW2');
    // Below a translated title VS Code shows the English one.
    const labels = window.page.locator(
      '.quick-input-list .monaco-list-row .quick-input-list-row:first-child .label-name',
    );
    const commands = await until('the commands are listed', async () => {
      const found = (await labels.allInnerTexts()).filter((label) => label.includes('QCOW2'));
      return found.length > 6 && found;
    });
    expect(commands.filter((label) => !isMarked(label))).toEqual([]);
    await window.page.keyboard.press('Escape');
  });

  it('what is asked and told outside of the page is marked', async () => {
    await window.runCommand('⟦Filter Backing Chains…⟧');
    const box = window.page.locator('.quick-input-widget');
    await box.locator('.quick-input-title', { hasText: '⟦' }).waitFor();
    expect(await box.locator('.quick-input-message').innerText()).toContain('⟦');
    await window.page.keyboard.press('Escape');
    const status = window.page.locator('.statusbar-item[id*="qcow2"]');
    expect(
      unmarkedPart(
        await status
          .first()
          .getAttribute('aria-label')
          .then((label) => label ?? ''),
      ),
    ).not.toMatch(/[a-z]{4}/);
  });

  it('an empty folder is welcomed in marked words', async () => {
    const empty = workspace();
    const other = await vscode.openWindow(empty.folder);
    try {
      await other.page.locator('.activitybar .action-label[aria-label^="⟦QCOW2⟧"]').click();
      const welcome = other.page.locator('.welcome-view-content');
      await welcome.getByText('⟦').first().waitFor();
      const texts = await textsIn(other.page.mainFrame(), '.welcome-view-content p, .welcome-view-content a');
      expect(untranslated(texts)).toEqual([]);
    } finally {
      await other.kill();
      empty.remove();
    }
  });

  it('German is shown in the window that asks for it', async () => {
    const german = await VSCode.start({ language: 'de' });
    try {
      const other = await german.openWindow(files.folder);
      await other.openFile(files.path('plain.qcow2'));
      const page = await EditorPage.of(other);
      expect(await page.get('change-writeZeroes').getAttribute('aria-label')).toBe('Nullen schreiben…');
      expect(await page.text('virtual-size')).toBe('4 MiB virtuell');
      await other.screenshot('german');
    } finally {
      await german.stop();
    }
  });
});
