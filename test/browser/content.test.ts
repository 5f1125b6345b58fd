/** The inside of the disk on the map: bands of partitions, colours by content, owners, and the clusters of a file. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePartitionedDisk } from '../support/guest/partitioned';
import { workspace } from '../support/workspace';
import { faults } from './harness/axe';
import { THEME_KINDS } from './harness/themes';
import { until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const MiB = 2 ** 20;

describe('the inside of a disk on the map', () => {
  const files = workspace();
  let vscode: VSCode;
  let window: Window;
  let page: EditorPage;

  beforeAll(async () => {
    fs.mkdirSync(files.path('tree/var'), { recursive: true });
    fs.writeFileSync(files.path('tree/var/log'), Buffer.alloc(3 * MiB, 1));
    makePartitionedDisk(files.folder, files.path('tree'));
    for (const name of ['disk.raw', 'fat.raw', 'ext.raw']) fs.rmSync(files.path(name));
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
    page = await EditorPage.open(window, files.path('disk.qcow2'));
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  it('has a band for each partition, and a click selects it', async () => {
    const bands = page.get('map-band');
    await bands.first().waitFor();
    expect(await bands.allTextContents()).toEqual(['1 · EFI (FAT16)', '2 · root (ext4)']);
    await bands.first().click();
    await until('the partition is selected', async () => (await page.text('range')).includes('16 MiB'));
    await bands.first().press('ArrowDown');
    await window.page.keyboard.press('Enter');
    await until('the other one is', async () => (await page.text('range')).includes('40 MiB'));
  });

  it('is coloured by content, by mouse and by keyboard', async () => {
    const toggle = page.get('colour-by-content');
    await toggle.click();
    await until('the legend counts', async () => (await page.text('legend-freeStored')).includes('MiB'));
    const bytes = await page.get('legend-noSystem').locator('[data-bytes]').getAttribute('data-bytes');
    expect(Number(bytes)).toBe(8 * MiB);
    await toggle.press('Enter');
    await page.get('legend-unallocated').waitFor();
    await toggle.press('Enter');
    await page.get('legend-inUse').waitFor();
  });

  it('names the owner of a cluster, and marks a file on the map until Escape', async () => {
    await page.goTo('17M');
    await page.get('find-owners').click();
    await until('the owner is named', async () => (await page.text('owner')).includes('root, ext4'));
    await page.goTo('0');
    await until('another one is', async () => (await page.text('owner')).includes('Partition table'));
    const path = page.get('owner-path');
    for (let at = 18; (await path.filter({ hasText: '/var/log' }).count()) === 0 && at < 57; at++) {
      await page.goTo(`${at}M`);
      await until('an owner is named', async () => (await page.text('owner')).includes('ext4'));
    }
    await page.get('owner-on-map').first().click();
    await until('the file is marked', async () =>
      (await page.text('file-note')).includes('/var/log: 3 MiB in'),
    );
  });

  it('can be read in all kinds of themes', async () => {
    for (const kind of THEME_KINDS) {
      await vscode.setTheme(window, kind);
      expect(await faults(page.frame), kind).toEqual([]);
      await window.screenshot(`content-${kind}`);
    }
    await page.get('map').press('Escape');
    await page.get('file-note').waitFor({ state: 'detached' });
  });

  it('shows a folder on the map from the view of the contents', async () => {
    await window.showViews();
    await window.treeRow('2: root').click();
    await window.chooseFromMenu(window.treeRow('var'), 'Show on Map');
    await until('the folder is marked', async () =>
      (await page.text('file-note')).includes('/var: 3 MiB in'),
    );
  });
});
