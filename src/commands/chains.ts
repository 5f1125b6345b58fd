/** Commands of the tree view "Backing Chains". */
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { ChainNode } from '../chains/chainModel';
import type { ChainView } from '../chains/chainView';
import { nodeIn } from './arguments';
import { askForText } from '../text/vscode/choose';
import { registerCommand, tellInformation } from '../text/vscode/tell';
import { show } from './open';
import { pathOf } from './target';

export function registerChainCommands(chains: ChainView): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand('qcow2.refreshBackingChains', () => chains.refresh()),
    registerCommand('qcow2.chains.open', (given?: unknown) =>
      open(chains.chosen(nodeIn(given)), vscode.ViewColumn.Active),
    ),
    registerCommand('qcow2.chains.openToSide', (given?: unknown) =>
      open(chains.chosen(nodeIn(given)), vscode.ViewColumn.Beside),
    ),
    registerCommand('qcow2.chains.copyPath', (given?: unknown) => copyPath(chains.chosen(nodeIn(given)))),
    registerCommand('qcow2.chains.reveal', (given?: unknown) => reveal(chains.chosen(nodeIn(given)))),
    registerCommand('qcow2.chains.filter', (text?: unknown) =>
      filter(chains, typeof text === 'string' ? text : undefined),
    ),
    registerCommand('qcow2.chains.clearFilter', () => {
      chains.setFilter('');
    }),
    registerCommand('qcow2.chains.showUsers', () => {
      chains.setFromBase(true);
    }),
    registerCommand('qcow2.chains.showBases', () => {
      chains.setFromBase(false);
    }),
  );
}

async function open(node: ChainNode | undefined, column: vscode.ViewColumn): Promise<void> {
  if (node?.kind === 'image') await show(vscode.Uri.file(node.image.path), column);
}

async function copyPath(node: ChainNode | undefined): Promise<void> {
  if (node === undefined) return;
  const name = node.kind === 'broken' ? node.reference.nameAsWritten : node.image.path;
  await vscode.env.clipboard.writeText(pathOf(node) ?? name);
}

/** The Explorer shows files of the workspace; others the system's file manager shows. */
async function reveal(node: ChainNode | undefined): Promise<void> {
  if (node?.kind !== 'image') return;
  const uri = vscode.Uri.file(node.image.path);
  const isInWorkspace = vscode.workspace.getWorkspaceFolder(uri) !== undefined;
  try {
    await vscode.commands.executeCommand(isInWorkspace ? 'revealInExplorer' : 'revealFileInOS', uri);
  } catch {
    // A browser has no file manager.
    void tellInformation(
      vscode.l10n.t('{0} is outside the workspace, in {1}.', basename(uri.path), dirname(uri.fsPath)),
    );
  }
}

async function filter(chains: ChainView, text?: string): Promise<void> {
  const wanted =
    text ??
    (await askForText({
      title: vscode.l10n.t('Filter Backing Chains'),
      prompt: vscode.l10n.t('Text in the path of any layer; leave empty to show all chains'),
      value: chains.filter,
    }));
  if (wanted !== undefined) chains.setFilter(wanted);
}
