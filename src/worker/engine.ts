/**
 * The engine of one image, in its thread (`EngineApi`). Between two messages it goes on with the whole-disk scan, a
 * few milliseconds at a time, so that a question is answered at once while the map fills.
 */
import { stackText } from '../text/stackText';
import { checkImage } from '../qcow2/check/checkImage';
import { ArgumentError, CancelledError, EngineError } from '../qcow2/errors';
import { fullBackingName } from '../qcow2/chain/names';
import { recoverImage } from '../qcow2/edit/interrupted';
import { refuseUnsettled } from '../qcow2/edit/readers';
import { readGuest } from '../qcow2/image/read';
import { HostLayout } from '../qcow2/layout/hostLayout';
import { inspectHost } from '../qcow2/layout/hostReport';
import { findWriter } from '../qcow2/io/qemuLocks';
import type { Progress } from '../qcow2/progress';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { inspectCluster } from '../qcow2/scan/inspect';
import { imageInfo } from '../qcow2/scan/info';
import { qemuJson } from '../qcow2/scan/qemuJson';
import { hex } from '../qcow2/units';
import type {
  BackupPlace,
  BackupScope,
  Cells,
  CellsRequest,
  ChangeRequest,
  ChangeTally,
  Checked,
  Edited,
  EngineApi,
  EngineEvents,
  ExportedExtents,
  FreeSpace,
  GaveBack,
  ImageState,
  KindTotals,
  MapCells,
  MapRequest,
  Obstacle,
  OpenOptions,
  OperationId,
  Recovered,
  RecoverTrust,
  Repaired,
  RepairMode,
  RepairReport,
  Restored,
  RestoreOptions,
  Result,
  Reverted,
  Run,
  SaveAsTrust,
  Saved,
  StagedHostReport,
  StagedReport,
  WriteAccess,
} from './api';
import { Editing } from './editing';
import { writeMapFile } from './mapFile';
import { OpenImage, type View } from './openImage';
import type { StagedMarks } from './stagedMarks';
import type { CancelFlag, WriteGate } from './thread';

/** Milliseconds of scanning between two looks for messages. */
const SLICE = 10;
/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 100;
/** Bytes that `readBytes` hands out at a time, at most. */
const MAX_READ = 1024 * 1024;

/** How the thread and its host agree on the thread's end. */
export interface ThreadControl {
  readonly cancelFlag: CancelFlag;
  readonly writeGate: WriteGate;
  /** Ends the thread from within. */
  readonly end: () => void;
}

export function createEngine(events: EngineEvents, control: ThreadControl): EngineApi {
  return new Engine(events, control);
}

class Engine implements EngineApi {
  private image: OpenImage | undefined;
  private path = '';
  private options: OpenOptions = { generation: 0, followsNames: false };
  private readonly editing = new Editing({
    onEditable: (use) => this.onEditable(use),
    progressOf: (operation) => this.progressOf(operation),
    markSaved: () => {
      this.control.writeGate.markSaved();
    },
    renew: (image, generation) => this.renew(image, generation),
    reopen: (generation) => this.open(this.path, { ...this.options, generation }),
  });
  /** What the file of a view consists of, once somebody has asked. */
  private layout: { readonly view: View; readonly layout: HostLayout } | undefined;
  private lastReport = 0;

  constructor(
    private readonly events: EngineEvents,
    private readonly control: ThreadControl,
  ) {}

  open(path: string, options: OpenOptions): ImageState {
    this.close();
    this.path = path;
    this.options = options;
    const opened = this.attempt(() => OpenImage.open(path, options));
    if (!opened.ok) {
      const { generation } = options;
      return { path, fileSize: 0, allocatedBytes: 0, generation, problem: opened.problem, warnings: [] };
    }
    const image = opened.value;
    this.image = image;
    this.lastReport = 0;
    this.startScan(image);
    return image.state;
  }

  hasChanged(): boolean {
    return this.image?.hasChanged() ?? true;
  }

  access(): Result<WriteAccess> {
    const { image } = this;
    return image?.view === undefined ? this.notOpen() : this.attempt(() => image.access);
  }

  cells(request: CellsRequest): Result<MapCells> {
    return this.onImage(({ overview, marks }) => marked(overview.cells(request), marks, request));
  }

  totals(start: number, length: number): Result<KindTotals> {
    return this.onImage(({ overview }) => overview.totals(start, length));
  }

  inspect(guestOffset: number): Result<StagedReport> {
    return this.onImage(({ chain, marks }) => {
      const report = inspectCluster(chain.top, chain.layers, guestOffset);
      const onDisk = this.image?.editable?.onDisk;
      if (onDisk === undefined || !marks.touches(report.guestOffset, report.length)) return report;
      return { ...report, onDisk: inspectCluster(onDisk.top, onDisk.layers, guestOffset) };
    });
  }

  readBytes(guestOffset: number, length: number): Result<Uint8Array> {
    return this.onImage(({ chain }) => {
      const { size } = chain.top;
      if (!Number.isSafeInteger(guestOffset) || guestOffset < 0 || guestOffset > size) {
        const value = hex(guestOffset);
        throw new ArgumentError(this.path, 'offset.beyondDisk', { value, limit: size });
      }
      const target = new Uint8Array(Math.max(0, Math.min(length, MAX_READ, size - guestOffset)));
      readGuest(chain.layers, target, guestOffset);
      return target;
    });
  }

  hostCells(request: CellsRequest, operation: OperationId): Result<MapCells> {
    return this.onImage((view) =>
      marked(this.layoutOf(view, operation).cells(request), view.fileMarks, request),
    );
  }

  inspectHost(hostOffset: number, operation: OperationId): Result<StagedHostReport> {
    return this.onImage((view) => {
      const report = inspectHost(this.layoutOf(view, operation), hostOffset, this.progressOf(operation));
      return { ...report, isStaged: view.fileMarks.touches(report.hostOffset, report.length) };
    });
  }

  readHostBytes(hostOffset: number, length: number): Result<Uint8Array> {
    return this.onImage(({ chain: { top } }) => {
      const { size } = top.file;
      if (!Number.isSafeInteger(hostOffset) || hostOffset < 0 || hostOffset > size) {
        const value = hex(hostOffset);
        throw new ArgumentError(this.path, 'offset.beyondFile', { value, limit: size });
      }
      const target = new Uint8Array(Math.max(0, Math.min(length, MAX_READ, size - hostOffset)));
      top.file.read(target, hostOffset);
      return target;
    });
  }

  info(): Result<string> {
    return this.onImage(({ chain: { top } }) => {
      const full = top.backing === undefined ? undefined : fullBackingName(top.file.name, top.backing.name);
      return `${qemuJson(imageInfo(top, full))}\n`;
    });
  }

  exportMap(request: MapRequest, operation: OperationId): Result<ExportedExtents> {
    return this.writing(() =>
      this.onImage(({ chain }) => {
        // As qemu-img has it: a map that leaves out what a layer would have is none.
        if (chain.problem !== undefined) throw new IncompleteChain(chain.problem);
        return writeMapFile(chain, request, this.progressOf(operation));
      }),
    );
  }

  check(operation: OperationId): Result<Checked> {
    return this.onImage(({ chain }) => {
      const report = checkImage(chain.top, this.progressOf(operation));
      refuseUnsettled(chain, report);
      const { image } = this;
      return { report, chain: image?.chainFindings ?? [], generation: image?.state.generation ?? 0 };
    });
  }

  checkUnattended(operation: OperationId): Result<Checked> {
    const writer = this.attempt(() => findWriter(this.path));
    if (!writer.ok) return writer;
    if (writer.value === undefined) return this.check(operation);
    return { ok: false, problem: new CancelledError(this.path).problem };
  }

  obstacles(operation: OperationId): Result<readonly Obstacle[]> {
    return this.editing.obstacles(operation);
  }

  preview(change: ChangeRequest, operation: OperationId): Result<ChangeTally> {
    return this.editing.preview(change, operation);
  }

  previewRepair(mode: RepairMode, operation: OperationId): Result<RepairReport> {
    return this.editing.previewRepair(mode, operation);
  }

  repair(mode: RepairMode, label: string, run: Run): Result<Repaired> {
    return this.editing.repair(mode, label, run);
  }

  apply(change: ChangeRequest, label: string, run: Run): Result<Edited> {
    return this.editing.apply(change, label, run);
  }

  goTo(done: number, generation: number): Result<ImageState> {
    return this.editing.goTo(done, generation);
  }

  save(run: Run): Result<Saved> {
    return this.writing(() => this.editing.save(run));
  }

  freeSpace(operation: OperationId): Result<FreeSpace> {
    return this.editing.freeSpace(operation);
  }

  giveBack(run: Run): Result<GaveBack> {
    return this.writing(() => this.editing.giveBack(run));
  }

  saveAs(path: string, trust: SaveAsTrust, run: Run): Result<undefined> {
    return this.writing(() => this.editing.saveAs(path, trust, run));
  }

  revert(generation: number): Result<Reverted> {
    return this.editing.revert(generation);
  }

  backUp(path: string, scope: BackupScope): Result<BackupPlace> {
    return this.writing(() => this.editing.backUp(path, scope));
  }

  restore(path: string, options: RestoreOptions, generation: number): Result<Restored> {
    return this.editing.restore(path, options, generation);
  }

  recover(trust: RecoverTrust, generation: number): Result<Recovered> {
    return this.writing(() =>
      this.attempt(() => {
        const outcome = recoverImage(this.path, this.options, trust);
        return { outcome, state: this.open(this.path, { ...this.options, generation }) };
      }),
    );
  }

  close(): void {
    this.layout = undefined;
    this.image?.close();
    this.image = undefined;
  }

  /**
   * Runs what writes files beside the scratch file: the host does not end the thread within it. A save stops where it is
   * cancelled before its seal, and goes on to its end otherwise.
   */
  private writing<T>(work: () => Result<T>): Result<T> {
    const { writeGate, end } = this.control;
    if (!writeGate.enter()) return { ok: false, problem: new CancelledError(this.path).problem };
    try {
      return work();
    } finally {
      if (!writeGate.leave()) {
        this.close();
        end();
      }
    }
  }

  /** Of an export, a check, a change or a save. */
  private progressOf(operation: OperationId): Progress {
    return {
      report: (done, total) => {
        if (this.isTimeToReport(false)) this.events.operationProgress(operation, done, total);
      },
      checkCancelled: () => {
        if (this.control.cancelFlag.isSetFor(operation)) throw new CancelledError(this.path);
      },
    };
  }

  /** What is staged has changed: shows and scans it anew. */
  private renew(image: OpenImage, generation: number): ImageState {
    this.layout = undefined;
    const state = image.renew(generation);
    this.startScan(image);
    return state;
  }

  private layoutOf(view: View, operation: OperationId): HostLayout {
    if (this.layout?.view !== view) {
      this.layout = { view, layout: HostLayout.of(view.chain.top, this.progressOf(operation)) };
    }
    return this.layout.layout;
  }

  private startScan({ view }: OpenImage): void {
    if (view === undefined) return;
    setImmediate(() => {
      this.scan(view);
    });
  }

  /** One slice of the whole-disk scan of a view, and the next one after the messages that came meanwhile. */
  private scan(view: View): void {
    const { overview, chain } = view;
    if (view !== this.image?.view || this.control.cancelFlag.isSet) return;
    const step = this.attempt(() => overview.step(performance.now() + SLICE));
    if (!step.ok) {
      this.events.scanFailed(step.problem);
      return;
    }
    if (this.isTimeToReport(step.value)) this.events.scanProgress(overview.scanned, chain.top.size);
    if (step.value) {
      if (overview.incompleteFiles.length > 0) this.events.scanFound(overview.incompleteFiles);
      return;
    }
    setImmediate(() => {
      this.scan(view);
    });
  }

  private isTimeToReport(isLast: boolean): boolean {
    const now = performance.now();
    if (!isLast && now - this.lastReport < REPORT_EVERY) return false;
    this.lastReport = now;
    return true;
  }

  private onImage<T>(use: (view: View) => T): Result<T> {
    const view = this.image?.view;
    return view === undefined ? this.notOpen() : this.attempt(() => use(view));
  }

  private onEditable<T>(use: (editable: EditableImage, image: OpenImage) => T): Result<T> {
    const { image } = this;
    if (image?.editable === undefined) return this.notOpen();
    const { editable } = image;
    return this.attempt(() => use(editable, image));
  }

  private notOpen<T>(): Result<T> {
    const problem = this.image?.state.problem ?? {
      kind: 'argument',
      code: 'engine.notOpen',
      file: this.path,
    };
    return { ok: false, problem };
  }

  /** Whatever goes wrong is data from here on: an error would lose its fields on the way to the host. */
  private attempt<T>(action: () => T): Result<T> {
    try {
      return { ok: true, value: action() };
    } catch (error) {
      if (error instanceof EngineError) return { ok: false, problem: error.problem };
      // The stack would be lost on the way.
      this.events.faulted(`Image ${this.path}`, stackText(error));
      const value = error instanceof Error ? error.message : String(error);
      return { ok: false, problem: { kind: 'unsupported', code: 'engine.fault', file: this.path, value } };
    }
  }
}

/** Cells with what is staged in them. */
function marked(cells: Cells, marks: StagedMarks, request: CellsRequest): MapCells {
  const staged = marks.shares(request);
  return staged === undefined ? cells : { ...cells, staged };
}

/** A problem of the chain, thrown as it is. */
class IncompleteChain extends EngineError {}
