/** Answers what the page asks (`HostApi`), for one panel on one document. */
import * as vscode from 'vscode';
import type { CellsRequest, Problem, RepairMode, Result, StagedReport } from '../worker/api';
import type { ImageDocument } from './document';
import type { Checks } from './checks';
import { type FindUsers, guardsOf } from './editability';
import type { HostApi, PageChange, PageReport, PageState } from './messages';
import { pageState } from './pageState';
import { previewRepair, stageRepair } from './repair';
import { previewChange, stageChange } from './stage';
import { viewTypeFor } from '../words/viewTypes';
import { describe } from '../words/words';

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
      const layer = vscode.Uri.file(path);
      const column = toTheSide ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
      await vscode.commands.executeCommand('vscode.openWith', layer, viewTypeFor(layer), column);
    },
    async changeBacking(depth: number): Promise<void> {
      const overlay = document.state?.chain?.layers.find((layer) => layer.depth === depth - 1)?.path;
      const image = depth === 1 || overlay === undefined ? uri : vscode.Uri.file(overlay);
      await vscode.commands.executeCommand('qcow2.changeBackingFile', image);
    },
    async run(command): Promise<void> {
      if (!Object.hasOwn(COMMANDS, command)) return;
      await vscode.commands.executeCommand(COMMANDS[command], uri);
    },
    async copy(text: string): Promise<void> {
      await vscode.env.clipboard.writeText(text);
    },
    guards: () => guardsOf(document, findUsers),
    preview: (change: PageChange) => previewChange(document, change),
    stage: (change: PageChange, confirmed: readonly string[]) =>
      stageChange(document, change, confirmed, findUsers),
    repairGuards: () => guardsOf(document, findUsers, { allowsDamage: true }),
    previewRepair: (mode: RepairMode) => previewRepair(document, mode),
    stopPreview(): Promise<void> {
      document.stopPreview();
      return Promise.resolve();
    },
    async stageRepair(mode: RepairMode, confirmed: readonly string[]) {
      const staged = await stageRepair(document, mode, confirmed, findUsers, checks);
      return staged.ok ? { ok: true, value: { label: staged.value.label } } : staged;
    },
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
