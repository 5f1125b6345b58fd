/**
 * Looks at the contents of a disk's data clusters for what need not be stored: units (subclusters, or clusters where there
 * are none) that hold zeroes only, and those that hold what the backing file would give. Compressed clusters are not looked
 * at: what they take is little.
 *
 * Data is read in the order of the host file, so that a disk reads forward. Holes of the host file are zero without being
 * read. Memory does not depend on the image: a window of runs is sorted at a time, and what is found is a bit for each unit.
 */
import { type EngineError, FormatError, RefusedError, UnsupportedError } from '../errors';
import { GuestSet } from '../guestSet';
import { AbsentFile } from '../image/absentFile';
import { type Layers, NO_HOST, RunKind } from '../image/layer';
import { Qcow2Image } from '../image/qcow2Image';
import { readBacking } from '../image/read';
import type { FileExtent } from '../io/blockFile';
import { isZero } from '../isZero';
import type { Progress } from '../progress';
import { type ByteLength, guestOffset, type GuestOffset, hostOffset, type HostOffset, plus } from '../units';

/** What a scan has found. A unit over zeroes of the backing file may be in both sets. */
export interface ContentScan {
  /** Units whose data is all zero. */
  readonly zeroes: GuestSet;
  /** Units whose data is what the backing file gives; absent where there was none to compare with. */
  readonly sameAsBacking?: GuestSet;
  /** Bytes of the disk that have data, and were looked at. */
  readonly scanned: ByteLength;
}

/** Bytes that are read at once, or one unit: as fast as larger reads, and they stay in the processor's cache. */
const CHUNK = 2 ** 20;
/** Runs that are sorted together. */
const WINDOW = 2 ** 18;

/** A scan under way, which is run piece by piece. */
export type ContentScanning = Generator<undefined, ContentScan>;

/**
 * @param layers the chain, the image first; where a backing file cannot be read, nothing is compared with it
 * @param progress counts bytes of the disk's data
 * @throws UnsupportedError `encrypted.scan`; FormatError, FileError, CancelledError
 */
export function scanContents(layers: Layers, image: Qcow2Image, progress: Progress): ContentScanning {
  if (image.encryption !== undefined)
    throw new UnsupportedError(image.file.name, 'encrypted.scan', {
      value: image.encryption.toUpperCase(),
    });
  return new Scanner(layers, image, progress).scan();
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
  readonly #zeroes: GuestSet;
  readonly #same: GuestSet | undefined;
  readonly #unit: ByteLength;
  /** The window: guest offset, host offset and length of each run. */
  readonly #guests = new Float64Array(WINDOW);
  readonly #hosts = new Float64Array(WINDOW);
  readonly #lengths = new Float64Array(WINDOW);
  #runs = 0;
  #isAscending = true;
  #total = 0;
  #done = 0;
  /** Bytes that are read at once. */
  readonly #step: ByteLength;
  readonly #chunk: Buffer;
  readonly #backing: Buffer;
  #extent: FileExtent = { isHole: false, end: hostOffset(0) };
  /** Where `#extent` was asked for. */
  #extentStart = hostOffset(0);

  constructor(layers: Layers, image: Qcow2Image, progress: Progress) {
    this.#layers = layers;
    this.#image = image;
    this.#progress = progress;
    this.#unit = image.granularity;
    this.#step = Math.max(CHUNK, this.#unit);
    this.#chunk = Buffer.alloc(this.#step);
    this.#backing = Buffer.alloc(layers.length > 1 ? this.#step : 0);
    this.#zeroes = new GuestSet(this.#unit, image.size);
    this.#same = comparisonProblem(layers) === undefined ? new GuestSet(this.#unit, image.size) : undefined;
  }

  *scan(): ContentScanning {
    const size = guestOffset(this.#image.size);
    this.#forEachDataRun(guestOffset(0), (_guest, _host, length) => {
      this.#total += length;
    });
    for (let at = guestOffset(0); at < size;) {
      at = this.#forEachDataRun(at, (guest, host, length) => {
        this.#add(guest, host, length);
      });
      yield* this.#readWindow();
    }
    const same = this.#same;
    return {
      zeroes: this.#zeroes,
      ...(same === undefined ? {} : { sameAsBacking: same }),
      scanned: this.#total,
    };
  }

  /**
   * Visits the data that lies in the file, in the order of the disk, until the window is full.
   * @returns where it goes on
   */
  #forEachDataRun(
    from: GuestOffset,
    visit: (guest: GuestOffset, host: HostOffset, length: ByteLength) => void,
  ): GuestOffset {
    const { size, dataEnd } = this.#image;
    let at = from;
    this.#image.forEachRun(from, guestOffset(size), (start, length, kind, host) => {
      this.#progress.checkCancelled();
      at = plus(start, length);
      if (kind !== RunKind.data || host === NO_HOST) return true;
      const inFile = Math.min(length, Math.floor((dataEnd - host) / this.#unit) * this.#unit);
      if (inFile > 0) visit(start, host, inFile);
      return this.#runs < WINDOW;
    });
    return at;
  }

  #add(guest: GuestOffset, host: HostOffset, length: ByteLength): void {
    const at = this.#runs++;
    if (at > 0 && host < this.#hosts[at - 1]!) this.#isAscending = false;
    this.#guests[at] = guest;
    this.#hosts[at] = host;
    this.#lengths[at] = length;
  }

  *#readWindow(): Generator<undefined, void> {
    const order = Uint32Array.from({ length: this.#runs }, (_, index) => index);
    const hosts = this.#hosts;
    if (!this.#isAscending) order.sort((one, other) => hosts[one]! - hosts[other]!);
    for (let index = 0; index < order.length;) index = yield* this.#readFrom(order, index);
    this.#runs = 0;
    this.#isAscending = true;
  }

  /**
   * Reads the run at `index`, together with those that lie right behind it in the file if they are short.
   * @returns index of the next one
   */
  *#readFrom(order: Uint32Array, index: number): Generator<undefined, number> {
    const run = order[index]!;
    const host = hostOffset(this.#hosts[run]!);
    const length = this.#lengths[run]!;
    const step = this.#step;
    if (length >= step) {
      for (let done = 0; done < length; done += step) {
        this.#read(guestOffset(this.#guests[run]! + done), plus(host, done), Math.min(step, length - done));
        yield;
      }
      return index + 1;
    }
    let end = host + length;
    let stop = index + 1;
    for (; stop < order.length; stop++) {
      const next = order[stop]!;
      const nextEnd = end + this.#lengths[next]!;
      if (this.#hosts[next] !== end || nextEnd - host > step) break;
      end = nextEnd;
    }
    const bytes = this.#fetch(host, end - host);
    for (let at = index; at < stop; at++) {
      const each = order[at]!;
      const from = this.#hosts[each]! - host;
      const content = bytes?.subarray(from, from + this.#lengths[each]!);
      this.#judge(guestOffset(this.#guests[each]!), this.#lengths[each]!, content);
    }
    yield;
    return stop;
  }

  #read(guest: GuestOffset, host: HostOffset, length: ByteLength): void {
    this.#judge(guest, length, this.#fetch(host, length));
  }

  /** Bytes of the data file; undefined where all of them lie in a hole. */
  #fetch(host: HostOffset, length: ByteLength): Buffer | undefined {
    this.#progress.checkCancelled();
    this.#progress.report(this.#done, this.#total);
    this.#done += length;
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
    if (content === undefined) this.#zeroes.add(guest, length);
    else this.#addUnits(this.#zeroes, guest, content, isZero);
    const same = this.#same;
    if (same === undefined) return;
    const backing = this.#readBacking(guest, length);
    if (backing === undefined) return;
    if (content === undefined) this.#addUnits(same, guest, backing, isZero);
    else if (content.equals(backing)) same.add(guest, length);
    else
      this.#addUnits(same, guest, content, (unit, at) => unit.equals(backing.subarray(at, at + unit.length)));
  }

  /** What the backing file gives; undefined where it is damaged, so that nothing can be left to it. */
  #readBacking(guest: GuestOffset, length: ByteLength): Buffer | undefined {
    const backing = this.#backing.subarray(0, length);
    try {
      readBacking(this.#layers, backing, guest);
      return backing;
    } catch (error) {
      if (error instanceof FormatError || error instanceof UnsupportedError) return undefined;
      throw error;
    }
  }

  /** Puts the units into a set whose content is as it should be. */
  #addUnits(
    set: GuestSet,
    guest: GuestOffset,
    content: Buffer,
    isSo: (unit: Buffer, at: number) => boolean,
  ): void {
    for (let at = 0; at < content.length; at += this.#unit) {
      const unit = content.subarray(at, at + this.#unit);
      if (isSo(unit, at)) set.add(plus(guest, at), unit.length);
    }
  }
}
