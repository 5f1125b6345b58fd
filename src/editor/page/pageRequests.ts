/** Answers what the page asks (`HostApi`), for one panel on one document. */
import * as vscode from 'vscode';
import type { CellsRequest, Problem, RepairMode, Result, StagedReport } from '../../worker/api';
import type { ImageDocument } from '../model/document';
import type { Checks } from '../health/checks';
import { type FindUsers, guardsOf } from '../guards/guards';
import type {
  ChangePreview,
  HostApi,
  PageChange,
  PageReport,
  PageState,
  RepairPreview,
  Told,
} from './messages';
import { pageState } from './pageState';
import { describe } from '../../text/vscode/describe';

/** The page's actions, as commands of this extension. */
const COMMANDS: Readonly<Record<Parameters<HostApi['run']>[0], string>> = {
  exportMap: 'qcow2.exportMap',
  copyInfo: 'qcow2.copyImageInformation',
  retry: 'qcow2.retry',
  goToOffset: 'qcow2.goToOffset',
  showChain: 'qcow2.showBackingChain',
  recover: 'qcow2.recover',
  check: 'qcow2.check',
  cancelCheck: 'qcow2.cancelCheck',
  repair: 'qcow2.repair',
  saveAs: 'workbench.action.files.saveAs',
  showProblems: 'workbench.actions.view.problems',
  showLog: 'qcow2.showLog',
};

/** The same calls, answered later. */
type Answers<Api> = {
  [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Value
    ? (...args: Args) => Promise<Value>
    : never;
};

/** What the page may have done; `commands/` does it. @param confirmed ids of the guards' questions that were answered with yes */
export interface PageActions {
  openImage(uri: vscode.Uri, toTheSide: boolean): Promise<void>;
  preview(document: ImageDocument, change: PageChange): Promise<Told<ChangePreview>>;
  stage(
    document: ImageDocument,
    change: PageChange,
    confirmed: readonly string[],
  ): Promise<Told<{ readonly label: string }>>;
  previewRepair(document: ImageDocument, mode: RepairMode): Promise<Told<RepairPreview>>;
  stageRepair(
    document: ImageDocument,
    mode: RepairMode,
    confirmed: readonly string[],
  ): Promise<Told<{ readonly label: string }>>;
}

/** What the answers bring with them. */
export interface HandlerEvents {
  /** The page is up, and has its state: what waited for it can be told. */
  ready(): void;
  /** The tables are being read for the file view. */
  layoutProgress(done: number, total: number): void;
}

export function hostHandler(
  uri: vscode.Uri,
  document: ImageDocument,
  findUsers: FindUsers,
  checks: Checks,
  actions: PageActions,
  events: HandlerEvents,
): Answers<HostApi> {
  return {
    async ready(): Promise<PageState> {
      const state = await document.whenRead();
      // After the answer is on its way: what waited needs the state it belongs to.
      setImmediate(() => {
        events.ready();
      });
      return pageState(document, state, checks);
    },
    cells: (request: CellsRequest) => document.cells(request),
    totals: (start: number, length: number) => document.totals(start, length),
    inspect: async (guestOffset: number) => inWords(await document.inspect(guestOffset)),
    readBytes: (guestOffset: number, length: number) => document.readBytes(guestOffset, length),
    hostCells: (request: CellsRequest) =>
      document.hostCells(request, (done, total) => {
        events.layoutProgress(done, total);
      }),
    inspectHost: (hostOffset: number) => document.inspectHost(hostOffset, events),
    readHostBytes: (hostOffset: number, length: number) => document.readHostBytes(hostOffset, length),
    leaveFile(): Promise<void> {
      document.leaveFile();
      return Promise.resolve();
    },
    async openLayer(depth: number, toTheSide: boolean): Promise<void> {
      const path = document.state?.chain?.layers.find((layer) => layer.depth === depth)?.path;
      if (path === undefined) return;
      await actions.openImage(vscode.Uri.file(path), toTheSide);
    },
    async changeBacking(depth: number, choosesFile: boolean): Promise<void> {
      const overlay = document.state?.chain?.layers.find((layer) => layer.depth === depth - 1)?.path;
      const image = depth === 1 || overlay === undefined ? uri : vscode.Uri.file(overlay);
      await vscode.commands.executeCommand('qcow2.changeBackingFile', { uri: image, choosesFile });
    },
    async run(command): Promise<void> {
      if (!Object.hasOwn(COMMANDS, command)) return;
      await vscode.commands.executeCommand(COMMANDS[command], uri);
    },
    async copy(text: string): Promise<void> {
      await vscode.env.clipboard.writeText(text);
    },
    guards: () => guardsOf(document, findUsers),
    preview: (change: PageChange) => actions.preview(document, change),
    stage: (change: PageChange, confirmed: readonly string[]) => actions.stage(document, change, confirmed),
    repairGuards: () => guardsOf(document, findUsers, { allowsDamage: true, writesData: false }),
    previewRepair: (mode: RepairMode) => actions.previewRepair(document, mode),
    stopPreview(): Promise<void> {
      document.stopPreview();
      return Promise.resolve();
    },
    stageRepair: (mode: RepairMode, confirmed: readonly string[]) =>
      actions.stageRepair(document, mode, confirmed),
    describe: (problem: Problem) => Promise.resolve(describe(problem)),
    selectionChanged(selection): Promise<void> {
      document.select(selection);
      return Promise.resolve();
    },
  };
}

function inWords(result: Result<StagedReport>): Result<PageReport> {
  if (!result.ok) return result;
  const { value } = result;
  const { problem, onDisk } = value;
  return {
    ok: true,
    value: {
      ...value,
      ...(problem === undefined ? {} : { problemText: describe(problem) }),
      ...(onDisk?.problem === undefined ? {} : { problemTextOnDisk: describe(onDisk.problem) }),
    },
  };
}
