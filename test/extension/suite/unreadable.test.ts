/** Unreadable files open too: the page says why, in the words of the command line. */
import * as assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { describeAny } from '../../../src/inside/insideProblem';
import { describeProblem } from '../../../src/qcow2/describeProblem';
import {
  activateExtension,
  closeAllEditors,
  extensionFile,
  openedDocument,
  waitFor,
  wholeDisk,
} from '../support/extension';
import { ImageFolder } from '../support/images';
import { guestOffset } from '../../../src/qcow2/units';

/** Writes broken files, named after their fault. */
const BROKEN: Readonly<Record<string, (path: string, sound: Buffer) => void>> = {
  'an empty file': (path) => {
    writeFileSync(path, '');
  },
  'another magic': (path, sound) => {
    writeFileSync(path, changed(sound, 0, 'not qcow2'));
  },
  'version 4': (path, sound) => {
    writeFileSync(path, changed(sound, 4, '\0\0\0\x04'));
  },
  'clusters of 2^30 bytes': (path, sound) => {
    writeFileSync(path, changed(sound, 20, '\0\0\0\x1e'));
  },
  'a header cut short before the size of its clusters': (path, sound) => {
    writeFileSync(path, sound.subarray(0, 20));
  },
  'a directory': (path) => {
    mkdirSync(path);
  },
  'a FIFO': (path) => {
    execFileSync('mkfifo', [path]);
  },
  'no file at all': (path) => {
    rmSync(path, { force: true });
  },
};

/** Magic, version and cluster size can be read. */
const DAMAGED: Readonly<Record<string, (path: string, sound: Buffer) => void>> = {
  'an L1 table beyond the end of the file': (path, sound) => {
    writeFileSync(path, changed(sound, 40, '\0\0\0\x7f\0\0\0\0'));
  },
  'a header cut short behind the size of its clusters': (path, sound) => {
    writeFileSync(path, sound.subarray(0, 60));
  },
};

function changed(bytes: Buffer, offset: number, text: string): Buffer {
  const copy = Buffer.from(bytes);
  copy.write(text, offset, 'latin1');
  return copy;
}

describe('what cannot be read', () => {
  let exports: Exports;
  let folder: ImageFolder;
  let sound: Buffer;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('unreadable');
    sound = readFileSync(folder.create('sound.qcow2', '16M'));
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  for (const [what, write] of Object.entries(BROKEN)) {
    it(`${what}: has a page, and the line of the headless command`, async () => {
      const name = `${what.replace(/\W+/g, '-')}.qcow2`;
      write(folder.file(name), sound);
      const uri = folder.uri(name);
      await vscode.commands.executeCommand('vscode.openWith', uri, 'qcow2.editor');
      const { state } = await openedDocument(exports, uri);
      assert.ok(state.problem, 'the worker says what is wrong');
      await waitFor('the page', () => exports.images.pageOf(uri)?.isUp);
      const { stderr } = spawnSync(process.execPath, [extensionFile('dist', 'cli.js'), 'info', uri.fsPath], {
        encoding: 'utf8',
        timeout: 10_000,
      });
      assert.equal(`qcow2: ${uri.fsPath}: ${describeAny(state.problem)}\n`, stderr);
    });
  }

  for (const [what, write] of Object.entries(DAMAGED)) {
    it(`${what}: is shown as far as it can be read, with the line of the headless command`, async () => {
      const name = `${what.replace(/\W+/g, '-')}.qcow2`;
      write(folder.file(name), sound);
      const uri = folder.uri(name);
      await vscode.commands.executeCommand('vscode.openWith', uri, 'qcow2.editor');
      const { state } = await openedDocument(exports, uri);
      assert.equal(state.problem, undefined);
      const faults = state.summary?.faults ?? [];
      assert.ok(faults.length > 0, 'the worker says what cannot be read');
      const { stderr } = spawnSync(process.execPath, [extensionFile('dist', 'cli.js'), 'info', uri.fsPath], {
        encoding: 'utf8',
        timeout: 10_000,
      });
      for (const { problem } of faults) {
        assert.ok(stderr.includes(`qcow2: ${uri.fsPath}: ${describeProblem(problem)}\n`), stderr);
      }
    });
  }

  it('shows the header as far as it can be read', async () => {
    const uri = folder.uri('header.qcow2');
    writeFileSync(uri.fsPath, changed(sound, 20, '\0\0\0\x1e'));
    await vscode.commands.executeCommand('vscode.open', uri);
    const { state } = await openedDocument(exports, uri);
    assert.deepEqual(
      Buffer.from(state.header?.raw ?? []).subarray(0, 8),
      Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'),
    );
    assert.ok(state.header?.fields.some(({ name, decoded }) => name === 'version' && decoded === '3'));
  });

  it('answers what is asked of it with the same problem', async () => {
    const uri = folder.uri('asked.qcow2');
    writeFileSync(uri.fsPath, 'nothing of the kind');
    await vscode.commands.executeCommand('vscode.open', uri);
    const { document, state } = await openedDocument(exports, uri);
    assert.deepEqual(await document.ask((engine) => engine.readBytes(guestOffset(0), 512)), {
      ok: false,
      problem: state.problem,
    });
  });

  it('is read when it has become an image, and at Reload Image', async () => {
    const uri = folder.uri('healed.qcow2');
    writeFileSync(uri.fsPath, 'not yet');
    await vscode.commands.executeCommand('vscode.open', uri);
    const { document } = await openedDocument(exports, uri);
    copyFileSync(folder.file('sound.qcow2'), uri.fsPath);
    await vscode.commands.executeCommand('qcow2.retry', uri);
    assert.equal(document.state?.problem, undefined);
    assert.deepEqual(await wholeDisk(document), { unallocated: 16 * 1024 * 1024 });
  });
});
