/** Activation: registers what the folders offer, and loads nothing heavy before an image or the tree is shown. */
// First: what comes after it is what takes time.
import { began, between, type Moment, now } from './startup';
import * as vscode from 'vscode';
import { ChainView } from './chains/chainView';
import { registerChainCommands } from './commands/chains';
import { registerCheck } from './commands/check';
import { registerChangeBacking } from './commands/changeBacking';
import { registerChangeCommands, usersInWorkspace } from './commands/change';
import { registerDependents } from './commands/dependents';
import { registerCopyInformation } from './commands/copyInformation';
import { registerExportMap } from './commands/exportMap';
import { registerGiveBack } from './commands/giveBack';
import { registerGoToProblem } from './commands/goToProblem';
import { registerOpenCommands } from './commands/open';
import { registerRecover } from './commands/recover';
import { registerRepair } from './commands/repair';
import { registerSample } from './commands/sample';
import { registerSave } from './commands/save';
import { Checks } from './editor/checks';
import type { ImageDocument } from './editor/document';
import { guardsOf } from './editor/editability';
import type { GuardReport } from './editor/messages';
import { ContextKeys } from './editor/contextKeys';
import { removeLeftovers } from './editor/leftovers';
import { OpenImages } from './editor/openImages';
import { Problems } from './editor/problems';
import { registerEditor } from './editor/provider';
import { Renames } from './editor/renames';
import { Sessions } from './editor/sessions';
import { ImageStatus } from './editor/statusBar';
import { openLog, showLog } from './words/logChannel';
import { registerCommand } from './words/tell';

/** What `activate` hands out, for the extension's own tests: they look at what the worker answered. */
export interface Exports {
  readonly images: OpenImages;
  readonly chains: ChainView;
  readonly checks: Checks;
  guards(document: ImageDocument): Promise<GuardReport>;
  /** What running the bundle and `activate` have taken. */
  readonly startup: readonly Moment[];
}

const loaded = now();

export function activate(context: vscode.ExtensionContext): Exports {
  const activating = now();
  context.subscriptions.push(openLog(context));
  let generation = 0;
  const workerScript = vscode.Uri.joinPath(context.extensionUri, 'dist', 'worker.js').fsPath;
  const stagedFolder = vscode.Uri.joinPath(context.globalStorageUri, 'staged').fsPath;
  const sessions = new Sessions({
    workerScript,
    scratchFolder: stagedFolder,
    followsNames: () => vscode.workspace.isTrusted,
    nextGeneration: () => ++generation,
  });
  const images = new OpenImages();
  const checks = new Checks();
  const chains = new ChainView(workerScript, checks);
  const findUsers = usersInWorkspace(chains);
  void removeLeftovers([
    stagedFolder,
    ...(context.storageUri === undefined ? [] : [context.storageUri.fsPath]),
  ]);
  const renames = new Renames(images, stagedFolder);
  context.subscriptions.push(
    images,
    checks,
    chains,
    renames,
    registerEditor({ extension: context.extensionUri, sessions, images, renames, checks, findUsers }),
    new Problems(checks),
    new ImageStatus(images),
    new ContextKeys(images, checks),
    registerCommand('qcow2.showLog', showLog),
    registerSave(images),
    registerRecover(images),
    registerOpenCommands(images),
    registerSample(context),
    registerExportMap(images, workerScript),
    registerCopyInformation(images, workerScript),
    registerCheck(images, checks, workerScript),
    registerGoToProblem(images),
    registerRepair(images, checks, findUsers),
    registerChangeCommands(images, findUsers),
    registerGiveBack(images),
    registerChangeBacking(images, chains.index, findUsers),
    registerChainCommands(chains),
    registerDependents(images, chains),
  );
  return {
    images,
    chains,
    checks,
    guards: (document) => guardsOf(document, findUsers),
    startup: [between(began, loaded), between(activating, now())],
  };
}
