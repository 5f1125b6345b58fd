/** Activation: registers what the folders offer, and loads nothing heavy before an image or the tree is shown. */
// First: what comes after it is what takes time.
import { began, between, type Moment, now } from './startup';
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { ChainView } from './chains/chainView';
import { ImageKey } from './chains/imageKey';
import { AutomaticChecks } from './commands/automaticChecks';
import { registerChainCommands } from './commands/chains';
import { registerCheck } from './commands/check';
import { registerChangeBacking } from './commands/changeBacking';
import { registerChangeCommands, overlaysInWorkspace } from './commands/change';
import { registerDependents } from './commands/dependents';
import { registerContents } from './commands/contents';
import { registerCopyInformation } from './commands/copyInformation';
import { exportMap, registerExportMap } from './commands/exportMap';
import { changeFile, registerFileChange } from './commands/changeFile';
import { COMPACT } from './commands/compact';
import { GIVE_BACK } from './commands/giveBack';
import { registerGoToProblem } from './commands/goToProblem';
import { registerOpenCommands } from './commands/open';
import { OpenHint } from './commands/openHint';
import { registerOpenWith } from './commands/openWith';
import { pageActions } from './commands/pageActions';
import { registerRecover } from './commands/recover';
import { registerShowOnMap } from './commands/showOnMap';
import { registerPagePlaces } from './commands/pagePlaces';
import { registerSample } from './commands/sample';
import { registerSave } from './commands/save';
import { registerSaveFromImage, save } from './commands/saveFromImage';
import { ContentsView } from './contents/contentsView';
import { GuestFiles } from './contents/guestFiles';
import { ImageSessions } from './contents/imageSessions';
import { Checks } from './editor/health/checks';
import type { ImageDocument } from './editor/model/document';
import { guardsOf } from './editor/guards/guards';
import type { GuardReport } from './editor/guards/guardReport';
import { ContextKeys } from './editor/host/contextKeys';
import { removeLeftovers } from './editor/model/leftovers';
import { OpenImages } from './editor/host/openImages';
import { Problems } from './editor/health/problems';
import { registerEditor } from './editor/host/provider';
import { Renames } from './editor/host/renames';
import { stageRepair } from './commands/stageRepair';
import { replaceGuards } from './editor/guards/replaceGuards';
import { Sessions } from './editor/model/sessions';
import { stageRequest } from './commands/stageChange';
import { ImageStatus } from './editor/host/statusBar';
import { folderOfThisHost } from './editor/model/storage';
import type { ChangeRequest, Compacted, GivenBack, MapForm, RepairMode } from './worker/api';
import { offerInTerminal } from './terminal';
import { logTo } from './text/log';
import { openLog, showLog } from './text/vscode/logChannel';
import { registerCommand } from './text/vscode/tell';

/** What `activate` hands out to the extension's own tests, and to no other extension. */
export interface Exports {
  readonly images: OpenImages;
  readonly chains: ChainView;
  readonly contents: ContentsView;
  readonly checks: Checks;
  guards(document: ImageDocument): Promise<GuardReport>;
  readonly logTo: typeof logTo;
  /** What stands in the way of writing over a file. */
  replaceGuards(target: vscode.Uri): Promise<GuardReport>;
  readonly actions: Actions;
  /** What running the bundle and `activate` have taken. */
  readonly startup: readonly Moment[];
}

/** What dialogs and pages do once the user has answered. @param confirmed as `stageRequest` has it */
export interface Actions {
  stage(
    document: ImageDocument,
    request: ChangeRequest,
    label: string,
    confirmed: readonly string[],
  ): ReturnType<typeof stageRequest>;
  repair(
    document: ImageDocument,
    mode: RepairMode,
    confirmed: readonly string[],
  ): ReturnType<typeof stageRepair>;
  giveBack(uri: vscode.Uri): Promise<GivenBack | undefined>;
  compact(uri: vscode.Uri): Promise<Compacted | undefined>;
  saveFromImage(savings: Parameters<typeof save>[0]): ReturnType<typeof save>;
  exportMap(uri: vscode.Uri, form: MapForm, destination: vscode.Uri): ReturnType<typeof exportMap>;
}

const loaded = now();

/** What is to end before the extension host does. */
let sessions: Sessions | undefined;

/**
 * Saves past their seal go on to their end, which VS Code waits for some seconds; others are cancelled. A save that is cut
 * off here is recovered by the next window.
 */
export async function deactivate(): Promise<void> {
  await sessions?.end();
}

export function activate(context: vscode.ExtensionContext): Exports | undefined {
  const activating = now();
  context.subscriptions.push(openLog(context));
  offerInTerminal(context);
  let generation = 0;
  const workerScript = vscode.Uri.joinPath(context.extensionUri, 'dist', 'worker.js').fsPath;
  const stagedFolder = vscode.Uri.joinPath(context.globalStorageUri, 'staged').fsPath;
  const scratchFolder = folderOfThisHost(stagedFolder);
  const started = new Sessions({
    workerScript,
    scratchFolder,
    followsNames: () => vscode.workspace.isTrusted,
    nextGeneration: () => ++generation,
  });
  sessions = started;
  const images = new OpenImages();
  const checks = new Checks();
  const chains = new ChainView(workerScript, checks);
  const imageSessions = new ImageSessions(started);
  const contents = new ContentsView(images, imageSessions);
  const saving = { view: contents, sessions: imageSessions, images, workerScript };
  const findOverlays = overlaysInWorkspace(chains);
  const exporting = { images, findOverlays, workerScript };
  void removeLeftovers([
    stagedFolder,
    ...(context.storageUri === undefined ? [] : [context.storageUri.fsPath]),
  ]);
  const renames = new Renames(images, scratchFolder);
  context.subscriptions.push(
    images,
    checks,
    chains,
    contents,
    imageSessions,
    GuestFiles.register(imageSessions),
    renames,
    registerEditor({
      extension: context.extensionUri,
      sessions: started,
      images,
      renames,
      checks,
      findOverlays,
      actions: pageActions(findOverlays, checks),
    }),
    new Problems(checks),
    new ImageStatus(images),
    new ContextKeys(images, checks),
    new ImageKey(chains.index),
    new OpenHint(chains.index, context.workspaceState),
    images.onDidChangeDocuments(() => {
      chains.index.setOpenFolders(openFolders(images));
    }),
    startSoon(chains),
    registerCommand('qcow2.showLog', showLog),
    registerSave(images),
    registerRecover(images),
    registerOpenCommands(images),
    registerOpenWith(images),
    registerSample(context),
    registerExportMap(exporting),
    registerCopyInformation(images, workerScript),
    registerCheck(images, checks, chains.index, workerScript),
    new AutomaticChecks(checks, workerScript),
    registerGoToProblem(images),
    registerPagePlaces(images),
    registerShowOnMap(images),
    registerChangeCommands(images),
    registerFileChange(GIVE_BACK, images),
    registerFileChange(COMPACT, images),
    registerChangeBacking(images, chains, findOverlays),
    registerChainCommands(chains),
    registerDependents(images, chains),
    registerContents(saving),
    registerSaveFromImage(saving),
  );
  // Another extension could otherwise answer questions in place of the user.
  if (context.extensionMode !== vscode.ExtensionMode.Test) return undefined;
  return {
    images,
    chains,
    contents,
    checks,
    guards: (document) => guardsOf(document, findOverlays),
    logTo,
    replaceGuards: (target) => replaceGuards(target, exporting),
    actions: {
      stage: (document, request, label, confirmed) =>
        stageRequest(document, request, label, confirmed, findOverlays),
      repair: (document, mode, confirmed) => stageRepair(document, mode, confirmed, findOverlays, checks),
      giveBack: (uri) => changeFile(GIVE_BACK, uri, images, () => Promise.resolve(true)),
      compact: (uri) => changeFile(COMPACT, uri, images, () => Promise.resolve(true)),
      saveFromImage: (savings) => save(savings, saving),
      exportMap: (uri, form, destination) => exportMap(uri, form, destination, exporting),
    },
    startup: [between(began, loaded), between(activating, now())],
  };
}

/** Folders of the open images on a local disk. */
function openFolders(images: OpenImages): string[] {
  return images.entries().flatMap(([uri]) => (uri.scheme === 'file' ? [dirname(uri.fsPath)] : []));
}

/** Milliseconds from activation to the search for images: what is opened first comes first. */
const INDEX_AFTER = 1000;

/** Menus, and the guard of images that others use, need the index before its view is shown. */
function startSoon({ index }: ChainView): vscode.Disposable {
  const timer = setTimeout(() => void index.start(), INDEX_AFTER);
  return new vscode.Disposable(() => {
    clearTimeout(timer);
  });
}
