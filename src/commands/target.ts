/** Which image a command is about: the one it was called on, the one in the active editor, or one to be asked for. */
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { ChainNode } from '../chains/chainModel';
import type { OpenImages } from '../editor/host/openImages';
import { type Choice, choose, SEPARATOR } from '../text/vscode/choose';

/** A file in the Explorer, a node of the tree, or arguments from a program. */
export type CommandTarget = vscode.Uri | ChainNode | { readonly uri: vscode.Uri } | undefined;

/** The image that the argument or the active editor names. */
export function namedImage(target: CommandTarget, images: OpenImages): vscode.Uri | undefined {
  if (target instanceof vscode.Uri) return target;
  if (target === undefined) return images.active?.uri;
  if ('uri' in target) return target.uri;
  const path = pathOf(target);
  return path === undefined ? undefined : vscode.Uri.file(path);
}

/** The same, and asks where neither names one; undefined when the user cancels. */
export async function imageOf(target: CommandTarget, images: OpenImages): Promise<vscode.Uri | undefined> {
  return namedImage(target, images) ?? (await askForImage(images));
}

export function pathOf(node: ChainNode): string | undefined {
  return node.kind === 'image' ? node.image.path : node.reference.path;
}

/** Open images are offered first: the user may just have come from one, to the walkthrough, say. */
async function askForImage(images: OpenImages): Promise<vscode.Uri | undefined> {
  const open = images.recent();
  if (open.length === 0) return chooseFile();
  const choices: (Choice<vscode.Uri | 'file'> | typeof SEPARATOR)[] = [
    ...open.map((uri) => ({
      label: basename(uri.path),
      description: vscode.workspace.asRelativePath(folderOf(uri)),
      icon: 'layers',
      value: uri,
    })),
    SEPARATOR,
    { label: vscode.l10n.t('Choose File…'), icon: 'folder-opened', value: 'file' },
  ];
  const title = vscode.l10n.t('Choose Image');
  // A page that asks by one of its buttons (the walkthrough) may take the focus again a moment later.
  const chosen = await choose(choices, { title, ignoreFocusOut: true });
  return chosen === 'file' ? chooseFile() : chosen;
}

export async function chooseFile(): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const chosen = await vscode.window.showOpenDialog({
    canSelectMany: false,
    filters: {
      [vscode.l10n.t('qcow2 images')]: ['qcow2', 'qcow', 'img'],
      [vscode.l10n.t('All files')]: ['*'],
    },
    title: vscode.l10n.t('Open Image'),
    ...(folder === undefined ? {} : { defaultUri: folder }),
  });
  return chosen?.[0];
}

/** The folder of a file, for dialogs that start there. */
export function folderOf(uri: vscode.Uri): vscode.Uri {
  return uri.scheme === 'file' ? vscode.Uri.file(dirname(uri.fsPath)) : vscode.Uri.joinPath(uri, '..');
}
