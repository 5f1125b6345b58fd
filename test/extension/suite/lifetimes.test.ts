/** Threads that die or are ended in a real VS Code: saves are finished, and staged edits return with their undo. */
import * as assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import workerThreads from 'node:worker_threads';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { writeGiantImage } from '../../support/giantImages';
import { isDirty, openImage, save, writeZeroes } from '../support/edits';
import {
  activateExtension,
  closeAllEditors,
  setAutomaticChecks,
  waitFor,
  wholeDisk,
} from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

const MIB = 1024 * 1024;
const TIB = 2 ** 40;
/** Offset of the incompatible feature bits' last byte: corrupt is bit 1, and set while a save is under way. */
const INCOMPATIBLE = 79;

describe('a thread of the editor', () => {
  let exports: Exports;
  let folder: ImageFolder;
  const { Worker } = workerThreads;
  /** Threads with an image each that the extension has started since, the last one last. */
  const threads: workerThreads.Worker[] = [];

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('lifetimes');
    // They have threads of their own, which look like those that are killed here.
    await setAutomaticChecks(false);
    // The extension runs in this process and asks the same module for its threads.
    class WatchedWorker extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        if (args[1]?.name === 'qcow2 engine') threads.push(this);
      }
    }
    Object.assign(workerThreads, { Worker: WatchedWorker });
  });

  afterEach(async () => {
    await closeAllEditors();
    await configure(undefined, undefined);
  });

  after(async () => {
    await setAutomaticChecks(true);
    Object.assign(workerThreads, { Worker });
    folder.remove();
  });

  async function configure(autoSave: string | undefined, guard: string | undefined): Promise<void> {
    const settings = vscode.workspace.getConfiguration();
    // The suite runs with Auto Save off.
    await settings.update('files.autoSave', autoSave ?? 'off', vscode.ConfigurationTarget.Global);
    await settings.update('qcow2.guards.autoSave', guard, vscode.ConfigurationTarget.Global);
  }

  /** Ends the last thread as the system would. */
  async function kill(): Promise<void> {
    await threads.at(-1)?.terminate();
  }

  const isMarked = (path: string): boolean => {
    const descriptor = openSync(path, 'r');
    const byte = new Uint8Array(1);
    readSync(descriptor, byte, 0, 1, INCOMPATIBLE);
    closeSync(descriptor);
    return (byte[0]! & 2) !== 0;
  };

  /** A terabyte whose tables are written when it is zeroed without unmapping: a save that takes a while. */
  async function longSave(name: string): Promise<{ uri: vscode.Uri; saved: Thenable<unknown> }> {
    const uri = folder.uri(name);
    writeGiantImage(uri.fsPath, { size: TIB, pattern: 'contiguous' });
    await openImage(exports, uri);
    await writeZeroes({ uri, offset: '0', length: '1T', unmap: false });
    const saved = vscode.commands.executeCommand('workbench.action.files.save');
    await waitFor('the save to be past its seal', () => isMarked(uri.fsPath), 60_000);
    return { uri, saved };
  }

  for (const [autoSave, guard] of [
    ['off', undefined],
    ['afterDelay', 'keepStaged'],
  ] as const) {
    it(`that dies leaves all staged edits with their undo, with Auto Save ${autoSave}`, async () => {
      await configure(autoSave, guard);
      const uri = folder.uri(`dies-${autoSave}.qcow2`);
      qemuIo(folder.create(`dies-${autoSave}.qcow2`, '16M'), 'write -P 1 0 4M');
      const document = await openImage(exports, uri);
      for (const offset of ['0', '1M', '2M']) await writeZeroes({ uri, offset, length: '1M' });
      await vscode.commands.executeCommand('undo');
      await waitFor('the undo', () => document.state?.edits?.done === 2);
      const before = document.state?.generation ?? 0;
      await kill();
      await waitFor('the revival', () => (document.state?.generation ?? 0) > before);
      assert.deepEqual(await wholeDisk(document), { data: 2 * MIB, unallocated: 14 * MIB });
      assert.equal(isDirty(uri), true);
      await vscode.commands.executeCommand('redo');
      await waitFor('the redo', () => document.state?.edits?.done === 3);
      for (const done of [2, 1, 0]) {
        await vscode.commands.executeCommand('undo');
        await waitFor('the undo', () => document.state?.edits?.done === done);
      }
      await waitFor('the clean tab', () => !isDirty(uri));
      for (const done of [1, 2]) {
        await vscode.commands.executeCommand('redo');
        await waitFor('the redo', () => document.state?.edits?.done === done);
      }
      await vscode.commands.executeCommand('qcow2.save');
      await waitFor('the clean tab', () => !isDirty(uri));
      qemuImg('check', uri.fsPath);
      qemuIo(uri.fsPath, 'read -P 0 0 2M', 'read -P 1 2M 2M');
    });
  }

  it('is not ended in a save when its tab is closed: the save is made, and the journal goes', async () => {
    const { uri, saved } = await longSave('closed.qcow2');
    // Under a test, closing means Don't Save.
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    assert.equal(exports.images.find(uri), undefined);
    await waitFor('the end of the save', () => !existsSync(`${uri.fsPath}-journal`), 60_000);
    await saved;
    assert.equal(isMarked(uri.fsPath), false);
    qemuImg('check', uri.fsPath);
    qemuIo(uri.fsPath, 'read -P 0 512G 1M');
  });

  it('that dies in a save past its seal is followed by one that takes it back, in the same window', async () => {
    const { uri, saved } = await longSave('killed.qcow2');
    const document = exports.images.find(uri);
    await kill();
    await waitFor('the end of the recovery', () => !existsSync(`${uri.fsPath}-journal`), 60_000);
    await waitFor('the edits', () => document?.state?.edits?.unsaved === 1, 60_000);
    assert.equal(isMarked(uri.fsPath), false);
    qemuImg('check', uri.fsPath);
    assert.equal(isDirty(uri), true);
    // VS Code takes a save that is asked for meanwhile for the one that failed.
    await Promise.resolve(saved).catch(() => undefined);
    await save(uri);
    qemuIo(uri.fsPath, 'read -P 0 512G 1M');
  });
});
