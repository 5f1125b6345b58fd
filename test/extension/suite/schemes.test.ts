/** Images that are not on a local disk: read completely, up to a limit, without other files. */
import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import type { CheckReport } from '../../../src/worker/api';
import { DamagedFile } from '../../support/damagedFile';
import { activateExtension, closeAllEditors, openedDocument, wholeDisk } from '../support/extension';
import { ImageFolder, qemuIo } from '../support/images';
import { guestOffset } from '../../../src/qcow2/units';

const MIB = 1024 * 1024;

/** A file system in memory, registered as any extension could register one. */
class Shelf implements vscode.FileSystemProvider {
  readonly files = new Map<string, Uint8Array>();
  readonly #emitter = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.#emitter.event;

  put(path: string, content: Uint8Array): vscode.Uri {
    this.files.set(path, content);
    const uri = vscode.Uri.from({ scheme: 'shelf', path });
    this.#emitter.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    return uri;
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: this.readFile(uri).length };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    const content = this.files.get(uri.path);
    if (content === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return content;
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(): void {
    throw vscode.FileSystemError.NoPermissions();
  }

  writeFile(): void {
    throw vscode.FileSystemError.NoPermissions();
  }

  delete(): void {
    throw vscode.FileSystemError.NoPermissions();
  }

  rename(): void {
    throw vscode.FileSystemError.NoPermissions();
  }
}

describe('an image that is not on a local disk', () => {
  const shelf = new Shelf();
  let exports: Exports;
  let folder: ImageFolder;
  let registration: vscode.Disposable;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.outside();
    registration = vscode.workspace.registerFileSystemProvider('shelf', shelf);
    folder.create('base.qcow2', '8M');
    qemuIo(folder.overlay('top.qcow2', 'base.qcow2'), 'write -P 9 1M 2M');
  });

  afterEach(closeAllEditors);

  after(() => {
    registration.dispose();
    folder.remove();
  });

  it('is read whole; what it names is not opened', async () => {
    const uri = shelf.put('/top.qcow2', readFileSync(folder.file('top.qcow2')));
    await vscode.commands.executeCommand('vscode.open', uri);
    const { document, state } = await openedDocument(exports, uri);
    assert.equal(state.problem, undefined);
    assert.equal(state.summary?.version, 3);
    assert.deepEqual(
      state.chain?.layers.map((layer) => layer.state),
      ['open', 'notOpened'],
    );
    assert.deepEqual(await document.ask((engine) => engine.readBytes(guestOffset(MIB), 4)), {
      ok: true,
      value: new Uint8Array(4).fill(9),
    });
    assert.equal((await wholeDisk(document))['data'], 2 * MIB);
  });

  it('is checked as it was read, and its problems are told under its name', async () => {
    const path = folder.create('leaky.qcow2', '8M');
    DamagedFile.do(path, (file) => file.leak(2));
    const uri = shelf.put('/leaky.qcow2', readFileSync(path));
    for (const opens of [false, true]) {
      if (opens) await vscode.commands.executeCommand('vscode.open', uri);
      const report = await vscode.commands.executeCommand<CheckReport>('qcow2.check', uri);
      assert.deepEqual([report.corruptions, report.leaks], [0, 2]);
      assert.equal(vscode.languages.getDiagnostics(uri).length, 1);
    }
    const { document } = await openedDocument(exports, uri);
    const cells = await document.run((engine, operation) =>
      engine.hostCells({ start: 0, bytesPerCell: 65536, count: 0 }, operation),
    );
    assert.ok(cells.ok, JSON.stringify(cells));
    await closeAllEditors();
    // No event says when it changes.
    assert.deepEqual(vscode.languages.getDiagnostics(uri), []);
  });

  it('is refused by name where it is larger than 64 MiB', async () => {
    const uri = shelf.put('/huge.qcow2', new Uint8Array(64 * MIB + 1));
    await vscode.commands.executeCommand('vscode.open', uri);
    const { state } = await openedDocument(exports, uri);
    assert.equal(state.problem?.code, 'file.notLocal');
    assert.equal(state.problem.value, 64 * MIB + 1);
  });

  it('says so where there is no file', async () => {
    const uri = vscode.Uri.from({ scheme: 'shelf', path: '/missing.qcow2' });
    await vscode.commands.executeCommand('vscode.openWith', uri, 'qcow2.editor');
    const { state } = await openedDocument(exports, uri);
    assert.equal(state.problem?.code, 'file.missing');
  });

  it('exports its map only where its chain is whole', async () => {
    const uri = shelf.put('/alone.qcow2', readFileSync(folder.create('alone.qcow2', '1M')));
    const destination = folder.uri('alone.json');
    const exported = await exports.actions.exportMap(uri, 'json', destination);
    assert.ok(exported);
    assert.equal((JSON.parse(readFileSync(destination.fsPath, 'utf8')) as unknown[]).length, 1);
  });
});
