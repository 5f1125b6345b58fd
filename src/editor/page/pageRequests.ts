/** Answers what the page asks (`HostApi`), for one panel on one document. */
import * as vscode from 'vscode';
import type { ProgressReport, RepairMode, Result, StagedReport, StagedSpaceReport } from '../../worker/api';
import type { ImageDocument } from '../model/document';
import type { Checks } from '../health/checks';
import { type FindOverlays, guardsOf } from '../guards/guards';
import type { GuardReport } from '../guards/guardReport';
import type {
  ChangePreview,
  HostApi,
  PageChange,
  PageReport,
  PageSpaceReport,
  PageState,
  RepairPreview,
  ShrinkChoice,
  ShrinkOffers,
  TextResult,
} from './messages';
import { guestFreeInWords } from './guestFreeWords';
import { contentHandler } from './contentRequests';
import { pageState } from './pageState';
import { describe } from '../../text/vscode/describe';
import { guestOffset, hostOffset } from '../../qcow2/units';

/** The page's actions, as commands of this extension. */
const COMMANDS: Readonly<Record<Parameters<HostApi['run']>[0], string>> = {
  exportMap: 'qcow2.exportMap',
  giveBack: 'qcow2.giveBack',
  compact: 'qcow2.compact',
  shrink: 'qcow2.shrink',
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

/** What answers the calls of `Api`, now or later. */
type Handler<Api> = {
  [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Value
    ? (...args: Args) => Value | Promise<Value>
    : never;
};

/**
 * What the page's buttons and dialogs do; implemented in `commands/`.
 * @param confirmed ids of the guards' questions that were answered with yes
 */
export interface PageActions {
  openImage(uri: vscode.Uri, toTheSide: boolean): Promise<void>;
  preview(document: ImageDocument, change: PageChange): Promise<TextResult<ChangePreview>>;
  stage(
    document: ImageDocument,
    change: PageChange,
    confirmed: readonly string[],
  ): Promise<TextResult<{ readonly label: string }>>;
  previewRepair(document: ImageDocument, mode: RepairMode): Promise<TextResult<RepairPreview>>;
  /** The preview is no longer needed. */
  stopPreview(document: ImageDocument): void;
  stageRepair(
    document: ImageDocument,
    mode: RepairMode,
    confirmed: readonly string[],
  ): Promise<TextResult<{ readonly label: string }>>;
  scanContents(document: ImageDocument, report: ProgressReport): Promise<TextResult<undefined>>;
  stopScan(document: ImageDocument): void;
  stopCompaction(document: ImageDocument): void;
  lookForGuestFree(document: ImageDocument, report: ProgressReport): Promise<TextResult<undefined>>;
  stopGuestLook(document: ImageDocument): void;
  shrinkOffers(document: ImageDocument): Promise<TextResult<ShrinkOffers>>;
  shrinkGuards(document: ImageDocument): Promise<GuardReport>;
  previewShrink(document: ImageDocument, choice: ShrinkChoice): Promise<TextResult<number>>;
  stageShrink(
    document: ImageDocument,
    choice: ShrinkChoice,
    confirmed: readonly string[],
  ): Promise<TextResult<{ readonly label: string }>>;
}

/** What the answers bring with them. */
export interface HandlerEvents {
  /** The page is up, and has its state: what waited for it can be told. */
  ready(): void;
  /** The tables are being read for the file view. */
  readonly layoutProgress: ProgressReport;
  /** The content scan got further. */
  readonly contentProgress: ProgressReport;
  /** The look for what the guest does not use got further. */
  readonly guestProgress: ProgressReport;
  /** The index of owners got further. */
  readonly ownerProgress: ProgressReport;
}

export function pageHandler(
  uri: vscode.Uri,
  document: ImageDocument,
  findOverlays: FindOverlays,
  checks: Checks,
  actions: PageActions,
  events: HandlerEvents,
): Handler<HostApi> {
  // Of this page alone: other pages may be on the same file.
  const walk = Symbol('walk for the file view');
  const inspection = Symbol('inspection of a cluster of the file');
  const space = Symbol('report of space');
  return {
    ...contentHandler(document, events.ownerProgress),
    async ready(): Promise<PageState> {
      const state = await document.whenRead();
      // After the answer is on its way: what waited needs the state it belongs to.
      setImmediate(() => {
        events.ready();
      });
      return pageState(document, state, checks);
    },
    cells: (request) => document.ask((engine) => engine.cells(request)),
    totals: (start, length) => document.ask((engine) => engine.totals(guestOffset(start), length)),
    inspect: async (offset) =>
      document.state?.raw === undefined
        ? inWords(await document.ask((engine) => engine.inspect(guestOffset(offset))))
        : document.ask((engine) => engine.inspectRaw(guestOffset(offset))),
    readBytes: (offset, length) => document.ask((engine) => engine.readBytes(guestOffset(offset), length)),
    hostCells: (request) =>
      document.run((engine, operation) => engine.hostCells(request, operation), {
        report: events.layoutProgress,
        key: walk,
      }),
    inspectHost: (offset) =>
      document.run((engine, operation) => engine.inspectHost(hostOffset(offset), operation), {
        key: inspection,
        stopsOlder: true,
      }),
    space: async () =>
      spaceInWords(
        await document.run((engine, operation) => engine.space(operation), { key: space, stopsOlder: true }),
      ),
    readHostBytes: (offset, length) =>
      document.ask((engine) => engine.readHostBytes(hostOffset(offset), length)),
    isThere() {
      // That it answers is the answer.
    },
    leaveFile() {
      document.stop(walk);
    },
    async openLayer(depth, toTheSide) {
      const path = document.state?.chain?.layers.find((layer) => layer.depth === depth)?.path;
      if (path === undefined) return;
      await actions.openImage(vscode.Uri.file(path), toTheSide);
    },
    async changeBacking(depth, choosesFile) {
      const overlay = document.state?.chain?.layers.find((layer) => layer.depth === depth - 1)?.path;
      const image = depth === 1 || overlay === undefined ? uri : vscode.Uri.file(overlay);
      await vscode.commands.executeCommand('qcow2.changeBackingFile', { uri: image, choosesFile });
    },
    async run(command) {
      if (!Object.hasOwn(COMMANDS, command)) return;
      await vscode.commands.executeCommand(COMMANDS[command], uri);
    },
    async copy(text) {
      await vscode.env.clipboard.writeText(text);
    },
    guards: () => guardsOf(document, findOverlays),
    preview: (change) => actions.preview(document, change),
    stage: (change, confirmed) => actions.stage(document, change, confirmed),
    repairGuards: () => guardsOf(document, findOverlays, { allowsDamage: true, writesData: false }),
    previewRepair: (mode) => actions.previewRepair(document, mode),
    stopPreview() {
      actions.stopPreview(document);
    },
    stageRepair: (mode, confirmed) => actions.stageRepair(document, mode, confirmed),
    scanContents: () => actions.scanContents(document, events.contentProgress),
    stopScan() {
      actions.stopScan(document);
    },
    stopCompaction() {
      actions.stopCompaction(document);
    },
    lookForGuestFree: () => actions.lookForGuestFree(document, events.guestProgress),
    stopGuestLook() {
      actions.stopGuestLook(document);
    },
    shrinkOffers: () => actions.shrinkOffers(document),
    shrinkGuards: () => actions.shrinkGuards(document),
    previewShrink: (choice) => actions.previewShrink(document, choice),
    stageShrink: (choice, confirmed) => actions.stageShrink(document, choice, confirmed),
    describe,
    selectionChanged(selection) {
      document.select(selection);
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

function spaceInWords(result: Result<StagedSpaceReport>): Result<PageSpaceReport> {
  if (!result.ok) return result;
  const { guestFree, ...report } = result.value;
  return {
    ok: true,
    value: { ...report, ...(guestFree === undefined ? {} : { guestFree: guestFreeInWords(guestFree) }) },
  };
}
