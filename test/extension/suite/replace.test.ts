/** Obstacles to replacing an existing file by a copy of an image or by a map. */
import * as assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import type * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { openImage, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors } from '../support/extension';
import { ImageFolder, qemuIo } from '../support/images';

describe('a file that is to be written over', () => {
  let exports: Exports;
  let folder: ImageFolder;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('replace');
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  function create(name: string): vscode.Uri {
    qemuIo(folder.create(name, '16M'), 'write -P 1 0 4M');
    return folder.uri(name);
  }

  it('is asked about where other images have it as their backing file', async () => {
    const base = create('base.qcow2');
    folder.overlay('user.qcow2', 'base.qcow2');
    await exports.chains.index.refresh();
    const { refusals, questions } = await exports.replaceGuards(base);
    assert.deepEqual(refusals, []);
    assert.match(questions.map(({ text }) => text).join('\n'), /backing file \(user\.qcow2\)/);
    assert.deepEqual(await exports.replaceGuards(folder.uri('none.qcow2')), { refusals: [], questions: [] });
  });

  it('is refused where it is open with staged edits, under another name, too', async () => {
    const uri = create('staged.qcow2');
    symlinkSync('staged.qcow2', folder.file('link.qcow2'));
    await openImage(exports, uri);
    await writeZeroes({ uri, offset: '0', length: '1M' });
    for (const target of [uri, folder.uri('link.qcow2')]) {
      assert.match((await exports.replaceGuards(target)).refusals.join(), /staged edits/);
    }
  });

  it('is never made a map where it is an image, or others stand on it', async () => {
    const image = create('image.qcow2');
    create('other.qcow2');
    writeFileSync(folder.file('raw.img'), Buffer.alloc(1024 * 1024, 7));
    folder.create('over-raw.qcow2', undefined, '-b', 'raw.img', '-F', 'raw');
    await exports.chains.index.refresh();
    for (const name of ['other.qcow2', 'raw.img']) {
      const before = readFileSync(folder.file(name));
      assert.equal(await exports.actions.exportMap(image, 'json', folder.uri(name)), undefined);
      assert.ok(readFileSync(folder.file(name)).equals(before));
    }
  });
});
