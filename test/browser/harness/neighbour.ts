/**
 * A second extension, as a stranger's would be. Its command reports what it can see of the packaged one.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { inject } from 'vitest';
import { extensionsFolder, installExtension, provisionServer } from '../../../scripts/lib/vscodeServer.mjs';
import { EXTENSION_ID } from './vscode';

/** Of the command that shows a notification. */
export const LOOK = 'Neighbour: Look';

const MANIFEST = {
  name: 'neighbour',
  publisher: 'somewhere-else',
  version: '1.0.0',
  engines: { vscode: '^1.90.0' },
  main: './main.js',
  activationEvents: [],
  contributes: { commands: [{ command: 'neighbour.look', title: 'Look', category: 'Neighbour' }] },
};

const PROGRAM = `
const vscode = require('vscode');
exports.activate = (context) => {
  context.subscriptions.push(vscode.commands.registerCommand('neighbour.look', async () => {
    const extension = vscode.extensions.getExtension(${JSON.stringify(EXTENSION_ID)});
    const activated = await extension.activate();
    const seen = [typeof activated, typeof extension.exports, extension.isActive ? 'active' : 'inactive'];
    void vscode.window.showInformationMessage('The neighbour sees: ' + seen.join(', '));
  }));
};
`;

export interface Neighbourhood {
  /** The packaged extension is in it, too: for `VSCodeOptions.extensions`. */
  readonly extensions: string;
  remove(): void;
}

export async function installNeighbour(): Promise<Neighbourhood> {
  const folder = mkdtempSync(path.join(tmpdir(), 'qcow2-editor-neighbour-'));
  const extensions = extensionsFolder(folder);
  const source = path.join(folder, 'source');
  const packagePath = path.join(folder, 'neighbour.vsix');
  cpSync(inject('extensionsFolder'), extensions, { recursive: true });
  mkdirSync(source);
  writeFileSync(path.join(source, 'package.json'), JSON.stringify(MANIFEST));
  writeFileSync(path.join(source, 'main.js'), PROGRAM);
  await createVSIX({
    cwd: source,
    packagePath,
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: true,
  });
  await installExtension(await provisionServer(), folder, packagePath);
  return {
    extensions,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
