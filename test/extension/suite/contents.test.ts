/** The view "Contents", the files that it opens, and what is saved, found and ranked from it. */
import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as vscode from 'vscode';
import type { ContentsNode, FileNode } from '../../../src/contents/contentsNode';
import { guestPlace, guestUri } from '../../../src/contents/guestUri';
import type { Exports } from '../../../src/extension';
import { makePartitionedDisk } from '../../support/guest/partitioned';
import { openImage, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, waitFor } from '../support/extension';
import { ImageFolder } from '../support/images';

const MIB = 1024 * 1024;
/** Hidden characters, and what a path or markup would be made of. */
const HOSTILE = ['a\u202egpj.exe', 'line\nend', '[x](command:y)', '%u0041', '100%', '#?'];

describe('the contents of an image', () => {
  let exports: Exports;
  let folder: ImageFolder;
  let image: string;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('contents');
    const tree = folder.file('tree');
    fs.mkdirSync(`${tree}/etc`, { recursive: true });
    fs.mkdirSync(`${tree}/usr/lib`, { recursive: true });
    fs.mkdirSync(`${tree}/odd`);
    fs.writeFileSync(`${tree}/usr/lib/os-release`, 'NAME="Guest"\n');
    fs.symlinkSync('../usr/lib/os-release', `${tree}/etc/os-release`);
    fs.writeFileSync(`${tree}/usr/big`, Buffer.alloc(2 * MIB, 'b'));
    fs.writeFileSync(`${tree}/usr/huge`, '');
    fs.truncateSync(`${tree}/usr/huge`, 65 * MIB);
    for (const name of ['file10', 'file9', 'File1']) fs.writeFileSync(`${tree}/usr/${name}`, `[${name}]`);
    for (const name of HOSTILE) fs.writeFileSync(`${tree}/odd/${name}`, name);
    makePartitionedDisk(folder.path, tree);
    image = folder.uri('disk.qcow2').toString();
    await openImage(exports, folder.uri('disk.qcow2'));
    await vscode.commands.executeCommand('qcow2.contents.focus');
    await waitFor('the view', () => exports.contents.tree.image === image);
  });

  after(async () => {
    await closeAllEditors();
    folder.remove();
  });

  const children = (node?: ContentsNode): Promise<ContentsNode[]> => exports.contents.tree.getChildren(node);

  async function nodeAt(part: string, path: string): Promise<ContentsNode> {
    const node = await exports.contents.tree.nodeAt({ part, path });
    assert.ok(node, path);
    return node;
  }

  const fileAt = async (path: string): Promise<FileNode> => (await nodeAt('2', path)) as FileNode;

  async function rows(node?: ContentsNode): Promise<string[]> {
    const items = (await children(node)).map((child) => exports.contents.tree.getTreeItem(child));
    return items.map(({ label, description }) =>
      [label as string, description as string].filter((text) => text !== '').join(' | '),
    );
  }

  const uriOf = (path: string): vscode.Uri => guestUri({ image, part: '2', path });

  async function textOf(path: string): Promise<string> {
    return Buffer.from(await vscode.workspace.fs.readFile(uriOf(path))).toString();
  }

  it('are partitions, folders first, and files with their sizes', async () => {
    assert.deepEqual(await rows(), ['disk.qcow2 | GPT']);
    const [disk] = await children();
    const [efi, root] = await rows(disk);
    assert.match(efi ?? '', /^1: EFI \| FAT16 · 16 MiB · \S+ KiB used$/);
    assert.match(root ?? '', /^2: root \| ext4 · 40 MiB · \S+ MiB used$/);
    assert.deepEqual(await rows(await nodeAt('2', '/')), ['etc', 'lost+found', 'odd', 'usr']);
    assert.deepEqual(await rows(await fileAt('/usr')), [
      'lib',
      'big | 2 MiB',
      'File1 | 7 B',
      'file9 | 7 B',
      'file10 | 8 B',
      'huge | 65 MiB',
    ]);
    assert.deepEqual(await rows(await fileAt('/etc')), ['os-release | → ../usr/lib/os-release']);
    const file = await fileAt('/usr/big');
    const item = exports.contents.tree.getTreeItem(file);
    assert.equal(item.contextValue, 'file');
    exports.contents.tree.resolveTreeItem(item, file);
    assert.match((item.tooltip as vscode.MarkdownString).value, /Modified.*\n.*Mode/);
  });

  it('are files to read, and to open as what a link leads to', async () => {
    assert.equal(await textOf('/etc/os-release'), 'NAME="Guest"\n');
    await vscode.commands.executeCommand('qcow2.contents.open', await fileAt('/etc/os-release'));
    const editor = await waitFor('the file', () => vscode.window.activeTextEditor);
    assert.equal(editor.document.getText(), 'NAME="Guest"\n');
    assert.equal(exports.contents.tree.image, image, 'the view stays with the image of the file');
    const { type, size, permissions } = await vscode.workspace.fs.stat(uriOf('/usr/big'));
    assert.deepEqual(
      [type, size, permissions],
      [vscode.FileType.File, 2 * MIB, vscode.FilePermission.Readonly],
    );
    const names = await vscode.workspace.fs.readDirectory(uriOf('/etc'));
    assert.deepEqual(names, [['os-release', vscode.FileType.SymbolicLink]]);
    await assert.rejects(textOf('/etc/gone'), { code: 'FileNotFound' });
    await assert.rejects(async () => vscode.workspace.fs.writeFile(uriOf('/etc/new'), Buffer.from('x')));
  });

  it('are not opened from 64 MiB on', async () => {
    await assert.rejects(textOf('/usr/huge'), /opened up to 64 MiB; this one has 65 MiB. Use Save File/);
  });

  it('keep hostile names to themselves', async () => {
    const odd = await fileAt('/odd');
    for (const name of HOSTILE) {
      const path = `/odd/${name}`;
      assert.equal(await textOf(path), name);
      assert.deepEqual(guestPlace(vscode.Uri.parse(uriOf(path).toString())), { image, part: '2', path });
    }
    const labels = (await rows(odd)).join();
    assert.ok(!/[\u202e\n]|\]\(/.test(labels), labels);
    const lone = { image, part: '2', path: '/\ud800/../x/.' };
    assert.deepEqual(guestPlace(vscode.Uri.parse(guestUri(lone).toString())), lone);
  });

  it('are saved as they are, and not over what exists', async () => {
    const destination = folder.file('saved');
    const node = await fileAt('/usr');
    const [report] = await exports.actions.saveFromImage([{ node, destination }]);
    assert.deepEqual([report?.files, report?.folders, report?.problems.length], [6, 1, 0]);
    execFileSync('diff', ['-r', folder.file('tree/usr'), destination]);
    fs.writeFileSync(folder.file('mine'), 'mine');
    const again = { node: await fileAt('/usr/big'), destination: folder.file('mine') };
    assert.deepEqual(await exports.actions.saveFromImage([again]), []);
    assert.equal(fs.readFileSync(folder.file('mine'), 'utf8'), 'mine');
    // To a place that the user chooses.
    const saving = vscode.commands.executeCommand('qcow2.contents.saveAs', await fileAt('/usr/File1'));
    await waitFor('the saved file', async () => {
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      return fs.existsSync(folder.file('File1'));
    });
    await saving;
    assert.equal(fs.readFileSync(folder.file('File1'), 'utf8'), '[File1]');
  });

  it('are found in the tree, with all above them', async () => {
    assert.equal(await exports.contents.reveal({ image, part: '2', path: '/usr/lib/os-release' }), true);
    const selected = await waitFor('the selection', () => exports.contents.selection[0]);
    assert.equal((selected as FileNode).path, '/usr/lib/os-release');
    await vscode.commands.executeCommand('qcow2.contents.copyPath');
    assert.equal(await vscode.env.clipboard.readText(), '2:/usr/lib/os-release');
    assert.equal(await exports.contents.reveal({ image, part: '2', path: '/usr/gone' }), false);
    const shown = vscode.commands.executeCommand('qcow2.contents.largest', await nodeAt('2', '/'));
    // The first one below the heading: the folder that takes most.
    await waitFor('the largest folder', async () => {
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      const [chosen] = exports.contents.selection;
      return chosen?.kind === 'file' && chosen.path === '/usr';
    });
    await shown;
  });

  it('are those of what is staged, in the tree and in open files', async () => {
    const uri = folder.uri('disk.qcow2');
    const node = await fileAt('/usr/File1');
    await vscode.commands.executeCommand('qcow2.contents.open', node);
    const { document } = await waitFor('the file', () => {
      const editor = vscode.window.activeTextEditor;
      return editor?.document.getText() === '[File1]' && editor;
    });
    const place = fs.readFileSync(folder.file('disk.raw')).indexOf('[File1]');
    const drawn = new Promise((resolve) => {
      exports.contents.tree.onDidChangeTreeData(resolve);
    });
    const start = place - (place % 4096);
    assert.ok(await writeZeroes({ uri, offset: String(start), length: '4096' }));
    await drawn;
    await waitFor('the file as staged', () => document.getText() === '\0'.repeat(7));
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('vscode.open', uri);
    await waitFor('the image in front', () => exports.images.active?.isUp);
    await vscode.commands.executeCommand('undo');
    await waitFor('the file as it was', async () => (await textOf('/usr/File1')) === '[File1]');
  });

  it('are opened again where no editor has the image', async () => {
    await closeAllEditors();
    await waitFor('no image', () => exports.contents.image === undefined);
    assert.deepEqual(await rows(), []);
    await vscode.commands.executeCommand('vscode.open', uriOf('/usr/lib/os-release'));
    const editor = await waitFor('the file', () => vscode.window.activeTextEditor);
    assert.equal(editor.document.getText(), 'NAME="Guest"\n');
    await waitFor('its image in the view', () => exports.contents.image === image);
  });

  it('are not seen where a backing file is missing, and the view says why', async () => {
    folder.create('base.qcow2', '1M');
    folder.overlay('overlay.qcow2', 'base.qcow2');
    fs.rmSync(folder.file('base.qcow2'));
    await openImage(exports, folder.uri('overlay.qcow2'));
    await waitFor('its view', () => exports.contents.tree.image?.endsWith('overlay.qcow2'));
    const [disk] = await children();
    assert.deepEqual(await rows(disk), ['No such file']);
  });
});
