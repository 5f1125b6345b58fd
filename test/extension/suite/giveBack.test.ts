/** Reclaim Free Space makes the file smaller, and changes nothing that is read. */
import * as assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import type * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { isDirty, openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, wholeDisk } from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

const MIB = 1024 * 1024;

describe('giving free space back to the host', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('give-back');
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  function create(name: string): vscode.Uri {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 8M');
    return folder.uri(name);
  }

  const stored = (uri: vscode.Uri): number => statSync(uri.fsPath).blocks * 512;

  it('makes the file smaller, changes nothing that is read, and stages nothing', async () => {
    const uri = create('whole.qcow2');
    const document = await openImage(exports, uri);
    await writeZeroes({ uri, offset: '1M', length: '3M' });
    await writeZeroes({ uri, offset: '7M', length: '1M' });
    await save(uri);
    const before = {
      stored: stored(uri),
      length: statSync(uri.fsPath).size,
      disk: await wholeDisk(document),
    };
    const given = await exports.actions.giveBack(uri);
    assert.equal(given?.changed, true);
    assert.equal(isDirty(uri), false);
    assert.ok(before.stored - stored(uri) >= 4 * MIB - 65536);
    assert.equal(before.length - statSync(uri.fsPath).size, MIB);
    assert.deepEqual(await wholeDisk(document), before.disk);
    assert.equal(document.state?.fileSize, statSync(uri.fsPath).size);
    assert.equal(document.state.allocatedBytes, stored(uri));
    qemuIo(uri.fsPath, 'read -P 1 0 1M', 'read -P 0 1M 3M', 'read -P 1 4M 3M', 'read -P 0 7M 1M');
    assert.match(qemuImg('check', uri.fsPath), /No errors were found/);
  });
});
