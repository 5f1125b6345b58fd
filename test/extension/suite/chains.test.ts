/** The tree view "Backing Chains": the provider and the items that VS Code shows. */
import * as assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ChainNode } from '../../../src/chains/chainModel';
import type { Exports } from '../../../src/extension';
import { activateExtension, closeAllEditors, openedDocument, waitFor } from '../support/extension';
import { ImageFolder, qemuImg } from '../support/images';

describe('the tree of backing chains', () => {
  let exports: Exports;
  let folder: ImageFolder;
  let outside: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    outside = ImageFolder.outside();
    await vscode.commands.executeCommand('qcow2.chains.focus');
  });

  beforeEach(async () => {
    folder = ImageFolder.inWorkspace('chains');
    await vscode.commands.executeCommand('qcow2.refreshBackingChains');
  });

  afterEach(async () => {
    folder.remove();
    await vscode.commands.executeCommand('qcow2.chains.clearFilter');
    await vscode.commands.executeCommand('qcow2.chains.showBases');
    await closeAllEditors();
  });

  after(() => {
    outside.remove();
  });

  const labelOf = (node: ChainNode): string => exports.chains.tree.itemOf(node).label as string;

  /** The tree as nested lists: `top > base`, a chain a line. */
  async function lines(node?: ChainNode): Promise<string[]> {
    const children = await exports.chains.tree.getChildren(node);
    const nested = await Promise.all(
      children.map(async (child) => {
        const below = await lines(child);
        return below.length === 0 ? [labelOf(child)] : below.map((line) => `${labelOf(child)} > ${line}`);
      }),
    );
    return nested.flat();
  }

  async function waitForLines(...expected: string[]): Promise<void> {
    let last: string[] = [];
    try {
      await waitFor('the tree', async () => {
        last = await lines();
        return JSON.stringify(last) === JSON.stringify(expected);
      });
    } catch {
      assert.deepEqual(last, expected);
    }
  }

  /** top.qcow2 over middle.qcow2 over base.qcow2. */
  function chainOfThree(): void {
    folder.create('base.qcow2', '16M');
    folder.overlay('middle.qcow2', 'base.qcow2');
    folder.overlay('top.qcow2', 'middle.qcow2');
  }

  it('draws again what shows an image when more is known of it, and nothing else', async () => {
    chainOfThree();
    await waitForLines('top.qcow2 > middle.qcow2 > base.qcow2');
    const drawn = new Set<string>();
    const subscription = exports.chains.tree.onDidChangeTreeData((nodes) => {
      for (const label of nodes?.map(labelOf) ?? ['all']) drawn.add(label);
    });
    // The items may not have been asked for yet, and the last files that came may still be told.
    await waitFor('that image alone to be drawn again', async () => {
      drawn.clear();
      await vscode.commands.executeCommand('qcow2.check', folder.uri('middle.qcow2'));
      return [...drawn].join() === 'middle.qcow2';
    });
    subscription.dispose();
  });

  it('shows chains from the top down to the base, as files come', async () => {
    await waitForLines();
    chainOfThree();
    await waitForLines('top.qcow2 > middle.qcow2 > base.qcow2');
    folder.overlay('second.qcow2', 'base.qcow2');
    folder.create('alone.qcow2', '1M');
    await waitForLines('alone.qcow2', 'second.qcow2 > base.qcow2', 'top.qcow2 > middle.qcow2 > base.qcow2');
  });

  it('turned round, shows a base and who uses it', async () => {
    chainOfThree();
    folder.overlay('second.qcow2', 'base.qcow2');
    await waitForLines('second.qcow2 > base.qcow2', 'top.qcow2 > middle.qcow2 > base.qcow2');
    await vscode.commands.executeCommand('qcow2.chains.showUsers');
    await waitForLines('base.qcow2 > middle.qcow2 > top.qcow2', 'base.qcow2 > second.qcow2');
  });

  it('says of each layer what it is', async () => {
    chainOfThree();
    await waitForLines('top.qcow2 > middle.qcow2 > base.qcow2');
    const [top] = await exports.chains.tree.getChildren();
    assert.ok(top);
    const item = exports.chains.tree.itemOf(top);
    assert.match(String(item.description), /^v3 · 16 MiB · \d+ KiB on disk · new · chains$/);
    assert.equal(item.contextValue, 'image');
    exports.chains.tree.resolveTreeItem(item, top);
    const tooltip = tooltipText(item);
    for (const part of ['middle.qcow2', 'Virtual size', '64 KiB']) {
      assert.ok(tooltip.includes(part), part);
    }
  });

  it('says of a file that is no qcow2 image what it is, and offers nothing that it cannot do', async () => {
    writeFileSync(folder.file('raw.qcow2'), Buffer.alloc(65536));
    await waitForLines('raw.qcow2');
    const [node] = await exports.chains.tree.getChildren();
    assert.ok(node);
    const item = exports.chains.tree.itemOf(node);
    assert.match(String(item.description), /^Not a qcow2 image: it begins with zeroes/);
    assert.equal((item.iconPath as vscode.ThemeIcon).id, 'warning');
    assert.equal(item.contextValue, 'image.raw');
  });

  it('makes a broken link stand out, and repairs it when the file comes', async () => {
    chainOfThree();
    await waitForLines('top.qcow2 > middle.qcow2 > base.qcow2');
    renameSync(folder.file('base.qcow2'), folder.file('other.qcow2'));
    await waitForLines('other.qcow2', 'top.qcow2 > middle.qcow2 > base.qcow2');
    const broken = await waitFor('the broken link', async () => {
      const [, top] = await exports.chains.tree.getChildren();
      const [middle] = await exports.chains.tree.getChildren(top);
      const [link] = await exports.chains.tree.getChildren(middle);
      return link?.kind === 'broken' && link;
    });
    const item = exports.chains.tree.itemOf(broken);
    assert.equal(item.description, 'missing');
    assert.equal((item.iconPath as vscode.ThemeIcon).id, 'error');
    assert.equal(item.contextValue, 'broken');
    const [, top] = await exports.chains.tree.getChildren();
    assert.ok(top);
    const topItem = exports.chains.tree.itemOf(top);
    assert.equal((topItem.iconPath as vscode.ThemeIcon).id, 'warning');
    assert.match(String(topItem.description), /broken chain/);
    renameSync(folder.file('other.qcow2'), folder.file('base.qcow2'));
    await waitFor('the link to be repaired', async () => {
      const [top] = await exports.chains.tree.getChildren();
      const [middle] = await exports.chains.tree.getChildren(top);
      const [base] = await exports.chains.tree.getChildren(middle);
      return base?.kind === 'image';
    });
  });

  it('shows a refused name with its reason, and a ring as one', async () => {
    qemuImg(
      'create',
      '-q',
      '-f',
      'qcow2',
      '-u',
      '-b',
      'nbd://example.invalid/x',
      '-F',
      'raw',
      folder.file('far.qcow2'),
      '1M',
    );
    qemuImg(
      'create',
      '-q',
      '-f',
      'qcow2',
      '-u',
      '-b',
      'b.qcow2',
      '-F',
      'qcow2',
      folder.file('a.qcow2'),
      '1M',
    );
    qemuImg(
      'create',
      '-q',
      '-f',
      'qcow2',
      '-u',
      '-b',
      'a.qcow2',
      '-F',
      'qcow2',
      folder.file('b.qcow2'),
      '1M',
    );
    await waitForLines('a.qcow2 > b.qcow2 > a.qcow2', 'far.qcow2 > nbd://example.invalid/x');
    const [ring, far] = await exports.chains.tree.getChildren();
    const [second] = await exports.chains.tree.getChildren(ring);
    const [closing] = await exports.chains.tree.getChildren(second);
    assert.ok(closing?.kind === 'broken');
    assert.equal(closing.reason, 'cycle');
    const [refused] = await exports.chains.tree.getChildren(far);
    assert.ok(refused);
    assert.match(String(exports.chains.tree.itemOf(refused).description), /nbd/);
  });

  it('follows names out of the workspace, and to raw files', async () => {
    const base = outside.create('shared.qcow2', '4M');
    folder.create('over.qcow2', undefined, '-b', base, '-F', 'qcow2');
    writeFileSync(folder.file('plain.raw'), new Uint8Array(1024 * 1024));
    folder.create('raw.qcow2', undefined, '-b', 'plain.raw', '-F', 'raw');
    await waitForLines('over.qcow2 > shared.qcow2', 'raw.qcow2 > plain.raw');
    const [over, raw] = await exports.chains.tree.getChildren();
    const [shared] = await exports.chains.tree.getChildren(over);
    assert.ok(shared?.kind === 'image' && shared.isOutside);
    const [plain] = await exports.chains.tree.getChildren(raw);
    assert.ok(plain);
    assert.match(String(exports.chains.tree.itemOf(plain).description), /^raw · 1 MiB/);
  });

  it('follows files that are deleted, renamed and moved with their folder', async () => {
    mkdirSync(folder.file('inner'));
    folder.create('inner/one.qcow2', '1M');
    folder.create('two.qcow2', '1M');
    await waitForLines('one.qcow2', 'two.qcow2');
    renameSync(folder.file('two.qcow2'), folder.file('three.qcow2'));
    await waitForLines('one.qcow2', 'three.qcow2');
    renameSync(folder.file('inner'), outside.file('inner'));
    await waitForLines('three.qcow2');
    renameSync(outside.file('inner'), folder.file('moved'));
    await waitForLines('one.qcow2', 'three.qcow2');
    rmSync(folder.file('moved'), { recursive: true });
    await waitForLines('three.qcow2');
  });

  it('shows an unusable image with its problem', async () => {
    writeFileSync(folder.file('broken.qcow2'), 'QFI\xfb', 'latin1');
    await waitForLines('broken.qcow2');
    const [node] = await exports.chains.tree.getChildren();
    assert.ok(node);
    const item = exports.chains.tree.itemOf(node);
    assert.equal((item.iconPath as vscode.ThemeIcon).id, 'error');
    assert.match(String(item.description), /version 0/);
  });

  it('filters by the path of any layer', async () => {
    chainOfThree();
    folder.create('alone.qcow2', '1M');
    await waitForLines('alone.qcow2', 'top.qcow2 > middle.qcow2 > base.qcow2');
    await vscode.commands.executeCommand('qcow2.chains.filter', 'MIDDLE');
    await waitForLines('top.qcow2 > middle.qcow2 > base.qcow2');
    await vscode.commands.executeCommand('qcow2.chains.clearFilter');
    await waitForLines('alone.qcow2', 'top.qcow2 > middle.qcow2 > base.qcow2');
  });

  it('is read again by Refresh', async () => {
    copyFileSync(folder.create('first.qcow2', '1M'), folder.file('second.qcow2'));
    await vscode.commands.executeCommand('qcow2.refreshBackingChains');
    assert.deepEqual(await lines(), ['first.qcow2', 'second.qcow2']);
  });

  it('opens a layer, and gives its path', async () => {
    chainOfThree();
    await waitForLines('top.qcow2 > middle.qcow2 > base.qcow2');
    const [top] = await exports.chains.tree.getChildren();
    await vscode.commands.executeCommand('qcow2.chains.copyPath', top);
    assert.equal(await vscode.env.clipboard.readText(), folder.file('top.qcow2'));
    await vscode.commands.executeCommand('qcow2.chains.openToSide', top);
    const { state } = await openedDocument(exports, folder.uri('top.qcow2'));
    assert.equal(state.chain?.layers.length, 3);
  });

  it('marks what came since the workspace was opened', async () => {
    await waitForLines();
    chainOfThree();
    await waitForLines('top.qcow2 > middle.qcow2 > base.qcow2');
    const [top] = await exports.chains.tree.getChildren();
    assert.ok(top);
    assert.match(String(exports.chains.tree.itemOf(top).description), / · new · /);
  });

  it('tells what depends on an image, and selects one in the view', async () => {
    chainOfThree();
    await waitForLines('top.qcow2 > middle.qcow2 > base.qcow2');
    const base = folder.uri('base.qcow2');
    const dependents = await vscode.commands.executeCommand('qcow2.showDependents', base);
    assert.deepEqual(dependents, [folder.file('middle.qcow2'), folder.file('top.qcow2')]);
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    assert.deepEqual(
      await vscode.commands.executeCommand('qcow2.showDependents', folder.uri('top.qcow2')),
      [],
    );
    assert.equal(await vscode.commands.executeCommand('qcow2.showInChains', base), true);
    const selected = await waitFor('the selection', () => exports.chains.chosen(undefined));
    assert.ok(selected.kind === 'image');
    assert.equal(selected.image.path, base.fsPath);
  });

  it('drops a filter that hides the image which is to be shown', async () => {
    chainOfThree();
    const alone = vscode.Uri.file(folder.create('alone.qcow2', '1M'));
    await waitForLines('alone.qcow2', 'top.qcow2 > middle.qcow2 > base.qcow2');
    await vscode.commands.executeCommand('qcow2.chains.filter', 'middle');
    assert.equal(await vscode.commands.executeCommand('qcow2.showInChains', folder.uri('base.qcow2')), true);
    assert.equal(exports.chains.filter, 'middle');
    assert.equal(await vscode.commands.executeCommand('qcow2.showInChains', alone), true);
    assert.equal(exports.chains.filter, '');
  });

  it('says in a tooltip who uses an image', async () => {
    chainOfThree();
    await waitForLines('top.qcow2 > middle.qcow2 > base.qcow2');
    const { tree } = exports.chains;
    const base = tree.nodeOf(folder.file('base.qcow2'));
    assert.ok(base);
    assert.match(tooltipText(tree.resolveTreeItem(tree.itemOf(base), base)), /Used by.*middle/);
  });
});

/** What a tooltip shows: names stand in it as character references, which are never markup. */
function tooltipText({ tooltip }: vscode.TreeItem): string {
  const { value } = tooltip as vscode.MarkdownString;
  return value.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
}
