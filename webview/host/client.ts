/**
 * The extension host, called through birpc over `postMessage`. A call that is broken off, because the worker died,
 * would reject; here it resolves with an answer of its own, and the page is told that the host has stopped.
 */
import { createBirpc } from 'birpc';
import type {
  CellsRequest,
  ChangePreview,
  GuardReport,
  HostApi,
  StagedHostReport,
  KindTotals,
  MapCells,
  PageApi,
  PageChange,
  PageCommand,
  PageState,
  RepairMode,
  RepairPreview,
  Result,
  PageReport,
  TextResult,
} from '../../src/editor/page/messages';
import type { Loadable, MaybeProblem, HostResult } from './answers';
import { t } from '../base/strings';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export const vscode = acquireVsCodeApi();

/** Calls to the host that never reject. */
export class HostClient {
  readonly #rpc;

  /** @param lost called when a call was broken off */
  constructor(
    page: PageApi,
    private readonly lost: () => void,
  ) {
    this.#rpc = createBirpc<HostApi, PageApi>(page, {
      post: (message) => {
        vscode.postMessage(message);
      },
      on: (receive) => {
        window.addEventListener('message', (event) => {
          receive(event.data);
        });
      },
      bind: 'functions',
      timeout: -1,
    });
  }

  async ready(): Promise<PageState | undefined> {
    try {
      return await this.#rpc.ready();
    } catch {
      this.lost();
      return undefined;
    }
  }

  cells(request: CellsRequest): Promise<HostResult<MapCells>> {
    return this.#settle(this.#rpc.cells(request));
  }

  /** Kinds of guest bytes in a range. */
  async totals(start: number, length: number): Promise<Loadable<KindTotals>> {
    return this.#put(await this.#settle(this.#rpc.totals(start, length)));
  }

  async inspect(guestOffset: number): Promise<Loadable<PageReport>> {
    return this.#put(await this.#settle(this.#rpc.inspect(guestOffset)));
  }

  readBytes(guestOffset: number, length: number): Promise<HostResult<Uint8Array>> {
    return this.#settle(this.#rpc.readBytes(guestOffset, length));
  }

  hostCells(request: CellsRequest): Promise<HostResult<MapCells>> {
    return this.#settle(this.#rpc.hostCells(request));
  }

  async inspectHost(hostOffset: number): Promise<Loadable<StagedHostReport>> {
    return this.#put(await this.#settle(this.#rpc.inspectHost(hostOffset)));
  }

  readHostBytes(hostOffset: number, length: number): Promise<HostResult<Uint8Array>> {
    return this.#settle(this.#rpc.readHostBytes(hostOffset, length));
  }

  leaveFile(): void {
    void this.#settle(this.#rpc.leaveFile().then(nothing));
  }

  /** The translated message of a problem; without one, that the engine has stopped. */
  async describe(problem: MaybeProblem): Promise<string> {
    const stopped = t('The engine of this image has stopped.');
    if (problem === undefined) return stopped;
    try {
      return await this.#rpc.describe(problem);
    } catch {
      this.lost();
      return stopped;
    }
  }

  /** Refusals and questions before the image is changed. */
  async guards(): Promise<Loadable<GuardReport>> {
    return this.#hear(this.#rpc.guards().then((value) => ({ ok: true, value })));
  }

  preview(change: PageChange): Promise<Loadable<ChangePreview>> {
    return this.#hear(this.#rpc.preview(change));
  }

  stage(change: PageChange, confirmed: readonly string[]): Promise<Loadable<{ readonly label: string }>> {
    return this.#hear(this.#rpc.stage(change, confirmed));
  }

  /** Refusals and questions before a repair. */
  repairGuards(): Promise<Loadable<GuardReport>> {
    return this.#hear(this.#rpc.repairGuards().then((value) => ({ ok: true, value })));
  }

  previewRepair(mode: RepairMode): Promise<Loadable<RepairPreview>> {
    return this.#hear(this.#rpc.previewRepair(mode));
  }

  stopPreview(): void {
    void this.#settle(this.#rpc.stopPreview().then(nothing));
  }

  stageRepair(mode: RepairMode, confirmed: readonly string[]): Promise<Loadable<{ readonly label: string }>> {
    return this.#hear(this.#rpc.stageRepair(mode, confirmed));
  }

  openLayer(depth: number, toTheSide: boolean): void {
    void this.#settle(this.#rpc.openLayer(depth, toTheSide).then(nothing));
  }

  changeBacking(depth: number, choosesFile: boolean): void {
    void this.#settle(this.#rpc.changeBacking(depth, choosesFile).then(nothing));
  }

  run(command: PageCommand): void {
    void this.#settle(this.#rpc.run(command).then(nothing));
  }

  copy(text: string): void {
    void this.#settle(this.#rpc.copy(text).then(nothing));
  }

  async selectionChanged(selection: Parameters<HostApi['selectionChanged']>[0]): Promise<void> {
    await this.#settle(this.#rpc.selectionChanged(selection).then(nothing));
  }

  /** An answer whose error is a translated message already. */
  async #hear<T>(call: Promise<TextResult<T>>): Promise<Loadable<T>> {
    try {
      return await call;
    } catch {
      this.lost();
      return { ok: false, text: t('The engine of this image has stopped.') };
    }
  }

  async #settle<T>(call: Promise<Result<T>>): Promise<HostResult<T>> {
    try {
      return await call;
    } catch {
      this.lost();
      return { ok: false };
    }
  }

  async #put<T>(answer: HostResult<T>): Promise<Loadable<T>> {
    return answer.ok ? answer : { ok: false, text: await this.describe(answer.problem) };
  }
}

const nothing = (): Result<undefined> => ({ ok: true, value: undefined });
