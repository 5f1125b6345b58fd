/** The installed package beside another extension, which must not be able to answer questions for the user. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { image } from '../support/imageBuilder';
import { workspace } from '../support/workspace';
import { installNeighbour, LOOK, type Neighbourhood } from './harness/neighbour';
import { VSCode } from './harness/vscode';

const files = workspace();
let neighbourhood: Neighbourhood;
let vscode: VSCode;

beforeAll(async () => {
  image({ size: '4M' }).data(0, 4).writeTo(files.path('disk.qcow2'));
  neighbourhood = await installNeighbour();
  vscode = await VSCode.start({ extensions: neighbourhood.extensions });
});

afterAll(async () => {
  await vscode.stop();
  neighbourhood.remove();
  files.remove();
});

it('hands out nothing to another extension', async () => {
  const window = await vscode.openWindow(files.folder);
  await window.openFile(files.path('disk.qcow2'));
  await window.runCommand(LOOK);
  const told = window.notification('The neighbour sees');
  await told.waitFor();
  expect(await told.innerText()).toContain('The neighbour sees: undefined, undefined, active');
});
