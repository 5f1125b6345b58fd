/** The commands, judged by qemu-img on the same image. */
import * as assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ExportedMap } from '../../../src/commands/exportMap';
import type { Exports } from '../../../src/extension';
import type { MapForm } from '../../../src/worker/api';
import { activateExtension, closeAllEditors, openedDocument, waitFor } from '../support/extension';
import { ImageFolder, qemuImg, qemuIo } from '../support/images';

const MIB = 1024 * 1024;

describe('the command', () => {
  let exports: Exports;
  let folder: ImageFolder;
  let image: vscode.Uri;

  before(async () => {
    exports = await activateExtension();
    folder = ImageFolder.inWorkspace('commands');
    qemuIo(folder.create('base.qcow2', '64M'), 'write -P 1 0 1M', 'write -P 2 10M 3M');
    qemuIo(folder.overlay('top.qcow2', 'base.qcow2'), 'write -z 20M 2M', 'write -P 4 30M 5M');
    image = folder.uri('top.qcow2');
  });

  afterEach(closeAllEditors);

  after(() => {
    folder.remove();
  });

  describe('Export Map', () => {
    const exportMap = (form: MapForm, name: string): Promise<ExportedMap | undefined> =>
      exports.actions.exportMap(image, form, folder.uri(name));

    it('writes JSON as qemu-img prints it', async () => {
      const exported = await exportMap('json', 'map.json');
      const expected = qemuImg('map', '--output=json', image.fsPath);
      assert.deepEqual(
        JSON.parse(readFileSync(folder.file('map.json'), 'utf8')),
        JSON.parse(expected) as unknown,
      );
      assert.equal(exported?.extents, (JSON.parse(expected) as unknown[]).length);
    });

    it('writes text as qemu-img prints it', async () => {
      await exportMap('text', 'map.txt');
      assert.equal(readFileSync(folder.file('map.txt'), 'utf8'), qemuImg('map', image.fsPath));
    });

    it('writes CSV with a row for each extent of qemu-img', async () => {
      await exportMap('csv', 'map.csv');
      const [head = '', ...rows] = readFileSync(folder.file('map.csv'), 'utf8').trimEnd().split(/\r?\n/);
      const names = head.split(',');
      const extents = JSON.parse(qemuImg('map', '--output=json', image.fsPath)) as Record<
        string,
        string | number | boolean
      >[];
      assert.equal(rows.length, extents.length);
      rows.forEach((row, index) => {
        const cells = row.split(',');
        for (const field of ['start', 'length', 'depth', 'present', 'zero', 'data']) {
          assert.equal(
            cells[names.indexOf(field)],
            String(extents[index]?.[field]),
            `${field} of row ${index}`,
          );
        }
        assert.equal(cells[names.indexOf('offset')], String(extents[index]?.['offset'] ?? ''));
      });
    });

    it('opens a small map', async () => {
      await exportMap('json', 'opened.json');
      await waitFor('the editor', () =>
        vscode.window.visibleTextEditors.some(
          ({ document }) => document.uri.fsPath === folder.file('opened.json'),
        ),
      );
    });

    it('works on the image in the active editor, asking for form and place', async () => {
      await vscode.commands.executeCommand('vscode.open', image);
      await openedDocument(exports, image);
      await waitFor('the page in the active editor', () => exports.images.active?.isUp);
      const exported = vscode.commands.executeCommand<ExportedMap | undefined>('qcow2.exportMap');
      const destination = folder.file('top.qcow2.map.json');
      await waitFor('the map', async () => {
        // First the list of forms (JSON is on top), then the name that is proposed. Each needs a while to be up.
        await new Promise((resolve) => setTimeout(resolve, 500));
        await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
        return existsSync(destination);
      });
      assert.equal((await exported)?.destination.fsPath, destination);
    });

    it('never writes over the image or a layer below it', async () => {
      const before = readFileSync(folder.file('base.qcow2'));
      for (const name of ['top.qcow2', 'base.qcow2']) assert.equal(await exportMap('json', name), undefined);
      assert.deepEqual(readFileSync(folder.file('base.qcow2')), before);
    });

    it('leaves nothing behind where it fails', async () => {
      const broken = folder.uri('incomplete.qcow2');
      qemuImg('create', '-q', '-f', 'qcow2', '-u', '-b', 'nowhere.qcow2', '-F', 'qcow2', broken.fsPath, '1M');
      const destination = folder.uri('never.json');
      const exported = await exports.actions.exportMap(broken, 'json', destination);
      assert.equal(exported, undefined);
      assert.deepEqual(
        readdirSync(folder.path).filter((name) => name.startsWith('never')),
        [],
      );
    });
  });

  describe('Copy Image Information', () => {
    const expected = (): unknown => JSON.parse(qemuImg('info', '--output=json', image.fsPath));
    const copied = async (): Promise<unknown> => JSON.parse(await vscode.env.clipboard.readText());

    beforeEach(async () => {
      await vscode.env.clipboard.writeText('');
    });

    it('puts what qemu-img info says of a file into the clipboard', async () => {
      await vscode.commands.executeCommand('qcow2.copyImageInformation', image);
      assert.deepEqual(await copied(), expected());
    });

    it('works on the active editor', async () => {
      await vscode.commands.executeCommand('vscode.open', image);
      await openedDocument(exports, image);
      await waitFor('the page in the active editor', () => exports.images.active?.isUp);
      await vscode.commands.executeCommand('qcow2.copyImageInformation');
      assert.deepEqual(await copied(), expected());
    });
  });

  describe('Go to Offset', () => {
    const goTo = (offset: string): Thenable<number | undefined> =>
      vscode.commands.executeCommand('qcow2.goToOffset', { uri: image, offset });

    it('takes offsets as people write them', async () => {
      assert.equal(await goTo('0x1f0000'), 0x1f0000);
      assert.equal(await goTo('4096'), 4096);
      assert.equal(await goTo('64k'), 65536);
      assert.equal(await goTo('1.5 MiB'), 1.5 * MIB);
      assert.equal(await goTo('#12'), 12 * 65536);
    });

    it('refuses what is no offset or beyond the disk', async () => {
      for (const offset of ['', 'here', '0x', '1.5', '-1', '64M', '#1024']) {
        assert.equal(await goTo(offset), undefined, offset);
      }
    });

    it('selects the cluster in the page', async () => {
      await goTo('30M');
      const { document } = await openedDocument(exports, image);
      const selection = await waitFor(
        'the selection',
        () => document.selection?.start === 30 * MIB && document.selection,
      );
      assert.equal(selection.length, 65536);
    });

    it('asks for the offset', async () => {
      await vscode.commands.executeCommand('vscode.open', image);
      await openedDocument(exports, image);
      await waitFor('the page in the active editor', () => exports.images.active?.isUp);
      const gone = vscode.commands.executeCommand<number | undefined>('qcow2.goToOffset');
      await waitFor('the box to close', async () => {
        await vscode.commands.executeCommand('type', { text: '0x10000' }).then(undefined, () => undefined);
        await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
        return true;
      });
      assert.equal(await gone, undefined);
    });
  });

  it('Show Backing Chain opens the image of a file', async () => {
    await vscode.commands.executeCommand('qcow2.showBackingChain', image);
    const { state } = await openedDocument(exports, image);
    assert.equal(state.chain?.layers.length, 2);
    await waitFor('the page', () => exports.images.pageOf(image)?.isUp);
  });
});
