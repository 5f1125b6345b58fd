/** Images are recognised by their content: the guard of bases, the tree and the menus work with any name. */
import * as assert from 'node:assert/strict';
import { linkSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { openImage, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, openedDocument, waitFor } from '../support/extension';
import { ImageFolder, qemuImg } from '../support/images';

const MIB = 1024 * 1024;

describe('an image of any name', () => {
  let exports: Exports;
  let folder: ImageFolder;
  let outside: ImageFolder;
  /** Settings that were changed, with their previous values. */
  const former = new Map<string, unknown>();

  before(async () => {
    exports = await activateExtension();
    await exports.chains.index.start();
  });

  beforeEach(() => {
    folder = ImageFolder.inWorkspace('recognise');
    outside = ImageFolder.outside();
  });

  afterEach(async () => {
    await closeAllEditors();
    for (const [name, value] of former) await set(name, value);
    former.clear();
    folder.remove();
    outside.remove();
    await exports.chains.index.refresh();
  });

  async function set(name: string, value: unknown): Promise<void> {
    const settings = vscode.workspace.getConfiguration();
    if (!former.has(name)) former.set(name, settings.inspect(name)?.globalValue);
    await settings.update(name, value, vscode.ConfigurationTarget.Global);
  }

  /** What the guards ask before an image is changed. */
  async function questionsOf(path: string): Promise<string> {
    const uri = vscode.Uri.file(path);
    await vscode.commands.executeCommand('vscode.openWith', uri, 'qcow2.editorForAnyFile');
    const { document } = await openedDocument(exports, uri);
    const { refusals, questions } = await exports.guards(document);
    assert.deepEqual(refusals, []);
    return questions.map(({ text }) => text).join('\n');
  }

  /** An overlay that names its base exactly as given, whether it exists or not. */
  function overlay(path: string, backing: string, format = 'qcow2'): void {
    mkdirSync(dirname(path), { recursive: true });
    qemuImg('create', '-q', '-f', 'qcow2', '-u', '-b', backing, '-F', format, path, '16M');
  }

  /** Makes a base and who uses it; answers with the base, and the name that has to be told. */
  type Arrange = () => { readonly base: string; readonly user: string };

  const named =
    (name: string, isAbsolute = false, format = 'qcow2'): Arrange =>
    () => {
      const base = folder.create('base.qcow2', '16M');
      const path = folder.file(name);
      overlay(path, isAbsolute ? base : relative(dirname(path), base), format);
      return { base, user: basename(name) };
    };

  const MATRIX: Readonly<Record<string, Arrange>> = {
    'with the ending .img': named('disk.img'),
    'with an ending of libvirt': named('guest.snap1'),
    'without an ending': named('guest'),
    'with an odd name': named('a [b] {c}, $(x)'),
    'of the usual name': named('over.qcow2'),
    'in a subfolder': named('snapshots/deep/guest.snap1'),
    'that names its base by an absolute path': named('sub/disk.img', true),
    'that takes its base for raw': named('disk.img', false, 'raw'),
    'over a base without an ending': () => {
      const base = folder.create('base', '16M');
      overlay(folder.file('over'), 'base');
      return { base, user: 'over' };
    },
    'in a folder beside that of its base': () => {
      mkdirSync(folder.file('bases'));
      const base = folder.create('bases/base.img', '16M');
      overlay(folder.file('machines/disk.img'), '../bases/base.img');
      return { base, user: 'disk.img' };
    },
    'that is a link to a file elsewhere, with a relative name': () => {
      const base = outside.create('base.img', '16M');
      overlay(outside.file('inner/over.img'), '../base.img');
      symlinkSync(outside.file('inner/over.img'), folder.file('link'));
      return { base, user: 'link' };
    },
    'that names its base by a link': () => {
      mkdirSync(folder.file('bases'));
      const base = folder.create('bases/base.img', '16M');
      symlinkSync('bases/base.img', folder.file('current'));
      overlay(folder.file('disk.img'), 'current');
      return { base, user: 'disk.img' };
    },
    'that is a hard link to a file elsewhere': () => {
      const base = outside.create('base.img', '16M');
      overlay(outside.file('inner/over.img'), base);
      linkSync(outside.file('inner/over.img'), folder.file('hard'));
      return { base, user: 'hard' };
    },
    'whose base is changed by a link': () => {
      folder.create('base.img', '16M');
      overlay(folder.file('disk.img'), 'base.img');
      symlinkSync(folder.file('base.img'), outside.file('link.img'));
      return { base: outside.file('link.img'), user: 'disk.img' };
    },
    'over a base outside of the workspace': () => {
      const base = outside.create('base.img', '16M');
      overlay(folder.file('disk.img'), base);
      return { base, user: 'disk.img' };
    },
    'beside a base outside of the workspace': () => {
      const base = outside.create('base.img', '16M');
      overlay(outside.file('guest.snap1'), 'base.img');
      return { base, user: 'guest.snap1' };
    },
    'between a base and a file that is known': () => {
      const base = outside.create('base.img', '16M');
      overlay(outside.file('elsewhere/middle'), '../base.img');
      overlay(folder.file('top.snap1'), outside.file('elsewhere/middle'));
      return { base, user: 'middle' };
    },
    'with a broken top': () => {
      const base = folder.create('base.img', '16M');
      overlay(folder.file('disk.img'), 'base.img');
      overlay(folder.file('lost'), 'not-there.img');
      return { base, user: 'disk.img' };
    },
  };

  for (const [what, arrange] of Object.entries(MATRIX)) {
    it(`${what} is told before its base is changed, and that it may be unknown where the index is off`, async () => {
      const { base, user } = arrange();
      // The index has not been told of the new files yet.
      await exports.chains.index.refresh();
      const asked = await questionsOf(base);
      assert.ok(asked.includes('use this image as their backing file') && asked.includes(user), asked);
      assert.doesNotMatch(asked, /may/);
      await closeAllEditors();

      await set('qcow2.index.enabled', false);
      const askedBlind = await questionsOf(base);
      assert.match(askedBlind, /use this image as their backing file/);
      assert.match(askedBlind, /indexing is off/);
    });
  }

  it('lies in the folder of its base, and is told by name although the index is off', async () => {
    await set('qcow2.index.enabled', false);
    const base = folder.create('base.img', '16M');
    overlay(folder.file('guest.snap1'), 'base.img');
    overlay(folder.file('sub/guest'), '../base.img');
    symlinkSync('base.img', folder.file('link.img'));
    for (const path of [base, folder.file('link.img')]) {
      const asked = await questionsOf(path);
      assert.match(asked, /guest\.snap1/);
      assert.match(asked, /guest[,)]/);
      await closeAllEditors();
    }
  });

  it('keeps its base from being changed without a word', async () => {
    const base = folder.create('base.qcow2', '16M');
    overlay(folder.file('guest.snap1'), 'base.qcow2');
    const uri = vscode.Uri.file(base);
    const document = await openImage(exports, uri);
    const before = readFileSync(base);
    assert.equal(await writeZeroes({ uri, offset: '0', length: '1M', unmap: false }), undefined);
    assert.equal(document.state?.edits?.done, 0);
    assert.deepEqual(readFileSync(base), before);
  });

  it('is no reason to ask where nothing is unknown', async () => {
    const base = folder.create('base.img', '16M');
    overlay(folder.file('other.img'), 'elsewhere.img');
    assert.equal(await questionsOf(base), '');
  });

  it('may be one too many: the guard says that not all are known', async () => {
    await set('qcow2.index.maxFiles', 1);
    for (const name of ['a.img', 'b.img']) folder.create(name, '1M');
    await waitFor('the limit', () => exports.chains.index.hasMore);
    const base = outside.create('base.img', '1M');
    assert.match(
      await questionsOf(base),
      /more images or files than are indexed \(setting qcow2\.index\.maxFiles\)/,
    );
  });

  it('is asked about even where the setting refuses, as long as none is known', async () => {
    await set('qcow2.guards.usedAsBase', 'refuse');
    await set('qcow2.index.enabled', false);
    const base = folder.create('base.img', '16M');
    assert.match(await questionsOf(base), /may use this image as their backing file/);
    await closeAllEditors();
    await set('qcow2.guards.usedAsBase', 'ignore');
    assert.equal(await questionsOf(base), '');
  });

  it('that depends on a raw base is listed', async () => {
    writeFileSync(folder.file('plain.img'), Buffer.alloc(MIB));
    overlay(folder.file('guest.snap1'), 'plain.img', 'raw');
    const dependents = await vscode.commands.executeCommand('qcow2.showDependents', folder.uri('plain.img'));
    assert.deepEqual(dependents, [folder.file('guest.snap1')]);
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
  });

  const isFound = (name: string): boolean => exports.chains.index.isImage(folder.file(name));

  it('is found when it is filled, renamed, overwritten and moved with its folder', async () => {
    writeFileSync(folder.file('slow.img'), '');
    await waitFor('its first event', async () => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return !isFound('slow.img');
    });
    folder.create('other.bin', '1M');
    await waitFor('a new one', () => isFound('other.bin'));
    writeFileSync(folder.file('slow.img'), readFileSync(folder.file('other.bin')));
    await waitFor('the one that was filled later', () => isFound('slow.img'));
    renameSync(folder.file('slow.img'), folder.file('quick'));
    await waitFor('the renamed one', () => isFound('quick') && !isFound('slow.img'));
    writeFileSync(folder.file('quick'), 'no image any more');
    await waitFor('the overwritten one to be dropped', () => !isFound('quick'));
    mkdirSync(outside.file('inner/deep'), { recursive: true });
    outside.create('inner/deep/vm', '1M');
    renameSync(outside.file('inner'), folder.file('moved'));
    await waitFor('the one in a folder that was moved in', () => isFound('moved/deep/vm'));
    renameSync(folder.file('moved'), outside.file('again'));
    await waitFor('the moved one to be dropped', () => !isFound('moved/deep/vm'));
  });

  it('is in the tree as any other, with its health', async () => {
    folder.create('base.img', '1M');
    overlay(folder.file('guest.snap1'), 'base.img');
    await waitFor('it in the index', () => isFound('guest.snap1'));
    const { tree } = exports.chains;
    await exports.chains.index.whenSettled();
    await vscode.commands.executeCommand('qcow2.check', folder.uri('base.img'));
    const node = tree.nodeOf(folder.file('base.img'));
    assert.ok(node?.parent?.kind === 'image');
    assert.equal(node.parent.image.path, folder.file('guest.snap1'));
    const item = tree.itemOf(node);
    assert.equal(item.contextValue, 'image');
    assert.match(String(item.description), /clean/);
  });

  it('is known beside an open image outside of the workspace, as long as that is open', async () => {
    outside.create('one.img', '1M');
    outside.create('two', '1M');
    const { index } = exports.chains;
    assert.equal(index.isImage(outside.file('two')), false);
    await vscode.commands.executeCommand('vscode.openWith', outside.uri('one.img'), 'qcow2.editorForAnyFile');
    await waitFor('its neighbour', () => index.isImage(outside.file('two')));
    outside.create('three', '1M');
    await waitFor('a new neighbour', () => index.isImage(outside.file('three')));
    assert.equal(await vscode.commands.executeCommand('qcow2.showInChains', outside.uri('one.img')), true);
    const selected = await waitFor('the selection', () => exports.chains.chosen(undefined));
    assert.equal(selected.kind, 'image');
    await vscode.commands.executeCommand('qcow2.chains.reveal');
    await closeAllEditors();
    await waitFor('it to be forgotten', () => !index.isImage(outside.file('two')));
  });

  it('is left out by exclusions, of which files.exclude is one', async () => {
    mkdirSync(folder.file('cache'));
    folder.create('cache/vm', '1M');
    folder.create('kept', '1M');
    await waitFor('both', () => isFound('cache/vm') && isFound('kept'));
    await set('files.exclude', { '**/cache': true });
    await waitFor('one', () => !isFound('cache/vm') && isFound('kept'));
    await set('qcow2.index.exclude', '**/kept');
    await waitFor('none', () => !isFound('cache/vm') && !isFound('kept'));
  });
});

describe('a file that an association brings', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('associated');
    const settings = vscode.workspace.getConfiguration('workbench');
    const associations = {
      '*.img': 'qcow2.editorForAnyFile',
      [`**${folder.file('vm')}`]: 'qcow2.editorForAnyFile',
    };
    await settings.update('editorAssociations', associations, vscode.ConfigurationTarget.Workspace);
  });

  afterEach(closeAllEditors);

  after(async () => {
    const settings = vscode.workspace.getConfiguration('workbench');
    await settings.update('editorAssociations', undefined, vscode.ConfigurationTarget.Workspace);
    folder.remove();
  });

  const inputs = (): unknown[] =>
    vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ input }) => input));

  it('opens in the editor where it is a qcow2 image', async () => {
    for (const name of ['disk.img', 'vm']) {
      const uri = vscode.Uri.file(folder.create(name, '1M'));
      await vscode.commands.executeCommand('vscode.open', uri);
      const { state } = await openedDocument(exports, uri);
      assert.equal(state.problem, undefined);
      assert.ok(inputs().some((input) => input instanceof vscode.TabInputCustom));
      await closeAllEditors();
    }
  });

  it('opens in the default editor where it is none, and nothing of ours is left', async () => {
    writeFileSync(folder.file('notes.img'), 'a text\n');
    writeFileSync(folder.file('empty.img'), '');
    for (const name of ['notes.img', 'empty.img']) {
      const uri = folder.uri(name);
      for (let round = 0; round < 2; round++) {
        await vscode.commands.executeCommand('vscode.open', uri);
        await waitFor('the text editor alone', () => {
          const [input, ...others] = inputs();
          return (
            others.length === 0 && input instanceof vscode.TabInputText && input.uri.fsPath === uri.fsPath
          );
        });
      }
      await waitFor('our document to be closed', () => exports.images.find(uri) === undefined);
      await closeAllEditors();
    }
  });

  it('is shown for what it is where the person chose the editor for once', async () => {
    writeFileSync(folder.file('notes.txt'), 'a text\n');
    const uri = folder.uri('notes.txt');
    await vscode.commands.executeCommand('vscode.openWith', uri, 'qcow2.editorForAnyFile');
    const { state } = await openedDocument(exports, uri);
    assert.equal(state.problem?.code, 'foreign.text');
    assert.ok(inputs().every((input) => input instanceof vscode.TabInputCustom));
  });
});
