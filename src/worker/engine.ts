/**
 * The engine of one image, in its thread (`EngineApi`): the image that is open, and what its calls (questions.ts,
 * editing.ts) need around it. Between messages it continues the whole-disk scan for a few milliseconds at a time, so that
 * requests are answered immediately while the map fills.
 */
import { isGuestError } from '../guest/errors';
import { stackText } from '../text/stackText';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { CancelledError, EngineError } from '../qcow2/errors';
import { abandon, type Progress } from '../qcow2/progress';
import type { GuestFound } from './contentsApi';
import type { EngineApi, EngineEvents, ImageState, OpenOptions, OperationId, Result } from './api';
import { contentsCalls } from './contents';
import { editCalls, type EditingHost } from './editing';
import { GuestFreeFinder } from './guestFree';
import { OpenImage, type View } from './openImage';
import { questionCalls, type QuestionHost } from './questions';
import { Pace } from './pace';
import type { CancelFlag, WriteGate } from './thread';
import { unknownState } from './unknownState';

/** Milliseconds of a scan before messages are handled. */
const SLICE = 10;
/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 100;

/** What thread and host share to agree on the thread's end. */
export interface ThreadControl {
  readonly cancelFlag: CancelFlag;
  readonly writeGate: WriteGate;
  /** Ends the thread from inside. */
  readonly end: () => void;
}

export function createEngine(events: EngineEvents, control: ThreadControl): EngineApi {
  const engine = new Engine(events, control);
  return {
    open: (path, options) => engine.open(path, options),
    ...questionCalls(engine),
    ...contentsCalls(engine),
    ...editCalls(engine),
  };
}

/** Takes pieces until it is time for messages. */
function takeSlice<T>(pieces: Generator<undefined, T>): IteratorResult<undefined, T> {
  const end = performance.now() + SLICE;
  for (;;) {
    const step = pieces.next();
    if (step.done === true || performance.now() >= end) return step;
  }
}

class Engine implements QuestionHost, EditingHost {
  readonly #events: EngineEvents;
  readonly #control: ThreadControl;
  #image: OpenImage | undefined;
  #path = '';
  #options: OpenOptions = { generation: 0, followsNames: false };
  #lastReport = 0;
  /** It is inside the gate. */
  #isWriting = false;
  /** What is written piece by piece, and has not come to its end. */
  #written: Generator | undefined;
  readonly pace = new Pace();
  readonly guestFree = new GuestFreeFinder();

  constructor(events: EngineEvents, control: ThreadControl) {
    this.#events = events;
    this.#control = control;
  }

  get image(): OpenImage | undefined {
    return this.#image;
  }

  get path(): string {
    return this.#path;
  }

  get options(): OpenOptions {
    return this.#options;
  }

  open(path: string, options: OpenOptions): ImageState {
    this.#close();
    this.#path = path;
    this.#options = options;
    const opened = this.attempt(() => OpenImage.open(path, options));
    if (!opened.ok) return unknownState(path, options.generation, opened.problem);
    const image = opened.value;
    this.#image = image;
    this.#lastReport = 0;
    this.#startScan(image);
    return image.state;
  }

  reopen(generation: number): ImageState {
    return this.open(this.#path, { ...this.#options, generation });
  }

  showContents(image: OpenImage): void {
    image.showContents();
    this.#startScan(image, false);
    this.#events.contentsScanned();
  }

  renew(image: OpenImage, generation: number): ImageState {
    const state = image.renew(generation);
    this.#startScan(image);
    return state;
  }

  /** A save stops if it is cancelled before its seal, and otherwise runs to its end. */
  writing<T>(work: () => Result<T>): Result<T> {
    if (this.#isWriting) return work();
    if (!this.#enter()) return { ok: false, problem: new CancelledError(this.#path).problem };
    try {
      return work();
    } finally {
      this.#leave();
    }
  }

  async writingInSlices<T>(begin: (editable: EditableImage) => Generator<undefined, T>): Promise<Result<T>> {
    const begun = this.onEditable(begin);
    if (!begun.ok) return begun;
    if (this.#isWriting || !this.#enter())
      return { ok: false, problem: new CancelledError(this.#path).problem };
    this.#written = begun.value;
    this.pace.start();
    try {
      return await this.inSlices(() => begun.value);
    } finally {
      this.#written = undefined;
      this.#leave();
    }
  }

  #enter(): boolean {
    return (this.#isWriting = this.#control.writeGate.enter());
  }

  #leave(): void {
    const { writeGate, end } = this.#control;
    this.#isWriting = false;
    if (writeGate.leave()) return;
    this.#close();
    end();
  }

  markSaved(): void {
    this.#control.writeGate.markSaved();
  }

  progressOf(operation: OperationId): Progress {
    return {
      report: (done, total) => {
        if (this.#isTimeToReport(false)) this.#events.operationProgress(operation, done, total);
      },
      checkCancelled: () => {
        if (this.#control.cancelFlag.isSetFor(operation)) throw new CancelledError(this.#path);
      },
    };
  }

  tellFound(operation: OperationId, files: readonly GuestFound[]): void {
    this.#events.guestFound(operation, files);
  }

  onView<T>(use: (view: View, image: OpenImage) => T): Result<T> {
    const image = this.#image;
    const caughtUp = this.attempt(() => {
      image?.catchUp();
    });
    if (!caughtUp.ok) return caughtUp;
    const view = image?.view;
    return image === undefined || view === undefined ? this.#notOpen() : this.attempt(() => use(view, image));
  }

  onEditable<T>(use: (editable: EditableImage, image: OpenImage) => T): Result<T> {
    const image = this.#image;
    const editable = image?.editable;
    return image === undefined || editable === undefined
      ? this.#notOpen()
      : this.attempt(() => use(editable, image));
  }

  inSlices<T>(begin: (editable: EditableImage) => Generator<undefined, T>): Promise<Result<T>> {
    return this.#takeSlices(this.onEditable(begin), () => true);
  }

  viewInSlices<T>(begin: (view: View) => Generator<undefined, T>): Promise<Result<T>> {
    const begun = this.onView(begin);
    const chain = this.#image?.view?.chain;
    return this.#takeSlices(begun, () => this.#image?.view?.chain === chain);
  }

  /** @param isStill whether what it works on is what it began with */
  async #takeSlices<T>(begun: Result<Generator<undefined, T>>, isStill: () => boolean): Promise<Result<T>> {
    const image = this.#image;
    if (!begun.ok) return begun;
    try {
      for (;;) {
        const began = performance.now();
        const slice = this.attempt(() => takeSlice(begun.value));
        if (!slice.ok) return slice;
        if (slice.value.done === true) return { ok: true, value: slice.value.value };
        const ended = performance.now();
        await new Promise((resolve) => setImmediate(resolve));
        this.pace.add(ended - began, performance.now() - ended);
        // Its files are closed, or the disk is another one.
        if (this.#image !== image || !isStill())
          return { ok: false, problem: new CancelledError(this.#path).problem };
      }
    } finally {
      abandon(begun.value);
    }
  }

  /** Turns errors into data: an error would lose its fields on the way to the host. */
  attempt<T>(action: () => T): Result<T> {
    try {
      return { ok: true, value: action() };
    } catch (error) {
      if (error instanceof EngineError) return { ok: false, problem: error.problem };
      if (isGuestError(error))
        return { ok: false, problem: { kind: 'inside', file: this.#path, ...error.problem } };
      // Otherwise the stack would be lost on the way.
      this.#events.faulted(`Image ${this.#path}`, stackText(error));
      const value = error instanceof Error ? error.message : String(error);
      return { ok: false, problem: { kind: 'unsupported', code: 'engine.fault', file: this.#path, value } };
    }
  }

  #notOpen(): Result<never> {
    const problem = this.#image?.state.problem ?? {
      kind: 'argument',
      code: 'engine.notOpen',
      file: this.#path,
    };
    return { ok: false, problem };
  }

  #close(): void {
    const written = this.#written;
    this.#written = undefined;
    // It ends where it is, between two pieces, and keeps what it has gained. Its caller learns that it was cancelled.
    if (written !== undefined) this.attempt(() => written.throw(new CancelledError(this.#path)));
    this.#image?.close();
    this.#image = undefined;
  }

  /**
   * A compaction changes nothing of the map, and what is missing in it is scanned once that has ended.
   * @param isNews false where all files were scanned before, and what the scan has for the user is known
   */
  #startScan({ view, editable }: OpenImage, isNews = true): void {
    if (view === undefined || editable?.space.isCompacting === true) return;
    setImmediate(() => {
      this.#scan(view, isNews);
    });
  }

  /** One slice of the whole-disk scan of a view; the next one follows after pending messages. */
  #scan(view: View, isNews: boolean): void {
    const { overview, chain } = view;
    const image = this.#image;
    if (view !== image?.view || this.#control.cancelFlag.isSet) return;
    if (image.editable?.space.isCompacting === true) return;
    const step = this.attempt(() => overview.step(performance.now() + SLICE));
    if (!step.ok) {
      this.#events.scanFailed(step.problem);
      return;
    }
    if (this.#isTimeToReport(step.value)) this.#events.scanProgress(overview.scanned, chain.top.size);
    if (step.value) {
      if (isNews && overview.incompleteFiles.length > 0) this.#events.scanFound(overview.incompleteFiles);
      return;
    }
    setImmediate(() => {
      this.#scan(view, isNews);
    });
  }

  #isTimeToReport(isLast: boolean): boolean {
    const now = performance.now();
    if (!isLast && now - this.#lastReport < REPORT_EVERY) return false;
    this.#lastReport = now;
    return true;
  }
}
