/** Open with QCOW2 Editor, for images whatever their names; and the same from now on. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { associate, belongsToWorkspace, patternOfEnding, patternOfFile } from '../editor/host/associations';
import type { OpenImages } from '../editor/host/openImages';
import { choose } from '../text/vscode/choose';
import { ask, registerCommand, tellError } from '../text/vscode/tell';
import { targetIn } from './arguments';
import { show } from './open';
import { namedImage } from './target';

export function registerOpenWith(images: OpenImages): vscode.Disposable {
  const targetOf = (given: unknown): vscode.Uri | undefined =>
    namedImage(targetIn(given), images) ?? activeFile();
  return vscode.Disposable.from(
    registerCommand('qcow2.openWithEditor', async (given?: unknown) => {
      const uri = targetOf(given);
      if (uri !== undefined) await openInstead(uri);
    }),
    registerCommand('qcow2.alwaysOpen', async (given?: unknown) => {
      const uri = targetOf(given);
      if (uri !== undefined && (await chooseAlways(uri))) await openInstead(uri);
    }),
  );
}

/** The file in front, in whichever editor. */
function activeFile(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom
    ? input.uri
    : undefined;
}

/** Opens the image; a text editor on it in the same group, which has nothing to show, goes. */
async function openInstead(uri: vscode.Uri): Promise<void> {
  const { tabs } = vscode.window.tabGroups.activeTabGroup;
  const useless = tabs.filter(
    ({ input, isDirty }) =>
      input instanceof vscode.TabInputText && !isDirty && input.uri.toString() === uri.toString(),
  );
  await show(uri);
  await vscode.window.tabGroups.close(useless, true);
}

/** @returns whether the choice was made and written to the settings */
async function chooseAlways(uri: vscode.Uri): Promise<boolean> {
  const name = basename(uri.path);
  const ending = patternOfEnding(uri);
  const place = belongsToWorkspace(uri)
    ? vscode.l10n.t('in the settings of the workspace')
    : vscode.l10n.t('in the user settings');
  const items = [
    { label: vscode.l10n.t('Only This File'), description: name, detail: place, value: patternOfFile(uri) },
    ...(ending === undefined
      ? []
      : [
          {
            label: vscode.l10n.t('All Files with This Extension'),
            description: ending,
            detail: place,
            value: ending,
          },
        ]),
  ];
  const glob = await choose(items, {
    title: vscode.l10n.t('Always Open with QCOW2 Editor'),
    placeHolder: vscode.l10n.t('Which files to always open with QCOW2 Editor'),
  });
  if (glob === undefined) return false;
  if (glob === ending && !(await confirmEnding(ending))) return false;
  try {
    await associate(glob, uri);
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void tellError(vscode.l10n.t('The settings were not changed: {0}', reason));
    return false;
  }
}

async function confirmEnding(ending: string): Promise<boolean> {
  const yes = vscode.l10n.t('Always Open');
  const detail = [
    vscode.l10n.t('Files with this extension that are not qcow2 images still open in the default editor.'),
  ];
  const question = vscode.l10n.t('Open all {0} files with QCOW2 Editor?', ending);
  return (await ask(question, { detail, buttons: [yes] })) === yes;
}
