/**
 * The engine of one image, in its thread (`EngineApi`). Between two messages it goes on with the whole-disk scan, a
 * few milliseconds at a time, so that a question is answered at once while the map fills.
 */
import { ArgumentError, CancelledError, EngineError } from '../qcow2/errors';
import { fullBackingName } from '../qcow2/chain/names';
import type { Chain } from '../qcow2/chain/openChain';
import { readGuest } from '../qcow2/image/read';
import type { Progress } from '../qcow2/progress';
import { type ClusterReport, inspectCluster } from '../qcow2/scan/inspect';
import { imageInfo } from '../qcow2/scan/info';
import { qemuJson } from '../qcow2/scan/qemuJson';
import { hex } from '../qcow2/units';
import type {
  Cells,
  CellsRequest,
  EngineApi,
  EngineEvents,
  ImageState,
  KindTotals,
  MapRequest,
  OpenOptions,
  Result,
} from './api';
import { writeMapFile } from './mapFile';
import { OpenImage } from './openImage';
import type { CancelFlag } from './thread';

/** Milliseconds of scanning between two looks for messages. */
const SLICE = 10;
/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 100;
/** Bytes that `readBytes` hands out at a time, at most. */
const MAX_READ = 1024 * 1024;

export function createEngine(events: EngineEvents, cancelFlag: CancelFlag): EngineApi {
  return new Engine(events, cancelFlag);
}

class Engine implements EngineApi {
  private image: OpenImage | undefined;
  private path = '';
  private lastReport = 0;

  constructor(
    private readonly events: EngineEvents,
    private readonly cancelFlag: CancelFlag,
  ) {}

  open(path: string, options: OpenOptions): ImageState {
    this.close();
    this.path = path;
    const opened = this.attempt(() => OpenImage.open(path, options));
    if (!opened.ok) {
      const { generation } = options;
      return { path, fileSize: 0, allocatedBytes: 0, generation, problem: opened.problem, warnings: [] };
    }
    const image = opened.value;
    this.image = image;
    this.lastReport = 0;
    setImmediate(() => {
      this.scan(image);
    });
    return image.state;
  }

  hasChanged(): boolean {
    return this.image?.hasChanged() ?? true;
  }

  cells(request: CellsRequest): Result<Cells> {
    return this.onImage(({ overview }) => overview.cells(request));
  }

  totals(start: number, length: number): Result<KindTotals> {
    return this.onImage(({ overview }) => overview.totals(start, length));
  }

  inspect(guestOffset: number): Result<ClusterReport> {
    return this.onImage(({ chain }) => inspectCluster(chain.top, chain.layers, guestOffset));
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

  info(): Result<string> {
    return this.onImage(({ chain: { top } }) => {
      const full = top.backing === undefined ? undefined : fullBackingName(top.file.name, top.backing.name);
      return `${qemuJson(imageInfo(top, full))}\n`;
    });
  }

  exportMap(request: MapRequest): Result<{ readonly extents: number; readonly bytes: number }> {
    return this.onImage(({ chain }) => {
      // As qemu-img has it: a map that leaves out what a layer would have is none.
      if (chain.problem !== undefined) throw new IncompleteChain(chain.problem);
      return writeMapFile(chain, request, this.progress());
    });
  }

  close(): void {
    this.image?.close();
    this.image = undefined;
  }

  private progress(): Progress {
    return {
      report: (done, total) => {
        if (this.isTimeToReport(done >= total)) this.events.exportProgress(done, total);
      },
      checkCancelled: () => {
        if (this.cancelFlag.isSet) throw new CancelledError(this.path);
      },
    };
  }

  /** One slice of the whole-disk scan of `image`, and the next one after the messages that came meanwhile. */
  private scan(image: OpenImage): void {
    const { overview, chain } = image;
    if (image !== this.image || overview === undefined || chain === undefined) return;
    if (this.cancelFlag.isSet) return;
    const step = this.attempt(() => overview.step(performance.now() + SLICE));
    if (!step.ok) {
      this.events.scanFailed(step.problem);
      return;
    }
    if (this.isTimeToReport(step.value)) this.events.scanProgress(overview.scanned, chain.top.size);
    if (step.value) return;
    setImmediate(() => {
      this.scan(image);
    });
  }

  private isTimeToReport(isLast: boolean): boolean {
    const now = performance.now();
    if (!isLast && now - this.lastReport < REPORT_EVERY) return false;
    this.lastReport = now;
    return true;
  }

  private onImage<T>(
    use: (image: { readonly chain: Chain; readonly overview: NonNullable<OpenImage['overview']> }) => T,
  ): Result<T> {
    const { chain, overview, state } = this.image ?? {};
    if (chain === undefined || overview === undefined) {
      const problem = state?.problem ?? { kind: 'argument', code: 'engine.notOpen', file: this.path };
      return { ok: false, problem };
    }
    return this.attempt(() => use({ chain, overview }));
  }

  /** Whatever goes wrong is data from here on: an error would lose its fields on the way to the host. */
  private attempt<T>(action: () => T): Result<T> {
    try {
      return { ok: true, value: action() };
    } catch (error) {
      if (error instanceof EngineError) return { ok: false, problem: error.problem };
      const value = error instanceof Error ? error.message : String(error);
      return { ok: false, problem: { kind: 'unsupported', code: 'engine.fault', file: this.path, value } };
    }
  }
}

/** A problem of the chain, thrown as it is. */
class IncompleteChain extends EngineError {}
