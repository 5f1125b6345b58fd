/**
 * Looks at the contents of a disk's data clusters for what need not be stored: units (subclusters, or clusters where there
 * are none) that hold zeroes only, and those that hold what the backing file would give. Compressed clusters are not looked
 * at: what they take is little.
 *
 * Data is read in the order of the host file, so that a disk reads forward. Holes of the host file are zero without being
 * read. A window of runs is sorted at a time (runWindow.ts), and what is found is a bit for each unit (foundUnits.ts).
 */
import { BulkReader, pieceSizeOf } from '../bulk/bulkReader';
import { type EngineError, FormatError, RefusedError, UnsupportedError } from '../errors';
import type { GuestSet } from '../guestSet';
import { AbsentFile } from '../image/absentFile';
import { type Layers, NO_HOST, RunKind } from '../image/layer';
import { Qcow2Image } from '../image/qcow2Image';
import type { FileExtent } from '../io/blockFile';
import { isZero } from '../isZero';
import type { Progress } from '../progress';
import { type ByteLength, guestOffset, type GuestOffset, hostOffset, type HostOffset, plus } from '../units';
import { FoundUnits } from './foundUnits';
import { ReadAhead } from './readAhead';
import { RunWindow } from './runWindow';

/**
 * What a scan has found. A unit over zeroes of the backing file may be in both sets. In disks of very many subclusters,
 * units are clusters (`MOST_UNITS`).
 */
export interface ContentScan {
  /** Units whose data is all zero. */
  readonly zeroes: GuestSet;
  /** Units whose data is what the backing file gives; absent where there was none to compare with. */
  readonly sameAsBacking?: GuestSet;
  /** Bytes of the disk that have data, and were looked at. */
  readonly scanned: ByteLength;
}

/**
 * Bytes that are read at once, or one unit: larger reads leave the processor's cache before they are looked at, and take a
 * third longer. What is compared is read in the pieces of `BulkReader`.
 */
const CHUNK = 2 ** 17;
/** The first bytes of a unit: where they are not zero, its other bytes need not be read to tell. */
const PROBE = 4096;
/** Bytes of a unit from which on that is faster. */
const WORTH_PROBING = 4 * PROBE;
/** Units of both sets together: 64 MiB of bits. */
const MOST_UNITS = 2 ** 29;
/** Milliseconds of a walk over tables before it pauses, about. */
const WALK_TIME = 5;
/** Runs between two looks at the clock; each may cost the reading of an L2 table. */
const RUNS_PER_LOOK = 16;
/** L1 entries of a walk, at most: where they are empty, nothing is visited that could look at the clock. */
const TABLES_AT_ONCE = 2 ** 16;

/** A scan under way, which is run piece by piece; each takes some milliseconds. */
export type ContentScanning = Generator<undefined, ContentScan>;

/** Return false to stop. */
type DataRunVisitor = (guest: GuestOffset, host: HostOffset, length: ByteLength) => boolean;

/**
 * @param layers the chain, the image first; where a backing file cannot be read, nothing is compared with it
 * @param progress counts bytes of the disk's data
 * @param mostUnits of both sets together: where subclusters would be more, units are clusters
 * @throws UnsupportedError `encrypted.scan`; FormatError, FileError, CancelledError
 */
export function scanContents(
  layers: Layers,
  image: Qcow2Image,
  progress: Progress,
  mostUnits = MOST_UNITS,
): ContentScanning {
  if (image.encryption !== undefined)
    throw new UnsupportedError(image.file.name, 'encrypted.scan', {
      value: image.encryption.toUpperCase(),
    });
  return new Scanner(layers, image, progress, mostUnits).scan();
}

/** Why data cannot be compared with what the backing file gives; undefined where it can be. */
export function comparisonProblem(layers: Layers): EngineError | undefined {
  const [top, ...below] = layers;
  if (below.length === 0 || below.at(-1)?.namesBacking === true)
    return new RefusedError(top.file.name, 'shrink.noBacking');
  for (const layer of below) {
    const { file, dataFile } = layer;
    if (dataFile instanceof AbsentFile)
      return new RefusedError(file.name, 'dataFile.notOpen', { value: dataFile.name });
    if (layer instanceof Qcow2Image && layer.encryption !== undefined)
      return new UnsupportedError(file.name, 'encrypted.scan', { value: layer.encryption.toUpperCase() });
  }
  return undefined;
}

class Scanner {
  readonly #layers: Layers;
  readonly #image: Qcow2Image;
  readonly #progress: Progress;
  readonly #zeroes: FoundUnits;
  readonly #same: FoundUnits | undefined;
  readonly #unit: ByteLength;
  readonly #window = new RunWindow();
  #total = 0;
  #done = 0;
  /** Bytes that are read at once. */
  readonly #step: ByteLength;
  readonly #chunk: Buffer;
  /** Reads what the backing file gives. */
  #backing: BulkReader | undefined;
  #extent: FileExtent = { isHole: false, end: hostOffset(0) };
  /** Where `#extent` was asked for. */
  #extentStart = hostOffset(0);
  /** The last unit was not zero, so the next one probably is not. */
  #expectsData = false;
  readonly #ahead = new ReadAhead();

  constructor(layers: Layers, image: Qcow2Image, progress: Progress, mostUnits: number) {
    this.#layers = layers;
    this.#image = image;
    this.#progress = progress;
    this.#unit = image.granularity;
    const isCompared = comparisonProblem(layers) === undefined;
    this.#step = isCompared ? pieceSizeOf(layers) : Math.max(CHUNK, this.#unit);
    this.#chunk = Buffer.alloc(this.#step);
    const units = (image.size / this.#unit) * (isCompared ? 2 : 1);
    const setUnit = units > mostUnits ? image.header.clusterSize : this.#unit;
    const found = (): FoundUnits => new FoundUnits(this.#unit, setUnit, image.size);
    this.#zeroes = found();
    this.#same = isCompared ? found() : undefined;
  }

  *scan(): ContentScanning {
    yield* this.#forEachDataRun(guestOffset(0), (_guest, _host, length) => {
      this.#total += length;
      return true;
    });
    if (this.#same !== undefined)
      this.#backing = new BulkReader(this.#layers, { expected: this.#total, isBacking: true });
    try {
      return yield* this.#scanData();
    } finally {
      this.#backing?.close();
    }
  }

  *#scanData(): ContentScanning {
    const window = this.#window;
    for (let at = guestOffset(0); at < this.#image.size;) {
      at = yield* this.#forEachDataRun(at, (guest, host, length) => {
        window.add(guest, host, length);
        return !window.isFull;
      });
      yield* this.#readWindow();
    }
    return {
      zeroes: this.#zeroes.finish(),
      ...(this.#same === undefined ? {} : { sameAsBacking: this.#same.finish() }),
      scanned: this.#total,
    };
  }

  /**
   * Visits the data that lies in the file, in the order of the disk, until `visit` returns false.
   * @returns where it goes on
   */
  *#forEachDataRun(from: GuestOffset, visit: DataRunVisitor): Generator<undefined, GuestOffset> {
    const { size, header } = this.#image;
    const stretch = header.l2Span * TABLES_AT_ONCE;
    const state = { at: from, isGoing: true };
    while (state.isGoing && state.at < size) {
      const deadline = performance.now() + WALK_TIME;
      let left = RUNS_PER_LOOK;
      const end = guestOffset(Math.min(size, state.at + stretch));
      this.#image.forEachRun(state.at, end, (start, length, kind, host) => {
        state.at = plus(start, length);
        state.isGoing = this.#visitData(start, length, kind, host, visit);
        if (!state.isGoing || --left > 0) return state.isGoing;
        left = RUNS_PER_LOOK;
        return performance.now() < deadline;
      });
      this.#progress.checkCancelled();
      yield;
    }
    return state.at;
  }

  #visitData(
    start: GuestOffset,
    length: ByteLength,
    kind: RunKind,
    host: HostOffset,
    visit: DataRunVisitor,
  ): boolean {
    if (kind !== RunKind.data || host === NO_HOST) return true;
    const inFile = Math.min(length, Math.floor((this.#image.dataEnd - host) / this.#unit) * this.#unit);
    return inFile <= 0 || visit(start, host, inFile);
  }

  *#readWindow(): Generator<undefined, void> {
    const window = this.#window;
    window.sort();
    for (let position = 0; position < window.count;) position = yield* this.#readFrom(position);
    window.clear();
  }

  /**
   * Reads the run at a position of the window, together with those that lie right behind it in the file if they are short.
   * @returns position of the next one
   */
  *#readFrom(position: number): Generator<undefined, number> {
    const window = this.#window;
    const host = window.hostAt(position);
    const length = window.lengthAt(position);
    const step = this.#step;
    if (length >= step) {
      const guest = window.guestAt(position);
      const runEnd = plus(host, length);
      for (let begun = 0, done = 0; done < length; done += step) {
        for (; begun < length && this.#backing?.hasRoom === true; begun += step)
          this.#backing.begin(plus(guest, begun), Math.min(step, length - begun));
        this.#read(plus(guest, done), plus(host, done), runEnd);
        yield;
      }
      return position + 1;
    }
    let end = plus(host, length);
    let stop = position + 1;
    for (; stop < window.count; stop++) {
      const nextEnd = plus(end, window.lengthAt(stop));
      if (window.hostAt(stop) !== end || nextEnd - host > step) break;
      end = nextEnd;
    }
    const bytes = this.#fetch(host, end - host);
    for (let begun = position, at = position; at < stop; at++) {
      for (; begun < stop && this.#backing?.hasRoom === true; begun++)
        this.#backing.begin(window.guestAt(begun), window.lengthAt(begun));
      const from = window.hostAt(at) - host;
      const content = bytes?.subarray(from, from + window.lengthAt(at));
      this.#judge(window.guestAt(at), window.lengthAt(at), content);
    }
    yield;
    return stop;
  }

  /** Looks at the next bytes of a run. */
  #read(guest: GuestOffset, host: HostOffset, runEnd: HostOffset): void {
    const length = Math.min(this.#step, runEnd - host);
    const mayProbe = this.#expectsData && this.#same === undefined && this.#unit >= WORTH_PROBING;
    if (!mayProbe || !this.#ahead.reach(this.#image.dataFile, host, runEnd)) {
      this.#judge(guest, length, this.#fetch(host, length));
      return;
    }
    for (let at = 0; at < length; at += this.#unit) {
      this.#probe(plus(guest, at), plus(host, at), Math.min(this.#unit, length - at));
    }
  }

  /** Looks at a unit that probably has data. */
  #probe(guest: GuestOffset, host: HostOffset, length: ByteLength): void {
    const head = this.#chunk.subarray(0, Math.min(PROBE, length));
    this.#image.dataFile.read(head, host);
    if (isZero(head)) this.#judge(guest, length, this.#fetch(host, length));
    else {
      this.#advance(length);
      this.#zeroes.addOther(guest, length);
    }
  }

  #advance(length: ByteLength): void {
    this.#progress.checkCancelled();
    this.#progress.report(this.#done, this.#total);
    this.#done += length;
  }

  /** Bytes of the data file; undefined where all of them lie in a hole. */
  #fetch(host: HostOffset, length: ByteLength): Buffer | undefined {
    this.#advance(length);
    const { dataFile } = this.#image;
    if (host < this.#extentStart || host >= this.#extent.end) {
      this.#extent = dataFile.extentAt(host);
      this.#extentStart = host;
    }
    if (this.#extent.isHole && host + length <= this.#extent.end) return undefined;
    const bytes = this.#chunk.subarray(0, length);
    dataFile.read(bytes, host);
    return bytes;
  }

  /** @param content undefined where it is all zero */
  #judge(guest: GuestOffset, length: ByteLength, content: Buffer | undefined): void {
    if (content === undefined) {
      this.#zeroes.add(guest, length);
      this.#expectsData = false;
    } else this.#expectsData = !this.#addUnits(this.#zeroes, guest, content, isZero);
    const same = this.#same;
    if (same === undefined) return;
    const backing = this.#nextBacking();
    if (backing === undefined) same.addOther(guest, length);
    else if (content === undefined) this.#addUnits(same, guest, backing, isZero);
    else if (content.equals(backing)) same.add(guest, length);
    else
      this.#addUnits(same, guest, backing, (unit, at) => content.subarray(at, at + unit.length).equals(unit));
  }

  /** What the backing file gives; undefined where it is damaged, so that nothing can be left to it. */
  #nextBacking(): Uint8Array | undefined {
    try {
      return this.#backing?.next();
    } catch (error) {
      if (error instanceof FormatError || error instanceof UnsupportedError) return undefined;
      throw error;
    }
  }

  /** Tells units whose content is as it should be from others. @returns whether the last one is */
  #addUnits(
    found: FoundUnits,
    guest: GuestOffset,
    content: Uint8Array,
    isSo: (unit: Uint8Array, at: number) => boolean,
  ): boolean {
    let isLast = false;
    for (let at = 0; at < content.length; at += this.#unit) {
      const unit = content.subarray(at, at + this.#unit);
      isLast = isSo(unit, at);
      if (isLast) found.add(plus(guest, at), unit.length);
      else found.addOther(plus(guest, at), unit.length);
    }
    return isLast;
  }
}
