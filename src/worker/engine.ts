/**
 * The engine of one image, in its thread (`EngineApi`): the image that is open, and what its calls (questions.ts,
 * editing.ts) need around it. Between messages it continues the whole-disk scan for a few milliseconds at a time, so that
 * requests are answered immediately while the map fills.
 */
import { stackText } from '../text/stackText';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { CancelledError, EngineError } from '../qcow2/errors';
import type { Progress } from '../qcow2/progress';
import type { EngineApi, EngineEvents, ImageState, OpenOptions, OperationId, Result } from './api';
import { editCalls, type EditingHost } from './editing';
import { OpenImage, type View } from './openImage';
import { questionCalls, type QuestionHost } from './questions';
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
    const { writeGate, end } = this.#control;
    if (!writeGate.enter()) return { ok: false, problem: new CancelledError(this.#path).problem };
    try {
      return work();
    } finally {
      if (!writeGate.leave()) {
        this.#close();
        end();
      }
    }
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

  onView<T>(use: (view: View, image: OpenImage) => T): Result<T> {
    const image = this.#image;
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

  async inSlices<T>(begin: (editable: EditableImage) => Generator<undefined, T>): Promise<Result<T>> {
    const image = this.#image;
    const begun = this.onEditable(begin);
    if (!begun.ok) return begun;
    for (;;) {
      const slice = this.attempt(() => takeSlice(begun.value));
      if (!slice.ok) return slice;
      if (slice.value.done === true) return { ok: true, value: slice.value.value };
      await new Promise((resolve) => setImmediate(resolve));
      // Its files are closed.
      if (this.#image !== image) return { ok: false, problem: new CancelledError(this.#path).problem };
    }
  }

  /** Turns errors into data: an error would lose its fields on the way to the host. */
  attempt<T>(action: () => T): Result<T> {
    try {
      return { ok: true, value: action() };
    } catch (error) {
      if (error instanceof EngineError) return { ok: false, problem: error.problem };
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
    this.#image?.close();
    this.#image = undefined;
  }

  /** @param isNews false where all files were scanned before, and what the scan has for the user is known */
  #startScan({ view }: OpenImage, isNews = true): void {
    if (view === undefined) return;
    setImmediate(() => {
      this.#scan(view, isNews);
    });
  }

  /** One slice of the whole-disk scan of a view; the next one follows after pending messages. */
  #scan(view: View, isNews: boolean): void {
    const { overview, chain } = view;
    if (view !== this.#image?.view || this.#control.cancelFlag.isSet) return;
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
