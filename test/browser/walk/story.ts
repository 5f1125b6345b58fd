/**
 * The walk of a new user: the sample, its map, the bytes of a cluster, zeroes, undo and save, a damaged image that is found
 * and repaired, a chain. Each step ends with what must be visible; QEMU judges what was saved. `walk.test.ts` takes it with
 * the mouse and with the keyboard, `film.pictures.ts` makes pictures of it.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { expect } from 'vitest';
import { DamagedFile } from '../../support/damagedFile';
import { image } from '../../support/imageBuilder';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import type { Workspace } from '../../support/workspace';
import { expectSoon, until } from '../harness/until';
import type { Window } from '../harness/window';
import { EditorPage } from '../pages/editorPage';
import type { Hands } from './hands';

/** Of the sample, in bytes; of the images in the workspace. */
const SAMPLE_CLUSTER = 4096;
const SAMPLE_SIZE = 4 * 1024 * 1024;
const CLUSTER = 65536;
/** Guest clusters of the sample that are zeroed: data that no snapshot has, too. */
const FIRST = 520;
const LAST = 525;
const ZEROED = { start: FIRST * SAMPLE_CLUSTER, length: (LAST - FIRST + 1) * SAMPLE_CLUSTER };

/** Opened to be written, an image with a bitmap is written. */
const READ_ONLY = ['-r'];

export interface Step {
  /** Continues "The person …". */
  readonly name: string;
  run(walk: Walk): Promise<void>;
}

/** Where the walk has got to. */
export class Walk {
  #sample: { readonly path: string; readonly before: Buffer } | undefined;

  constructor(
    readonly window: Window,
    readonly hands: Hands,
    readonly files: Workspace,
  ) {}

  /** Writes the images that the walk meets in its workspace. */
  static prepare(files: Workspace): void {
    const damaged = files.path('damaged.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', damaged, '16M']);
    mustQemuIo(damaged, ['write -P 1 0 1M', 'write -P 2 320k 64k']);
    DamagedFile.do(damaged, (file) => {
      file.setRefcount(file.hostCluster(3), 0);
      file.setEntry(7, file.entry(5));
      file.leak(2);
    });
    image({ size: '16M' }).data(0, 90).compressed(120, 30).writeTo(files.path('base.qcow2'));
    image({ size: '16M', backing: { name: 'base.qcow2', format: 'qcow2' } })
      .data(40, 20)
      .zeroPlain(100, 8)
      .writeTo(files.path('middle.qcow2'));
    image({ size: '16M', backing: { name: 'middle.qcow2', format: 'qcow2' } })
      .data(10, 6)
      .writeTo(files.path('top.qcow2'));
  }

  /** The page of the image with that name, once it is the one that is shown. */
  async pageOf(name: string): Promise<EditorPage> {
    await this.window.page.locator('.tab.active').filter({ hasText: name }).waitFor();
    return EditorPage.named(this.window, name);
  }

  /** The sample's path and its bytes as they were when it was opened. */
  async sample(): Promise<{ readonly path: string; readonly before: Buffer }> {
    if (this.#sample) return this.#sample;
    const path = await (await this.pageOf('sample.qcow2')).get('file-name').getAttribute('title');
    if (path === null) throw new Error('the page does not say where the sample is');
    return (this.#sample = { path, before: readFileSync(path) });
  }

  untilDirty(isDirty: boolean): Promise<unknown> {
    const dirty = this.window.page.locator('.tab.active.dirty');
    return until(
      `the tab is ${isDirty ? 'dirty' : 'clean'}`,
      async () => (await dirty.count()) > 0 === isDirty,
    );
  }

  untilHealth(page: EditorPage, kind: string): Promise<unknown> {
    return until(
      `the image is ${kind}`,
      async () => (await page.get('health').getAttribute('data-health')) === kind,
    );
  }

  untilText(page: EditorPage, testId: string, wanted: string): Promise<unknown> {
    const says = async (): Promise<boolean> =>
      (await page.get(testId).count()) === 1 && (await page.text(testId)).includes(wanted);
    return until(`“${testId}” says ${wanted}`, says);
  }
}

export const STORY: readonly Step[] = [
  {
    name: 'opens the sample',
    run: async (walk) => {
      await walk.hands.openSample();
      const page = await walk.pageOf('sample.qcow2');
      await page.waitForCell(4, 'data');
      expect(await page.text('virtual-size')).toBe('4 MiB virtual');
      expect((await walk.sample()).before.length).toBeGreaterThan(SAMPLE_CLUSTER);
    },
  },
  {
    name: 'reads the map: how much there is of a kind, and where',
    run: async (walk) => {
      const page = await walk.pageOf('sample.qcow2');
      await expectSoon(() => page.legendBytes('compressed')).toBe(70 * SAMPLE_CLUSTER);
      await walk.hands.press('[data-testid="legend-compressed"] button');
      await page.waitForCell(160, 'compressed');
      const data = await page.themeColour('data');
      await until('the other kinds fade', async () => !(await page.coloursOf(4)).includes(data));
    },
  },
  {
    name: 'goes to an offset, and finds which cluster it is and where it lies',
    run: async (walk) => {
      await walk.hands.press('[data-testid="legend-compressed"] button');
      await walk.hands.goTo(hex(ZEROED.start));
      const page = await walk.pageOf('sample.qcow2');
      await page.waitForCell(4, 'data');
      await walk.untilText(page, 'guest-offset', hex(ZEROED.start));
      expect(await page.text('host-offset')).toContain(hex(await hostOffset(walk, ZEROED.start)));
      expect(await page.text('refcount')).toBe('1');
    },
  },
  {
    name: "reads the cluster's bytes",
    run: async (walk) => {
      const page = await walk.pageOf('sample.qcow2');
      const { path } = await walk.sample();
      const bytes = readAt(path, await hostOffset(walk, ZEROED.start), 64);
      expect(await page.hexAt(ZEROED.start, 64)).toBe(bytes.toString('hex').replace(/..(?=.)/g, '$& '));
    },
  },
  {
    name: "scrolls to the disk's last byte, and from there to its cluster",
    run: async (walk) => {
      const page = await walk.pageOf('sample.qcow2');
      await walk.hands.scrollToLastByte();
      await page.hexAt(SAMPLE_SIZE - 8, 8);
      await walk.hands.followLastOffset();
      await walk.untilText(page, 'guest-offset', hex(SAMPLE_SIZE - SAMPLE_CLUSTER));
    },
  },
  {
    name: 'selects a range, and sees what it consists of',
    run: async (walk) => {
      const page = await walk.pageOf('sample.qcow2');
      await walk.hands.select(FIRST, LAST);
      const row = page.get('range-totals').locator('tr[data-kind="data"] [data-bytes]');
      await until('the range is counted', async () => {
        const isThere = (await row.count()) === 1;
        return isThere && (await row.getAttribute('data-bytes')) === String(ZEROED.length);
      });
    },
  },
  {
    name: 'asks what zeroing it would do, before anything happens',
    run: async (walk) => {
      await walk.hands.askToZero();
      const page = await walk.pageOf('sample.qcow2');
      await page.frame.locator('[data-testid="change-preview"][aria-busy="false"]').waitFor();
      await expectSoon(() => page.get('change-start').locator('input').inputValue()).toBe(hex(ZEROED.start));
      const row = page.get('preview').locator('tr[data-row="becameZero"]');
      expect(await row.getAttribute('data-bytes')).toBe(String(ZEROED.length));
      expect(await page.text('freed')).toContain('The file does not shrink');
      await page.untilEnabled('change-apply');
      await walk.untilDirty(false);
    },
  },
  {
    name: 'applies it: it is staged, and not on disk',
    run: async (walk) => {
      const page = await walk.pageOf('sample.qcow2');
      await walk.hands.applyChange();
      await page.get('change-dialog').waitFor({ state: 'hidden' });
      await walk.untilDirty(true);
      await page.waitForCell(FIRST + 1, 'zeroPlain');
      await until('the marks are painted', async () => (await page.stagedColoursOf(LAST)).size > 1);
      expect(await page.text('staged')).toBe('1 edit staged');
      const { path, before } = await walk.sample();
      expect(readFileSync(path).equals(before)).toBe(true);
    },
  },
  {
    name: 'takes it back',
    run: async (walk) => {
      const page = await walk.pageOf('sample.qcow2');
      await walk.hands.undo();
      await page.waitForCell(FIRST + 1, 'data');
      await walk.untilDirty(false);
      expect(await page.get('staged').count()).toBe(0);
    },
  },
  {
    name: 'does it again',
    run: async (walk) => {
      const page = await walk.pageOf('sample.qcow2');
      await walk.hands.redo();
      await page.waitForCell(FIRST + 1, 'zeroPlain');
      await walk.untilDirty(true);
    },
  },
  {
    name: 'saves: QEMU reads zeroes there, and finds the image sound',
    run: async (walk) => {
      await walk.hands.save();
      await walk.untilDirty(false);
      const page = await walk.pageOf('sample.qcow2');
      await until('the marks are gone', async () => (await page.stagedColoursOf(LAST)).size === 0);
      const { path, before } = await walk.sample();
      expect(readFileSync(path).equals(before)).toBe(false);
      mustQemuImg(['check', '-q', path]);
      mustQemuIo(path, [`read -P 0 ${ZEROED.start} ${ZEROED.length}`], undefined, READ_ONLY);
    },
  },
  {
    name: 'checks it: clean',
    run: async (walk) => {
      const page = await walk.pageOf('sample.qcow2');
      await page.untilChecked(() => walk.hands.check());
      await walk.untilHealth(page, 'clean');
    },
  },
  {
    name: 'opens an image that is damaged, and checks it',
    run: async (walk) => {
      expect(() => mustQemuImg(['check', '-q', walk.files.path('damaged.qcow2')])).toThrow();
      await walk.hands.openFile('damaged.qcow2');
      const page = await walk.pageOf('damaged.qcow2');
      await page.untilChecked(() => walk.hands.check());
      expect(await page.text('health')).toMatch(/^\d+ corruptions?$/);
      await walk.untilHealth(page, 'damaged');
    },
  },
  {
    name: 'follows a problem to its cluster',
    run: async (walk) => {
      await walk.hands.followProblem(`Show guest offset ${hex(3 * CLUSTER)}`);
      await walk.untilText(await walk.pageOf('damaged.qcow2'), 'guest-offset', hex(3 * CLUSTER));
    },
  },
  {
    name: 'asks what a repair would do',
    run: async (walk) => {
      await walk.hands.askToRepair();
      const page = await walk.pageOf('damaged.qcow2');
      await page.frame.locator('[data-testid="repair-preview"][aria-busy="false"]').waitFor();
      const copied = page.get('repair-actions').locator('tr[data-action="dataCopied"]');
      expect(await copied.getAttribute('data-count')).toBe('1');
      expect(await page.get('repair-losses').getAttribute('data-count')).toBe('0');
      expect(await page.get('repair-after').getAttribute('data-health')).toBe('clean');
      await page.untilEnabled('repair-apply');
    },
  },
  {
    name: 'repairs it: staged like any other change',
    run: async (walk) => {
      await walk.hands.applyRepair();
      const page = await walk.pageOf('damaged.qcow2');
      await page.get('repair-dialog').waitFor({ state: 'hidden' });
      await walk.untilHealth(page, 'clean');
      await walk.untilDirty(true);
    },
  },
  {
    name: 'saves the repair: QEMU finds the image sound',
    run: async (walk) => {
      await walk.hands.save();
      await walk.untilDirty(false);
      const path = walk.files.path('damaged.qcow2');
      mustQemuImg(['check', '-q', path]);
      const reads = ['read -P 1 0 320k', 'read -P 2 320k 64k', 'read -P 2 448k 64k', 'read -P 1 512k 512k'];
      mustQemuIo(path, reads, undefined, READ_ONLY);
    },
  },
  {
    name: 'finds a chain in the tree, and opens its top',
    run: async (walk) => {
      await walk.hands.openFromTree('top.qcow2');
      const page = await walk.pageOf('top.qcow2');
      await page.waitForCell(10, 'data');
      await page.waitForCell(0, 'backing2');
    },
  },
  {
    name: 'follows the chain down to the base',
    run: async (walk) => {
      const top = await walk.pageOf('top.qcow2');
      await walk.hands.showTab('chain');
      await until('the chain is shown', () => top.get('layer-2').isVisible());
      expect(await top.get('chain').locator('> li').count()).toBe(3);
      await walk.hands.press('[data-testid="layer-2"] button.layer-name');
      const base = await walk.pageOf('base.qcow2');
      await base.waitForCell(0, 'data');
      expect(walk.window.errors.filter((text) => text.includes('qcow2'))).toEqual([]);
    },
  },
];

const hex = (value: number): string => `0x${value.toString(16)}`;

interface Extent {
  readonly start: number;
  readonly length: number;
  readonly offset?: number;
}

const mapOf = (file: string): readonly Extent[] =>
  JSON.parse(mustQemuImg(['map', '-U', '--output=json', file]).toString()) as readonly Extent[];

/** Where QEMU says that a guest byte of the sample lies in its file. */
async function hostOffset(walk: Walk, guest: number): Promise<number> {
  const { path } = await walk.sample();
  const extent = mapOf(path).find(({ start, length }) => guest >= start && guest < start + length);
  if (extent?.offset === undefined) throw new Error(`${guest} has no place in ${path}`);
  return extent.offset + guest - extent.start;
}

function readAt(file: string, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const handle = openSync(file, 'r');
  readSync(handle, bytes, 0, length, offset);
  closeSync(handle);
  return bytes;
}
