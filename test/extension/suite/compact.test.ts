/** Compact: the file becomes shorter in place, is shown meanwhile, and nothing else may change it. */
import * as assert from 'node:assert/strict';
import { copyFileSync, readdirSync, statSync } from 'node:fs';
import type * as vscode from 'vscode';
import type { ImageDocument } from '../../../src/editor/model/document';
import type { Exports } from '../../../src/extension';
import type { Compacted, ImageState } from '../../../src/worker/api';
import { isDirty, openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, waitFor, wholeDisk } from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

const MIB = 1024 * 1024;

describe('compacting an image', () => {
  let exports: Exports;
  let folder: ImageFolder;

  /** Clusters of 1 KiB, of which 8 MiB make a batch: it takes some seconds. */
  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('compact');
    const slow = folder.create('slow.original', '160M', '-o', 'cluster_size=1k');
    qemuIo(slow, 'write -P 1 0 72M', 'write -P 2 72M 80M', 'write -z -u 1M 70M');
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  function create(name: string): vscode.Uri {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 8M', 'write -z -u 1M 3M');
    return folder.uri(name);
  }

  function slow(name: string): vscode.Uri {
    copyFileSync(folder.file('slow.original'), folder.file(name));
    return folder.uri(name);
  }

  const compact = (uri: vscode.Uri): Promise<Compacted | undefined> => exports.actions.compact(uri);

  const length = ({ fsPath }: vscode.Uri): number => statSync(fsPath).size;

  function mustBeSound({ fsPath }: vscode.Uri): void {
    assert.match(qemuImg('check', fsPath), /No errors were found/);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.includes('journal')),
      [],
    );
  }

  function mustReadAsSlow(uri: vscode.Uri): void {
    mustBeSound(uri);
    qemuIo(uri.fsPath, 'read -P 1 0 1M', 'read -P 0 1M 70M', 'read -P 1 71M 1M', 'read -P 2 72M 80M');
  }

  /** Begins a compaction; fulfilled once something is moved. */
  async function begun(
    uri: vscode.Uri,
    document: ImageDocument,
  ): Promise<{ readonly end: Promise<Compacted | undefined> }> {
    const end = compact(uri);
    await waitFor('the first batch', () => (document.compaction?.done ?? 0) > 0);
    return { end };
  }

  it('makes the file shorter, changes nothing that is read, and stages nothing', async () => {
    const uri = create('short.qcow2');
    const document = await openImage(exports, uri);
    await writeZeroes({ uri, offset: '7M', length: '1M' });
    await save(uri);
    const [before, disk] = [length(uri), await wholeDisk(document)];
    const compacted = await compact(uri);
    assert.equal(compacted?.changed, true);
    assert.equal(compacted.stopped, undefined);
    assert.equal(compacted.before.fileSize, before);
    assert.equal(compacted.after.fileSize, length(uri));
    assert.ok(before - length(uri) >= 4 * MIB - 65536);
    assert.equal(isDirty(uri), false);
    assert.deepEqual(await wholeDisk(document), disk);
    assert.equal(document.state?.fileSize, length(uri));
    mustBeSound(uri);
    qemuIo(uri.fsPath, 'read -P 1 0 1M', 'read -P 0 1M 3M', 'read -P 1 4M 3M', 'read -P 0 7M 1M');
  });

  it('shows the file as it becomes, and refuses what would change it with one line', async () => {
    const uri = slow('shown.qcow2');
    const document = await openImage(exports, uri);
    const before = length(uri);
    const states: ImageState[] = [];
    const reading = document.onDidRead((state) => states.push(state));
    const failures: unknown[] = [];
    const failing = document.onDidFail((why) => failures.push(why));
    const { end } = await begun(uri, document);
    assert.equal(await writeZeroes({ uri, offset: '0', length: '1M' }), undefined);
    const { refusals } = await exports.guards(document);
    assert.match(refusals[0] ?? '', /is being compacted/);
    assert.equal(await exports.actions.giveBack(uri), undefined);
    assert.equal(await compact(uri), undefined);
    const staged = await document.edit((staging) =>
      staging.stage({ kind: 'discard', start: 0 as never, length: MIB }, 'too early'),
    );
    assert.equal(!staged.ok && staged.problem.code, 'space.compacting');
    const read = await document.ask((engine) => engine.readBytes((100 * MIB) as never, 4096));
    assert.ok(read.ok && read.value.every((byte) => byte === 2));
    assert.ok(document.compaction !== undefined, 'it still runs');
    const compacted = await end;
    reading.dispose();
    failing.dispose();
    assert.equal(compacted?.stopped, undefined);
    assert.equal(document.compaction, undefined);
    assert.deepEqual(failures, []);
    const lengths = states.map(({ fileSize }) => fileSize);
    assert.deepEqual(
      lengths,
      lengths.toSorted((one, other) => other - one),
    );
    assert.ok(
      lengths.some((size) => size < before && size > length(uri)),
      `of ${lengths.join(', ')}`,
    );
    assert.equal(document.state?.fileSize, length(uri));
    assert.ok(before - length(uri) > 69 * MIB);
    // It is edited on as ever.
    assert.ok(await writeZeroes({ uri, offset: '0', length: '1M' }));
    await save(uri);
    mustBeSound(uri);
  });

  it('ends after its batch when its tab is closed, and goes on the next time', async () => {
    const uri = slow('closed.qcow2');
    const document = await openImage(exports, uri);
    const before = length(uri);
    const { end } = await begun(uri, document);
    await closeAllEditors();
    await end;
    // It may have ended a moment before its thread has.
    await waitFor('an image that is let go', () => {
      try {
        mustReadAsSlow(uri);
        return true;
      } catch {
        return false;
      }
    });
    assert.ok(length(uri) > before - 69 * MIB, 'it was not finished');
    await openImage(exports, uri);
    const compacted = await compact(uri);
    assert.equal(compacted?.stopped, undefined);
    assert.ok(before - length(uri) > 69 * MIB);
    mustReadAsSlow(uri);
  });
});
