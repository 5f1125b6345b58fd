/** The log channel: the events of an image, and errors of commands. */
import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Exports } from '../../../src/extension';
import { logTo } from '../../../src/text/log';
import { registerCommand } from '../../../src/text/vscode/tell';
import { isDirty, openImage, save, writeZeroes } from '../support/edits';
import { activateExtension, closeAllEditors, waitFor } from '../support/extension';
import { ImageFolder, qemuIo } from '../support/images';

describe('the log', () => {
  let exports: Exports;
  let folder: ImageFolder;
  let endLog: () => void;
  const lines: string[] = [];

  before(async () => {
    exports = await activateExtension();
    const take = (line: string): void => void lines.push(line);
    endLog = exports.logTo({ info: take, warn: take, error: take });
    folder = ImageFolder.inWorkspace('log');
  });

  after(async () => {
    endLog();
    await closeAllEditors();
    folder.remove();
  });

  const untilLogged = (pattern: RegExp): Promise<string> =>
    waitFor(String(pattern), () => lines.find((line) => pattern.test(line)));

  it('has what was opened and saved, with the time it took, and none of the data', async () => {
    const secret = 'N'.repeat(16);
    folder.create('disk.qcow2', '1M');
    qemuIo(folder.file('disk.qcow2'), `write -P ${secret.charCodeAt(0)} 0 128k`);
    const uri = folder.uri('disk.qcow2');
    await openImage(exports, uri);
    await writeZeroes({ uri, offset: '0', length: '64k' });
    await waitFor('the dirty tab', () => isDirty(uri));
    await save(uri);
    await untilLogged(/Opened \S*disk\.qcow2 in \d+ ms: version 3, disk 1048576 bytes/);
    await untilLogged(/Save of \S*disk\.qcow2: done in \d+ ms/);
    await untilLogged(/Native calls are (present|missing)/);
    assert.ok(!lines.join('\n').includes(secret));
  });

  it('has the stack of what escaped from a command, of which VS Code learns no text', async () => {
    // No command of ours is known to fail: one that does is registered as they are.
    const faults: string[] = [];
    const ignore = (): void => undefined;
    const end = logTo({ info: ignore, warn: ignore, error: (line) => void faults.push(line) });
    const command = registerCommand('qcow2.test.fails', () => {
      throw new TypeError('of [what](command:x)');
    });
    await assert.rejects(
      Promise.resolve(vscode.commands.executeCommand('qcow2.test.fails')),
      (error: Error) => !error.message.includes('what'),
    );
    command.dispose();
    end();
    assert.match(faults.join('\n'), /qcow2\.test\.fails\nTypeError: [^\n]+\n\s+at /);
  });

  it('is shown by a command of the palette', async () => {
    assert.ok((await vscode.commands.getCommands(true)).includes('qcow2.showLog'));
    await vscode.commands.executeCommand('qcow2.showLog');
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });
});
