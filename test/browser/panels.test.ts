/** The panels beside the map (header, backing chain), and the page of an image that cannot be opened. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DamagedFile } from '../support/damagedFile';
import { image } from '../support/imageBuilder';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { workspace } from '../support/workspace';
import { THEME_KINDS } from './harness/themes';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { layoutFaults } from './states/layoutFaults';
import { EditorPage } from './pages/editorPage';

const CLUSTER = 65536;
describe('the panels', () => {
  const files = workspace();
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    makeChain();
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  /** Cluster 0 is in the base, 1 in the middle, 2 on top; the middle names no format. */
  function makeChain(): void {
    const options = { cwd: files.folder };
    mustQemuImg(['create', '-f', 'qcow2', 'base.qcow2', '4M'], options);
    mustQemuIo(files.path('base.qcow2'), ['write -P 1 0 64k', 'write -P 1 64k 64k']);
    mustQemuImg(['create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'mid.qcow2'], options);
    mustQemuIo(files.path('mid.qcow2'), ['write -P 2 64k 64k']);
    mustQemuImg(['create', '-f', 'qcow2', '-b', 'mid.qcow2', '-F', 'qcow2', 'top.qcow2', '8M'], options);
    mustQemuIo(files.path('top.qcow2'), ['write -P 3 128k 64k']);
    mustQemuImg(['snapshot', '-c', 'before-upgrade', 'top.qcow2'], options);
  }

  async function open(name: string): Promise<EditorPage> {
    return EditorPage.open(window, files.path(name));
  }

  it('shows at a glance what the image is', async () => {
    const page = await open('top.qcow2');
    expect(await page.text('virtual-size')).toBe('8 MiB virtual');
    expect(await page.text('version')).toBe('v3');
    expect(await page.text('cluster-size')).toBe('64 KiB clusters');
    expect(await page.text('badges')).toContain('backing: mid.qcow2');
    expect(await page.text('badges')).toContain('snapshots 1');
  });

  it('tells where the bytes of the file are, leads to them on the map, and to what frees them', async () => {
    const path = files.path('space.qcow2');
    image({ size: '8M' }).data(0, 40).zeroAllocated(50, 10).snapshot('old').data(0, 8).writeTo(path);
    DamagedFile.do(path, (file) => file.leak(3));
    const page = await open('space.qcow2');
    await page.showTab('space');
    await page.get('space-report').waitFor();
    const bytes = async (kind: string, column: number): Promise<number> =>
      Number(await page.get(`part-${kind}`).locator('td').nth(column).getAttribute('data-bytes'));
    expect(await bytes('data', 0)).toBe(40 * CLUSTER);
    expect(await bytes('leaked', 2)).toBe(3 * CLUSTER);
    // The snapshot shares them.
    expect([await bytes('zeroAllocated', 0), await bytes('zeroAllocated', 2)]).toEqual([10 * CLUSTER, 0]);
    expect(await page.text('space-snapshots')).toContain('#1 old');
    const leaked = page.get('part-leaked').locator('.legend-button');
    await leaked.focus();
    await window.page.keyboard.press('Enter');
    await page.get('legend-leaked').waitFor();
    expect(await leaked.getAttribute('aria-pressed')).toBe('true');
    expect(await page.get('legend-leaked').locator('button').getAttribute('aria-pressed')).toBe('true');
    await window.screenshot('space-panel');
    await page.get('way-out-leaked-repair').click();
    await page.get('repair-preview').waitFor();
    await window.page.keyboard.press('Escape');
    await page.get('space-guest').click();
    await page.showTab('cluster');
  });

  it.each(THEME_KINDS)('draws the holes of the file in lines of their kind, in a %s theme', async (theme) => {
    const path = files.path('holes.qcow2');
    const options = ['-o', 'preallocation=metadata'];
    mustQemuImg(['create', '-q', '-f', 'qcow2', ...options, path, '4M']);
    mustQemuIo(path, ['write -P 1 1M 64k', 'write -P 1 2M 4k']);
    const [header, tables, clusters] = [1, 4, 64];
    await vscode.setTheme(window, theme);
    const page = await open('holes.qcow2');
    await page.get('space-file').click();
    await page.waitForFileCell(0, 'header');
    await page.waitForHole(header + tables, 'data');
    await page.waitForFileCell(header + tables + 16, 'data');
    await page.waitForHole(header + tables + clusters - 1, 'data');
    // Of the cluster that was written in part, the rest.
    const written = header + tables + 32;
    await page.clickCell(written);
    await expectSoon(() => page.text('host-stored')).toBe('stored, except 60 KiB in holes');
    await page.clickCell(header + tables);
    await expectSoon(() => page.text('host-stored')).toBe('not stored (a hole), reads as zero');
    const { x, y } = await page.pointOf(written);
    await window.page.mouse.move(x, y);
    await until('the tooltip tells', async () => (await page.text('map-tooltip')).includes('Holes 94 %'));
    const holes = page.get('legend-hole');
    expect(await page.legendBytes('hole')).toBeGreaterThanOrEqual((clusters - 2) * CLUSTER + 60 * 1024);
    await holes.locator('button').click();
    await holes.locator('[aria-pressed="true"]').waitFor();
    const data = await page.fileColour('data');
    await until('what is stored fades', async () => {
      const [stored, hole] = [
        await page.coloursOf(header + tables + 16),
        await page.coloursOf(header + tables),
      ];
      return !stored.includes(data) && hole.includes(data);
    });
    await window.screenshot(`holes-${theme}`);
    await holes.locator('button').click();
    await page.get('space-guest').click();
  });

  it('paints what each layer of a chain of three provides', async () => {
    const page = await open('top.qcow2');
    await page.waitForCell(0, 'backing2');
    await page.waitForCell(1, 'backing1');
    await page.waitForCell(2, 'data');
    await page.waitForCell(3, 'unallocated');
    await expectSoon(() => page.legendBytes('backing1')).toBe(CLUSTER);
    await expectSoon(() => page.legendBytes('backing2')).toBe(CLUSTER);
    await page.clickCell(1);
    await until('its layer is named', async () => (await page.text('provider')) === 'layer 1: mid.qcow2');
    expect(await page.hexAt(CLUSTER, 4)).toBe('02 02 02 02');
  });

  it('shows the chain, layer by layer, and opens one', async () => {
    const page = await open('top.qcow2');
    await page.showTab('chain');
    expect(await page.get('chain').locator('> li').count()).toBe(3);
    expect(await page.text('layer-0')).toContain('this image');
    const mid = page.get('layer-1');
    expect(await mid.locator('[data-testid="as-written"]').innerText()).toBe('mid.qcow2');
    expect(await mid.locator('[data-testid="path"]').innerText()).toBe(files.path('mid.qcow2'));
    expect(await mid.locator('[data-testid="format"]').innerText()).toBe('qcow2');
    expect(await page.text('layer-2')).toContain('4 MiB virtual');
    await page.get('layer-2').locator('button.layer-name').click();
    await window.page.locator('.tab.active').filter({ hasText: 'base.qcow2' }).waitFor();
    await EditorPage.named(window, 'base.qcow2');
  });

  it('says why a layer is missing', async () => {
    mustQemuImg([
      'create',
      '-f',
      'qcow2',
      '-u',
      '-b',
      'nowhere.qcow2',
      '-F',
      'qcow2',
      files.path('orphan.qcow2'),
      '1M',
    ]);
    const page = await open('orphan.qcow2');
    await page.waitForCell(0, 'backingUnknown');
    await page.showTab('chain');
    expect(await page.get('layer-1').getAttribute('data-state')).toBe('missing');
    expect(await page.get('layer-1').locator('[data-testid="layer-problem"]').innerText()).toContain(
      'missing',
    );
    await page.showTab('cluster');
    await page.clickCell(0);
    await until(
      'the provider is named',
      async () => (await page.text('provider')) === 'a layer that is not opened',
    );
    await page.frame.locator('.hex-problem').waitFor();
  });

  it('shows every field of the header', async () => {
    const page = await open('top.qcow2');
    await page.showTab('header');
    expect((await page.headerField('magic')).raw).toBe('0x514649fb');
    expect((await page.headerField('version')).raw).toBe('0x00000003');
    expect((await page.headerField('cluster_bits')).raw).toBe('0x00000010');
    expect((await page.headerField('cluster_bits')).decoded).toBe('64 KiB');
    expect((await page.headerField('size')).raw).toBe('0x0000000000800000');
    expect((await page.headerField('nb_snapshots')).raw).toBe('0x00000001');
    expect((await page.headerField('header_length')).raw).toBe('0x00000070');
    expect(await page.text('header-extensions')).toContain('backing file format');
    expect(await page.text('header-snapshots')).toContain('before-upgrade');
    expect(await page.text('header-features')).toContain('dirty');
  });

  it('copies the header as JSON', async () => {
    const page = await open('top.qcow2');
    await page.showTab('header');
    await page.get('copy-header').click();
    const field = page.get('go-to').locator('input');
    const pasted = await until('it can be pasted', async () => {
      await field.fill('');
      await field.focus();
      await window.page.keyboard.press('Control+V');
      return (await field.inputValue()) || undefined;
    });
    expect(pasted).toContain('"cluster_bits"');
  });

  it('shows the 32 subclusters of an extended entry', async () => {
    image({ extendedL2: true, clusterBits: 16 }).subclusters(0, 'DZ..').writeTo(files.path('extended.qcow2'));
    const page = await open('extended.qcow2');
    await page.showTab('cluster');
    await page.clickCell(0);
    await page.get('subclusters').waitFor();
    const states = await page
      .get('subclusters')
      .locator('li')
      .evaluateAll((items) => items.map((item) => (item as HTMLElement).dataset['state']));
    expect(states).toHaveLength(32);
    expect(states.slice(0, 4)).toEqual(['data', 'zero', 'unallocated', 'unallocated']);
  });

  /** The page of an image that declares clusters of 2^99 bytes. */
  async function openBroken(file: string): Promise<Frame> {
    const bytes = readFileSync(files.path('base.qcow2'));
    bytes.writeUInt32BE(99, 20);
    writeFileSync(file, bytes);
    return EditorPage.openUnreadable(window, file);
  }

  it('says what is wrong with an image that cannot be opened, and opens it when it is whole again', async () => {
    const broken = files.path('broken.qcow2');
    const frame = await openBroken(broken);
    const problem = await frame.locator('[data-testid="problem"]').innerText();
    expect(problem).toContain('99');
    expect(problem.split('\n')).toHaveLength(1);
    expect(await frame.locator('[data-testid="raw-header"]').innerText()).toContain('51 46 49 fb');
    expect(await frame.locator('tr[data-field="cluster_bits"]').innerText()).toContain('0x00000063');
    await window.screenshot('unreadable');
    copyFileSync(files.path('base.qcow2'), broken);
    // The page may have seen it by itself, and be gone.
    await frame
      .locator('[data-testid="retry"]')
      .click({ timeout: 1_000 })
      .catch(() => undefined);
    await EditorPage.of(window).then((page) => page.waitForCell(0, 'data'));
  });

  it('fits into a narrow window without scrolling', async () => {
    const page = await open('top.qcow2');
    await window.resize({ width: 800, height: 600 });
    const overflow = await page.frame.evaluate(() => {
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
      return [scrollWidth - clientWidth, scrollHeight - clientHeight];
    });
    expect(overflow).toEqual([0, 0]);
    const map = (await page.get('map').boundingBox())!;
    const panels = (await page.frame.locator('.panel-side').boundingBox())!;
    expect(map.height).toBeGreaterThan(60);
    expect(panels.y).toBeGreaterThan(map.y + map.height);
    await window.screenshot('narrow');
    await window.page.setViewportSize({ width: 1200, height: 800 });
  });

  it('has nothing cut off or covered in a window of any width', async () => {
    const { frame } = await open('top.qcow2');
    const found = new Set<string>();
    for (let width = 720; width <= 2800; width += 52) {
      await window.resize({ width, height: 800 });
      for (const fault of await layoutFaults(frame)) found.add(`${width}: ${fault}`);
    }
    await window.resize({ width: 1200, height: 800 });
    expect([...found]).toEqual([]);
  });
});
