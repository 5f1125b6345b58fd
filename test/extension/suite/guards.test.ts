/** Obstacles to changing an image: nothing is staged or written while there is one. */
import * as assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { useKoffiOf } from '../../../src/qcow2/io/koffi';
import { localDisk } from '../../../src/qcow2/save/localDisk';
import { writeGiantImage } from '../../support/giantImages';
import { isDirty, openImage, save, writeZeroes } from '../support/edits';
import {
  activateExtension,
  closeAllEditors,
  extensionFile,
  openedDocument,
  waitFor,
  wholeDisk,
} from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';
import { interruptSave } from '../support/interrupted';

const MIB = 1024 * 1024;
const TIB = 2 ** 40;
/** Offset of the incompatible feature bits' last byte: dirty is bit 0, corrupt bit 1. */
const INCOMPATIBLE = 79;

describe('a change of an image', () => {
  let exports: Exports;
  let folder: ImageFolder;
  const started: ChildProcess[] = [];

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('guards');
  });

  afterEach(async () => {
    await closeAllEditors();
    await Promise.all(started.splice(0).map(stop));
  });

  after(() => {
    folder.remove();
  });

  function create(name: string): vscode.Uri {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 4M');
    return folder.uri(name);
  }

  /** qemu-nbd has the image open for writing from here on. */
  async function hold(uri: vscode.Uri): Promise<ChildProcess> {
    const socket = `${uri.fsPath}.sock`;
    const server = spawn('qemu-nbd', ['-f', 'qcow2', '-t', '-k', socket, uri.fsPath], { stdio: 'ignore' });
    started.push(server);
    await waitFor('qemu-nbd', () => existsSync(socket));
    return server;
  }

  async function stop(server: ChildProcess): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill();
    await ended;
  }

  /** Stages nothing, says why, and leaves the file alone. */
  async function refused(uri: vscode.Uri, why: RegExp): Promise<void> {
    const { document } = await openedDocument(exports, uri);
    const before = readFileSync(uri.fsPath);
    assert.equal(await writeZeroes({ uri, offset: '0', length: '1M' }), undefined);
    assert.equal(document.state?.edits?.done ?? 0, 0);
    const guards = await exports.guards(document);
    assert.match(guards.refusals.join('\n'), why);
    assert.deepEqual(readFileSync(uri.fsPath), before);
  }

  it('that a running QEMU holds is refused, by its name; once it is gone, all is well', async () => {
    const uri = create('held.qcow2');
    const document = await openImage(exports, uri);
    const server = await hold(uri);
    await refused(uri, /qemu-nbd/);
    await stop(server);
    await document.lookAgain();
    assert.equal((await writeZeroes({ uri, offset: '0', length: '1M' }))?.changed, true);
  });

  it('that QEMU opens after it was staged is not saved, and stays staged', async () => {
    const uri = create('late.qcow2');
    const document = await openImage(exports, uri);
    await writeZeroes({ uri, offset: '0', length: '1M' });
    const before = readFileSync(uri.fsPath);
    const server = await hold(uri);
    await vscode.commands.executeCommand('workbench.action.files.save');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal(isDirty(uri), true);
    assert.equal(document.state?.edits?.unsaved, 1);
    await stop(server);
    assert.deepEqual(readFileSync(uri.fsPath), before);
    await save(uri);
    qemuImg('check', uri.fsPath);
  });

  it('that is being saved is refused to QEMU, which finds it sound afterwards', async () => {
    const uri = folder.uri('terabyte.qcow2');
    writeGiantImage(uri.fsPath, { size: TIB, pattern: 'contiguous' });
    await openImage(exports, uri);
    // Without unmapping all 128 MiB of tables are written, which leaves time to look.
    await writeZeroes({ uri, offset: '0', length: '1T', unmap: false });
    const saved = save(uri);
    const journal = `${uri.fsPath}-journal`;
    await waitFor('the journal', () => existsSync(journal));
    const answers = new Set<string>();
    while (existsSync(journal)) {
      const { stderr } = spawnSync('qemu-io', ['-c', 'write -P 7 0 64k', uri.fsPath], { encoding: 'utf8' });
      if (existsSync(journal)) answers.add(/Failed to get "write" lock/.exec(stderr)?.[0] ?? stderr);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await saved;
    assert.deepEqual([...answers], ['Failed to get "write" lock']);
    qemuImg('check', uri.fsPath);
    qemuIo(uri.fsPath, 'write -P 7 0 64k');
  });

  it('that a QEMU holds is known as held by itself, as long as it runs; nothing is read again for it', async () => {
    const uri = create('watched.qcow2');
    const document = await openImage(exports, uri);
    assert.equal((await writeZeroes({ uri, offset: '0', length: '1M' }))?.changed, true);
    const generation = document.state?.generation;
    const server = await hold(uri);
    const { held } = await waitFor('the holder', () => {
      const access = document.state?.access;
      return access?.held === undefined ? undefined : access;
    });
    assert.deepEqual(held?.holder, { pid: server.pid, program: 'qemu-nbd' });
    assert.deepEqual((await exports.guards(document)).refusals.length, 1);
    await stop(server);
    await waitFor('its end', () => document.state?.access?.held === undefined);
    assert.equal(document.state?.generation, generation);
    await vscode.commands.executeCommand('undo');
    await waitFor('the undo', () => document.state?.edits?.unsaved === 0);
  });

  it('on a read-only mount, or that may not be written, is refused once, and known before it is tried', async () => {
    const isRoot = process.getuid?.() === 0;
    const mount = folder.file('mount');
    mkdirSync(mount);
    if (isRoot) execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mount]);
    try {
      const uri = create('mount/disk.qcow2');
      const document = await openImage(exports, uri);
      assert.deepEqual(document.state?.access, {});
      // Root may write despite permissions; only root may mount.
      if (isRoot) execFileSync('mount', ['-o', 'remount,ro', mount]);
      else chmodSync(uri.fsPath, 0o444);
      const readOnly = await waitFor('the reason', () => document.state?.access?.readOnly);
      assert.equal(readOnly.code, isRoot ? 'guard.mountedReadOnly' : 'guard.fileReadOnly');
      await refused(uri, /mounted read-only|not writable/);
      assert.equal((await exports.guards(document)).refusals.length, 1);
      await closeAllEditors();
    } finally {
      if (isRoot) execFileSync('umount', ['-l', mount]);
    }
  });

  it('that is marked as corrupt is refused', async () => {
    const uri = create('corrupt.qcow2');
    setFeature(uri, 2);
    await openImage(exports, uri);
    await refused(uri, /corrupt/);
  });

  it('that was not closed properly is refused', async () => {
    const uri = create('dirty.qcow2');
    setFeature(uri, 1);
    await openImage(exports, uri);
    await refused(uri, /dirty/);
  });

  it('that is damaged is refused, with what the check found', async () => {
    const uri = create('damaged.qcow2');
    const bytes = readFileSync(uri.fsPath);
    // The refcount of the first data cluster: found by the table's and the block's offset in the header's order.
    const block = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))));
    bytes.writeUInt16BE(0, block + 5 * 2);
    writeFileSync(uri.fsPath, bytes);
    await openImage(exports, uri);
    await refused(uri, /found by the check: \d+/);
  });

  it('with several names is refused', async () => {
    const uri = create('linked.qcow2');
    linkSync(uri.fsPath, folder.file('other-name.qcow2'));
    await openImage(exports, uri);
    await refused(uri, /2 names/);
  });

  it('under a second name is refused there and shown: it is changed under the first', async () => {
    const uri = create('first.qcow2');
    symlinkSync('first.qcow2', folder.file('second.qcow2'));
    const first = await openImage(exports, uri);
    const second = folder.uri('second.qcow2');
    await vscode.commands.executeCommand('vscode.open', second, { preview: false });
    await openedDocument(exports, second);
    await waitFor('the page', () => exports.images.active?.uri.fsPath === second.fsPath);
    await refused(second, /another name/);
    await writeZeroes({ uri, offset: '0', length: '1M' });
    const { document } = await openedDocument(exports, second);
    assert.equal((await wholeDisk(document))['data'], 3 * MIB);
    assert.equal(isDirty(second), false);
    assert.equal(first.state, document.state);
  });

  it('that is the backing file of others is asked about, with their names', async () => {
    const uri = create('base.qcow2');
    folder.overlay('user-a.qcow2', 'base.qcow2');
    folder.overlay('user-b.qcow2', 'base.qcow2');
    await exports.chains.index.refresh();
    const document = await openImage(exports, uri);
    assert.equal(await writeZeroes({ uri, offset: '0', length: '1M' }), undefined);
    assert.equal(document.state?.edits?.done, 0);
    const { refusals, questions } = await exports.guards(document);
    assert.deepEqual(refusals, []);
    assert.match(questions.map(({ text }) => text).join('\n'), /user-a\.qcow2, user-b\.qcow2/);
    const tally = await writeZeroes({ uri, offset: '0', length: '1M', confirmed: true });
    assert.equal(tally?.changed, true);
    await save(uri);
  });

  it('that writes an external data file is asked about, with its full path, once for as long as it is that file', async () => {
    const outside = ImageFolder.outside();
    const data = outside.file('precious.raw');
    const file = folder.create('external.qcow2', '16M', '-o', `data_file=${data},data_file_raw=on`);
    qemuIo(file, 'write -P 1 0 4M');
    const uri = folder.uri('external.qcow2');
    const before = readFileSync(data);
    const document = await openImage(exports, uri);
    assert.equal(await writeZeroes({ uri, offset: '0', length: '1M' }), undefined);
    const { refusals, questions } = await exports.guards(document);
    assert.deepEqual(refusals, []);
    assert.ok(questions.some(({ text }) => text.includes(data)));
    assert.equal((await writeZeroes({ uri, offset: '0', length: '1M', confirmed: true }))?.changed, true);
    await document.readAgain();
    assert.equal((await writeZeroes({ uri, offset: '0', length: '1M' }))?.changed, true);
    await save(uri);
    assert.ok(!readFileSync(data).equals(before));
    outside.remove();
  });

  it('whose save was interrupted is refused until it is recovered, byte for byte', async () => {
    const uri = create('interrupted.qcow2');
    const before = readFileSync(uri.fsPath);
    interruptSave(uri.fsPath, folder.file('scratch'), 4 * MIB, 2);
    assert.ok(existsSync(`${uri.fsPath}-journal`));
    assert.notDeepEqual(readFileSync(uri.fsPath), before);
    const document = await openImage(exports, uri);
    assert.equal(document.state?.journal?.code, 'journal.exists');
    await refused(uri, /interrupted/);
    assert.equal(await vscode.commands.executeCommand('qcow2.recover', uri), 'rolledBack');
    assert.deepEqual(readFileSync(uri.fsPath), before);
    assert.equal(existsSync(`${uri.fsPath}-journal`), false);
    assert.equal((await writeZeroes({ uri, offset: '0', length: '1M' }))?.changed, true);
  });

  it('that is being saved elsewhere is left alone, and says so', async () => {
    useKoffiOf(extensionFile());
    const uri = create('saving.qcow2');
    interruptSave(uri.fsPath, folder.file('scratch'), 4 * MIB, 2);
    const other = localDisk.openForChange(`${uri.fsPath}-journal`);
    assert.equal(other.claim(), 'taken');
    const document = await openImage(exports, uri);
    assert.equal(document.state?.journal?.code, 'recover.running');
    await refused(uri, /right now/);
    assert.deepEqual(
      await document
        .edit((staging) => staging.recover({}))
        .then((answer) => answer.ok || answer.problem.code),
      'recover.running',
    );
    other.close();
    assert.equal(await vscode.commands.executeCommand('qcow2.recover', uri), 'rolledBack');
  });

  it('whose journal has a name that something else has is refused, and says what it is', async () => {
    for (const [name, make, code] of [
      ['fifo', (path: string) => spawnSync('mkfifo', [path]), 'journal.irregular'],
      [
        'link',
        (path: string) => {
          symlinkSync('nowhere', path);
        },
        'journal.irregular',
      ],
      [
        'note',
        (path: string) => {
          writeFileSync(path, 'Monday: bought milk');
        },
        'journal.foreign',
      ],
    ] as const) {
      const uri = create(`${name}.qcow2`);
      make(`${uri.fsPath}-journal`);
      const document = await openImage(exports, uri);
      assert.equal(document.state?.journal?.code, code);
      await refused(uri, /needs this name for its journal/);
      const discarded = await document.edit((staging) => staging.recover({ discard: true }));
      assert.equal(discarded.ok, name === 'note');
    }
  });

  function setFeature(uri: vscode.Uri, bit: number): void {
    const bytes = readFileSync(uri.fsPath);
    bytes[INCOMPATIBLE] = bit;
    writeFileSync(uri.fsPath, bytes);
  }
});
