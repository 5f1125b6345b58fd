/**
 * The states of the page by name, with the way to each and back. `states.test.ts` visits all of them and looks for
 * violations of axe-core, for elements that are cut off or overlap, and for movement. Quick inputs and message boxes belong
 * to VS Code, not to the page; Restricted Mode needs a separate window (`restricted.test.ts`).
 */
import type { Frame } from 'playwright-core';
import { printable } from '../../../src/text/printable';
import { DamagedFile } from '../../support/damagedFile';
import { Holder } from '../../support/holder';
import type { Workspace } from '../../support/workspace';
import { until } from '../harness/until';
import type { Window } from '../harness/window';
import { EditorPage } from '../pages/editorPage';
import { CLUSTER, TIB } from './images';

/** Where the states are shown. */
export class Stage {
  constructor(
    readonly window: Window,
    readonly files: Workspace,
  ) {}

  /** The map of an image; if the state before has left it on the screen, the one that is there. */
  async open(name: string): Promise<EditorPage> {
    const isShown = (await EditorPage.shownName(this.window)) === printable(name);
    return isShown ? EditorPage.of(this.window) : EditorPage.open(this.window, this.files.path(name));
  }

  openUnreadable(name: string): Promise<Frame> {
    return EditorPage.openUnreadable(this.window, this.files.path(name));
  }
}

export interface State {
  readonly name: string;
  /** Brings it about. @returns the page's document */
  show(stage: Stage): Promise<Frame>;
  /** Takes back what the next state should not meet. */
  leave?(stage: Stage): Promise<unknown>;
}

/** Of the state that is shown. */
let holder: Holder | undefined;

export const STATES: readonly State[] = [
  { name: 'an image without a cluster', show: async (stage) => (await stage.open('empty.qcow2')).frame },
  { name: 'a disk without a byte', show: async (stage) => (await stage.open('no-disk.qcow2')).frame },
  {
    name: 'all kinds of clusters, nothing selected',
    show: async (stage) => {
      const page = await stage.open('kinds.qcow2');
      await page.waitForCell(0, 'data');
      return page.frame;
    },
  },
  {
    name: 'a kind that the legend highlights',
    show: (stage) => toggleHighlight(stage, true),
    leave: (stage) => toggleHighlight(stage, false),
  },
  {
    name: 'one cluster selected',
    show: async (stage) => {
      const page = await stage.open('kinds.qcow2');
      await page.clickCell(130);
      await page.get('cluster-report').waitFor();
      return page.frame;
    },
  },
  {
    name: 'a range selected',
    show: async (stage) => {
      const page = await stage.open('kinds.qcow2');
      await page.clickCell(100);
      await stage.window.page.keyboard.down('Shift');
      await page.clickCell(320);
      await stage.window.page.keyboard.up('Shift');
      await page.frame.locator('[data-testid="range-totals"][aria-busy="false"]').waitFor();
      return page.frame;
    },
  },
  {
    name: 'the bytes scrolled to their end',
    show: async (stage) => {
      const page = await stage.open('kinds.qcow2');
      await page.frame.locator('#hex-dump').focus();
      await stage.window.page.keyboard.press('End');
      await page.hexAt(64 * 1024 * 1024 - 8, 8);
      return page.frame;
    },
  },
  {
    name: 'a place that is none',
    show: async (stage) => {
      const page = await stage.open('kinds.qcow2');
      await page.goTo('nowhere');
      await page.get('go-to-problem').waitFor();
      return page.frame;
    },
    leave: async (stage) => (await stage.open('kinds.qcow2')).goTo('#1'),
  },
  {
    name: 'the header',
    show: (stage) => tab(stage, 'kinds.qcow2', 'header'),
    leave: backToCluster('kinds.qcow2'),
  },
  {
    name: 'a chain of three',
    show: (stage) => tab(stage, 'top.qcow2', 'chain'),
    leave: backToCluster('top.qcow2'),
  },
  {
    name: 'a cluster that a layer provides',
    show: async (stage) => {
      const page = await stage.open('top.qcow2');
      await page.clickCell(0);
      await page.get('provider').waitFor();
      return page.frame;
    },
  },
  {
    name: 'a chain with a missing link',
    show: (stage) => tab(stage, 'orphan.qcow2', 'chain'),
    leave: backToCluster('orphan.qcow2'),
  },
  {
    name: 'bytes that cannot be read',
    show: async (stage) => {
      const page = await stage.open('orphan.qcow2');
      await page.goTo('#20');
      await page.frame.locator('.hex-problem').waitFor();
      return page.frame;
    },
  },
  {
    name: 'subclusters',
    show: async (stage) => {
      const page = await stage.open('subclusters.qcow2');
      await page.clickCell(0);
      await page.get('subclusters').waitFor();
      return page.frame;
    },
  },
  {
    name: 'the dialog of Write Zeroes, with a preview',
    show: (stage) => changeDialog(stage, 'top.qcow2', 'writeZeroes', '1M'),
    leave: (stage) => leaveDialog(stage, 'top.qcow2', 'change'),
  },
  {
    name: 'the dialog of Discard, with a range that is none',
    show: (stage) => changeDialog(stage, 'kinds.qcow2', 'discard', '1P'),
    leave: (stage) => leaveDialog(stage, 'kinds.qcow2', 'change'),
  },
  {
    name: 'staged edits',
    show: async (stage) => {
      const frame = await changeDialog(stage, 'top.qcow2', 'writeZeroes', '4M');
      const page = await EditorPage.of(stage.window);
      const question = page.get('change-question').locator('vscode-checkbox');
      if ((await question.count()) > 0) await question.click();
      await page.applyChange();
      await page.clickCell(4);
      await until('it is shown', async () => (await page.text('guest-offset')).startsWith('0x40000'));
      await page.get('staged-note').waitFor();
      return frame;
    },
    leave: async (stage) => {
      const page = await stage.open('top.qcow2');
      await page.get('map').focus();
      await stage.window.page.keyboard.press('Control+Z');
      await page.get('staged').waitFor({ state: 'detached' });
    },
  },
  {
    name: 'a check that found nothing',
    show: async (stage) => {
      const page = await stage.open('kinds.qcow2');
      await page.untilChecked(() => page.get('health').click());
      await page.frame.locator('[data-health="clean"]').waitFor();
      return page.frame;
    },
  },
  {
    name: 'a check that found damage',
    show: async (stage) => {
      const page = await stage.open('damaged.qcow2');
      await page.untilChecked(() => page.get('health').click());
      await page.get('repair').waitFor();
      return page.frame;
    },
  },
  {
    name: 'the dialog of Repair, with a loss',
    show: async (stage) => {
      const page = await stage.open('damaged.qcow2');
      await page.get('repair').click();
      await page.frame.locator('[data-testid="repair-preview"][aria-busy="false"]').waitFor();
      return page.frame;
    },
    leave: (stage) => leaveDialog(stage, 'damaged.qcow2', 'repair'),
  },
  {
    name: 'the file view, with a cluster that is used twice',
    show: async (stage) => {
      const page = await stage.open('damaged.qcow2');
      const shared = DamagedFile.do(stage.files.path('damaged.qcow2'), (file) => file.hostCluster(5));
      await page.get('space-file').click();
      await page.waitForFileCell(0, 'header');
      await page.clickCell(shared);
      await page.get('claims').waitFor();
      return page.frame;
    },
    leave: async (stage) => (await stage.open('damaged.qcow2')).get('space-guest').click(),
  },
  {
    name: 'the space of an image with snapshots and bitmaps',
    show: async (stage) => {
      const page = await stage.open('kinds.qcow2');
      await page.showTab('space');
      await page.get('space-report').waitFor();
      return page.frame;
    },
    leave: async (stage) => (await stage.open('kinds.qcow2')).showTab('cluster'),
  },
  {
    name: 'the space of a damaged image',
    show: async (stage) => {
      const page = await stage.open('damaged.qcow2');
      await page.showTab('space');
      await page.get('part-leaked').waitFor();
      return page.frame;
    },
    leave: async (stage) => (await stage.open('damaged.qcow2')).showTab('cluster'),
  },
  {
    name: 'what a content scan has found',
    show: async (stage) => {
      const page = await stage.open('bloated.qcow2');
      await page.showTab('space');
      await page.get('space-scan').click();
      await page.get('part-dataSame').waitFor();
      await page.get('legend-dataSame').waitFor();
      await page.clickCell(40);
      return page.frame;
    },
  },
  {
    name: 'a part of the file that its bar has led to',
    show: async (stage) => {
      const page = await stage.open('bloated.qcow2');
      await page.get('piece-dataSame').click();
      await page.get('legend-dataSame').locator('[aria-pressed="true"]').waitFor();
      return page.frame;
    },
    leave: async (stage) => (await stage.open('bloated.qcow2')).get('piece-dataSame').click(),
  },
  {
    name: 'a cluster of zeroes that a content scan has found',
    show: async (stage) => {
      const page = await stage.open('bloated.qcow2');
      await page.showTab('cluster');
      await page.clickCell(40);
      await page.get('found-note').waitFor();
      return page.frame;
    },
  },
  {
    name: 'the file view, with holes',
    show: async (stage) => {
      const page = await stage.open('hollow.qcow2');
      await page.get('space-file').click();
      await page.get('legend-hole').waitFor();
      await page.goTo('#100');
      await page.get('host-stored').waitFor();
      return page.frame;
    },
    leave: async (stage) => (await stage.open('hollow.qcow2')).get('space-guest').click(),
  },
  {
    name: 'what a shrink would free',
    show: async (stage) => {
      const page = await stage.open('top.qcow2');
      await page.showTab('space');
      await page.get('space-shrink').click();
      await page.get('shrink-scan').click();
      await page.get('shrink-row-zeroes').locator('[data-bytes]').waitFor();
      await page.get('shrink-preview').locator(':scope[aria-busy="false"]').waitFor();
      return page.frame;
    },
    leave: async (stage) => {
      await leaveDialog(stage, 'top.qcow2', 'shrink');
      await (await stage.open('top.qcow2')).showTab('cluster');
    },
  },
  {
    name: 'what the guest does not use',
    show: async (stage) => {
      const page = await stage.open('two-systems.qcow2');
      await page.showTab('space');
      await page.get('space-guest-look').click();
      await page.get('guest-free-shrink-fileSystem:1').click();
      await page.untilEnabled('shrink-apply');
      return page.frame;
    },
    leave: async (stage) => {
      await leaveDialog(stage, 'two-systems.qcow2', 'shrink');
      await (await stage.open('two-systems.qcow2')).showTab('cluster');
    },
  },
  {
    name: 'a file that is being compacted',
    show: async (stage) => {
      const page = await stage.open('half-empty.qcow2');
      await page.showTab('space');
      await page.get('space-report').waitFor();
      await page.get('way-out-free-compact').click();
      await stage.window.dialog.getByRole('button', { name: /^(Compact|Kompaktieren)$/ }).click();
      await page.get('compaction').waitFor();
      return page.frame;
    },
    leave: async (stage) => {
      const page = await stage.open('half-empty.qcow2');
      await page.get('compaction-stop').click();
      await page.get('compaction').waitFor({ state: 'detached' });
      await page.showTab('cluster');
    },
  },
  { name: 'an image that was not closed', show: async (stage) => (await stage.open('dirty.qcow2')).frame },
  {
    name: 'an image that is corrupt, and read-only for it',
    show: async (stage) => (await stage.open('corrupt.qcow2')).frame,
  },
  {
    name: 'an image that a QEMU process has open',
    show: async (stage) => {
      holder = await Holder.open(stage.files.path('held.qcow2'));
      const page = await stage.open('held.qcow2');
      await page.get('access').filter({ hasText: 'qemu-io' }).waitFor();
      return page.frame;
    },
    leave: () => holder?.end() ?? Promise.resolve(),
  },
  {
    name: 'an image with two names, and read-only for it, held as well',
    show: async (stage) => {
      holder = await Holder.open(stage.files.path('two-names.qcow2'));
      const page = await stage.open('two-names.qcow2');
      await page.get('access').filter({ hasText: 'qemu-io' }).waitFor();
      await page.get('access').locator('.badge.is-plain').waitFor();
      return page.frame;
    },
    leave: () => holder?.end() ?? Promise.resolve(),
  },
  {
    name: 'an incomplete file, at a cluster that is missing',
    show: async (stage) => {
      const page = await stage.open('cut.qcow2');
      await page.get('notice').waitFor();
      // A notice of the check may come in between, and move the map away from under the pointer.
      await until('the missing cluster is explained', async () => {
        await page.clickCell(190);
        return page
          .get('entry-problem')
          .waitFor({ timeout: 3000 })
          .then(
            () => true,
            () => false,
          );
      });
      return page.frame;
    },
  },
  {
    name: 'the dialog of Repair for an incomplete file',
    show: async (stage) => {
      const page = await stage.open('cut.qcow2');
      await page.get('repair').click();
      await page.get('repair-dialog').waitFor();
      return page.frame;
    },
    leave: (stage) => leaveDialog(stage, 'cut.qcow2', 'repair'),
  },
  {
    name: 'an entry that is invalid, and why',
    show: async (stage) => {
      const page = await stage.open('damaged.qcow2');
      await page.goTo('#11');
      await until('it is shown', async () => (await page.text('guest-offset')).startsWith('0xb0000'));
      await page.get('entry-problem').waitFor();
      return page.frame;
    },
  },
  {
    name: 'a raw disk with a partition table',
    show: async (stage) => {
      const page = await stage.open('raw.qcow2');
      await page.clickCell(0);
      await page.get('cluster-report').waitFor();
      return page.frame;
    },
  },
  { name: 'a file that is no image', show: (stage) => stage.openUnreadable('broken.qcow2') },
  {
    name: 'a disk of 1 TiB, at its last cluster',
    show: async (stage) => {
      const page = await stage.open('giant.qcow2');
      await page.goTo(`#${TIB / CLUSTER - 1}`);
      const last = `0x${(TIB - CLUSTER).toString(16)}`;
      await until('it is shown', async () => (await page.text('guest-offset')).startsWith(last));
      return page.frame;
    },
  },
  {
    name: 'an image that is being opened',
    show: async (stage) => {
      const { frame } = await stage.open('empty.qcow2');
      await setLoading(frame, true);
      return frame;
    },
    leave: async (stage) => setLoading(await stage.window.webview(), false),
  },
];

async function toggleHighlight(stage: Stage, isOn: boolean): Promise<Frame> {
  const page = await stage.open('kinds.qcow2');
  await page.get('legend-compressed').locator('button').click();
  await page.frame.locator(`[data-testid="legend-compressed"] [aria-pressed="${String(isOn)}"]`).waitFor();
  return page.frame;
}

async function tab(stage: Stage, name: string, shown: 'header' | 'chain'): Promise<Frame> {
  const page = await stage.open(name);
  await page.showTab(shown);
  await page.get(shown === 'header' ? 'header-panel' : 'chain').waitFor();
  return page.frame;
}

function backToCluster(name: string): (stage: Stage) => Promise<void> {
  return async (stage) => (await stage.open(name)).showTab('cluster');
}

async function changeDialog(
  stage: Stage,
  name: string,
  kind: 'writeZeroes' | 'discard',
  length: string,
): Promise<Frame> {
  const page = await stage.open(name);
  await page.get(`change-${kind}`).click();
  await page.get('change-start').locator('input').fill('0');
  await page.get('change-length').locator('input').fill(length);
  await page.frame.locator('[data-testid="change-preview"][aria-busy="false"]').waitFor();
  // What stands in the way of it is known.
  await page.get('change-checking').waitFor({ state: 'detached' });
  return page.frame;
}

async function leaveDialog(
  stage: Stage,
  name: string,
  dialog: 'change' | 'repair' | 'shrink',
): Promise<void> {
  const page = await stage.open(name);
  await page.get(`${dialog}-cancel`).click();
  await page.get(`${dialog}-dialog`).waitFor({ state: 'hidden' });
}

/** A moment that no test could hold still: how it looks, once it has appeared. */
const setLoading = (frame: Frame, isLoading: boolean): Promise<unknown> =>
  frame.evaluate(async (on) => {
    document.querySelector('.page')?.classList.toggle('is-loading', on);
    await Promise.all(document.getAnimations().map(({ finished }) => finished));
  }, isLoading);
