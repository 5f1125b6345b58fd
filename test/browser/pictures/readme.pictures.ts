/**
 * Takes the pictures of the documents and of the walkthrough, in media/screenshots/: the page in the four kinds of themes,
 * and its states. `pngquant` and `zopflipng`, which must be installed, make them small, since some are packaged.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { writeSamples } from '../../../scripts/lib/sampleImages';
import { ROOT } from '../../../scripts/lib/paths.mjs';
import { DamagedFile } from '../../support/damagedFile';
import type { ThemeKind } from '../harness/themes';
import { VSCode } from '../harness/vscode';
import type { Window } from '../harness/window';
import { EditorPage } from '../pages/editorPage';
import { writeBloated, writeLivedIn } from './lived';

/** As large as a README shows it. */
const WINDOW = { width: 1160, height: 800 };

/** Few colours and no dithering: a window has few, and a package has a limit. */
const SMALL = ['--force', '--strip', '--speed', '1', '--nofs'];

/** Where a legend names kinds of which there is little to be seen: their colours must not go. */
const MANY_COLOURS = 64;

const PICTURES: Readonly<Record<ThemeKind, string>> = {
  dark: 'dark',
  light: 'light',
  hcDark: 'high-contrast',
  hcLight: 'high-contrast-light',
};

describe('pictures of', () => {
  const folder = path.join(mkdtempSync(path.join(tmpdir(), 'qcow2-pictures-')), 'machines');
  const file = (name: string): string => path.join(folder, name);
  let vscode: VSCode;
  let window: Window;
  let sharedCluster: number;

  beforeAll(async () => {
    writeSamples(folder);
    writeLivedIn(file('web-server.qcow2'));
    writeLivedIn(file('mail-server.qcow2'));
    writeBloated(file('build-agent.qcow2'));
    sharedCluster = DamagedFile.do(file('mail-server.qcow2'), damage);
    vscode = await VSCode.start({ viewport: WINDOW });
    window = await vscode.openWindow(folder);
  });

  afterAll(async () => {
    await vscode.stop();
    rmSync(path.dirname(folder), { recursive: true });
  });

  const open = async (name: string): Promise<EditorPage> => {
    return EditorPage.open(window, file(name));
  };

  const keep = async (name: string, colours = 40): Promise<void> => {
    // The mouse would leave a tooltip. The page has been painted by now.
    await window.page.mouse.move(WINDOW.width / 2, WINDOW.height - 10);
    await window.page.waitForTimeout(1_000);
    const kept = path.join(ROOT, 'media', 'screenshots', `${name}.png`);
    const taken = await window.screenshot(name);
    execFileSync('pngquant', [...SMALL, '--output', kept, String(colours), taken]);
    execFileSync('zopflipng', ['-y', kept, kept]);
  };

  it.each(Object.entries(PICTURES))('the page, %s', async (kind, name) => {
    await vscode.setTheme(window, kind as ThemeKind);
    const page = await open('web-server.qcow2');
    await page.goTo('#1200');
    await page.frame.locator('[data-testid="zoom-whole"]').click();
    await keep(name);
  });

  it('what zeroing a range would do, and what is staged', async () => {
    await vscode.setTheme(window, 'dark');
    const page = await open('web-server.qcow2');
    await page.get('change-writeZeroes').click();
    await page.get('change-start').locator('input').fill('48M');
    await page.get('change-length').locator('input').fill('96M');
    await page.frame.locator('[data-testid="change-preview"][aria-busy="false"]').waitFor();
    await keep('preview');
    await page.get('change-apply').click();
    await window.page.locator('.tab.active.dirty').waitFor();
    await keep('staged');
    await window.page.keyboard.press('Control+Z');
  });

  it('where the bytes of a file are, once its contents were scanned, and what a shrink would free', async () => {
    const page = await open('build-agent.qcow2');
    await page.showTab('space');
    await page.get('space-scan').click();
    await page.get('part-dataZero').waitFor();
    await page.get('legend-dataZero').waitFor();
    await keep('space', MANY_COLOURS);
    await page.get('shrink').click();
    await page.get('shrink-preview').locator(':scope[aria-busy="false"]').waitFor();
    await page.untilEnabled('shrink-apply');
    await keep('shrink');
    await page.get('shrink-cancel').click();
    await page.showTab('cluster');
  });

  it('a cluster, bit by bit', async () => {
    const page = await open('web-server.qcow2');
    await page.goTo('#1200');
    await page.get('cluster-report').waitFor();
    for (let step = 0; step < 5; step++) await page.frame.locator('[data-testid="zoom-in"]').click();
    await keep('cluster');
    await page.frame.locator('[data-testid="zoom-whole"]').click();
  });

  it('what a check finds', async () => {
    const page = await open('mail-server.qcow2');
    await page.get('health').click();
    await page.get('show-problems').click();
    await window.page.locator('.markers-panel .monaco-list-row').nth(3).waitFor();
    await keep('check');
    await window.runCommand('View: Hide Panel');
  });

  it('what the file consists of', async () => {
    await vscode.setTheme(window, 'dark');
    const page = await open('mail-server.qcow2');
    await page.get('repair').waitFor();
    await page.get('space-file').click();
    await page.waitForFileCell(0, 'header');
    await page.goTo(`#${sharedCluster}`);
    await page.frame.locator('[data-testid="zoom-whole"]').click();
    await page.get('claims').waitFor();
    await keep('file', MANY_COLOURS);
    await page.get('space-guest').click();
  });

  it('what a repair would do', async () => {
    const page = await open('mail-server.qcow2');
    await page.get('repair').click();
    await page.frame.locator('[data-testid="repair-preview"][aria-busy="false"]').waitFor();
    await keep('repair', MANY_COLOURS);
    await window.page.keyboard.press('Escape');
  });

  it('the header', async () => {
    const page = await open('web-server.qcow2');
    await page.showTab('header');
    await keep('header');
    await page.showTab('cluster');
  });

  it('a chain of three, with the tree view beside it', async () => {
    const page = await open('chain-3-top.qcow2');
    await window.page.locator('.activitybar .action-label[aria-label^="QCOW2"]').click();
    await page.showTab('chain');
    await keep('chain', MANY_COLOURS);
  });

  it('a disk of 1 TiB', async () => {
    const page = await open('huge-1-TiB.qcow2');
    await page.goTo('600G');
    await keep('terabyte', MANY_COLOURS);
  });
});

/**
 * As a crash and a careless tool leave it: counts that are wrong, a cluster used twice, an entry that leads nowhere.
 * @returns the cluster of the file that is used twice
 */
function damage(image: DamagedFile): number {
  image.setRefcount(image.hostCluster(3), 0);
  image.setEntry(17, image.entry(16));
  image.setEntry(19, (1n << 63n) | (1n << 40n));
  image.leak(24);
  return image.hostCluster(16);
}
