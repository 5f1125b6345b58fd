/** Activation: registers what the folders offer, and loads nothing heavy before an image or the tree is shown. */
import * as vscode from 'vscode';
import { ChainView } from './chains/chainView';
import { registerChainCommands } from './commands/chains';
import { registerCopyInformation } from './commands/copyInformation';
import { registerExportMap } from './commands/exportMap';
import { registerOpenCommands } from './commands/open';
import { OpenImages } from './editor/openImages';
import { registerEditor } from './editor/provider';
import { Sessions } from './editor/sessions';
import { ImageStatus } from './editor/statusBar';

/** What `activate` hands out, for the extension's own tests: they look at what the worker answered. */
export interface Exports {
  readonly images: OpenImages;
  readonly chains: ChainView;
}

export function activate(context: vscode.ExtensionContext): Exports {
  let generation = 0;
  const workerScript = vscode.Uri.joinPath(context.extensionUri, 'dist', 'worker.js').fsPath;
  const sessions = new Sessions({
    workerScript,
    followsNames: () => vscode.workspace.isTrusted,
    nextGeneration: () => ++generation,
  });
  const images = new OpenImages();
  const chains = new ChainView(workerScript);
  context.subscriptions.push(
    images,
    chains,
    registerEditor(context, sessions, images),
    new ImageStatus(images),
    registerOpenCommands(images),
    registerExportMap(images, workerScript),
    registerCopyInformation(images, workerScript),
    registerChainCommands(chains),
  );
  return { images, chains };
}
