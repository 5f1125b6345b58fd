/**
 * A disk that forgets. It logs everything that is done to it, and can show the state after a crash at any point of the log
 * with any subset of what was not flushed lost: 512-byte sectors, truncations, creations, deletions. Tests can make any
 * call fail.
 */
import { FileError } from '../../src/qcow2/errors';
import type { BlockFile } from '../../src/qcow2/io/blockFile';
import { KnownFills } from '../../src/qcow2/io/knownFills';
import type { ProblemCode } from '../../src/qcow2/problemText';
import type { Disk, DiskFileIdentity, MutableFile, Writer } from '../../src/qcow2/save/disk';
import { hostOffset } from '../../src/qcow2/units';

const SECTOR = 512;

/** Content of the files by path. */
export type DiskState = ReadonlyMap<string, Uint8Array>;

type Action =
  | { readonly kind: 'write'; readonly file: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly file: number; readonly size: number }
  | { readonly kind: 'flush'; readonly file: number }
  /** What was not flushed before is lost for good: the system forgets that it has to be written. */
  | { readonly kind: 'failedFlush'; readonly file: number }
  | { readonly kind: 'create'; readonly path: string; readonly file: number }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'flushFolder' };

export interface Failure {
  /** Number of the first call that fails, from 0. */
  readonly call: number;
  /** Calls that fail from there on. */
  readonly times: number;
}

/** Whether a part of what was not flushed survives: an action, and for a write one of its sectors. */
export type Survives = (action: number, sector: number) => boolean;

class Content {
  #bytes: Uint8Array;
  size: number;

  constructor(initial: Uint8Array = new Uint8Array(0)) {
    this.#bytes = initial.slice();
    this.size = initial.length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  read(target: Uint8Array, offset: number): void {
    const part = this.bytes.subarray(Math.min(offset, this.size), offset + target.length);
    target.set(part);
    target.fill(0, part.length);
  }

  write(bytes: Uint8Array, offset: number): void {
    if (offset + bytes.length > this.size) this.truncate(offset + bytes.length);
    this.#bytes.set(bytes, offset);
  }

  truncate(size: number): void {
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, Math.ceil(this.#bytes.length * 1.5)));
      grown.set(this.bytes);
      this.#bytes = grown;
    }
    if (size < this.size) this.#bytes.fill(0, size, this.size);
    this.size = size;
  }
}

export class SimulatedDisk implements Disk {
  readonly log: Action[] = [];
  readonly writer: Writer = { host: 'here', boot: 'now', pid: 1, started: '1' };
  readonly user = undefined;
  /** Whether the program that wrote a journal is still running. */
  runs = false;
  /** Whether open files can be claimed. */
  hasClaims = true;
  failure: Failure | undefined;
  /** Whether files can have holes: sectors of zeroes that take no space. */
  hasHoles = true;
  /** Capacity for all files together, in bytes, not counting holes. */
  capacity = Infinity;
  /** Called before each action; the call throws what it throws. */
  before: (() => void) | undefined;
  #calls = 0;
  readonly #initial: DiskState;
  readonly #contents: Content[] = [];
  readonly #paths = new Map<string, number>();
  /** The open file that has claimed a file. */
  readonly #claims = new Map<number, MutableFile>();
  /** Sectors of each file that take space; found when first needed. */
  readonly #used: (Set<number> | undefined)[] = [];

  constructor(state: DiskState) {
    this.#initial = state;
    for (const [path, bytes] of state) this.#paths.set(path, this.#add(new Content(bytes)));
  }

  /** Calls that change something, so far. */
  get calls(): number {
    return this.#calls;
  }

  get state(): DiskState {
    return new Map([...this.#paths].map(([path, file]) => [path, this.#contents[file]!.bytes.slice()]));
  }

  content(path: string): Uint8Array {
    return this.#contents[this.#paths.get(path)!]!.bytes;
  }

  /** The file as the engine reads it; it always shows the current content. */
  open(path: string): BlockFile {
    const content = this.#contents[this.#paths.get(path)!]!;
    const { size } = content;
    return {
      name: path,
      size,
      allocatedBytes: size,
      knowsHoles: false,
      knownFills: new KnownFills(),
      read: (target, offset) => {
        content.read(target, offset);
      },
      extentAt: (offset) =>
        offset >= size
          ? { isHole: true, end: hostOffset(Infinity) }
          : { isHole: false, end: hostOffset(size) },
      close: () => undefined,
    };
  }

  resolve(path: string): string {
    return path;
  }

  identify(path: string): DiskFileIdentity | undefined {
    const file = this.#paths.get(path);
    return file === undefined ? undefined : identity(file);
  }

  openForChange(path: string): MutableFile {
    const file = this.#paths.get(path);
    if (file === undefined) throw new FileError(path, 'file.missing');
    return this.#open(path, file);
  }

  createExclusive(path: string): MutableFile | undefined {
    if (this.#paths.has(path)) return undefined;
    this.#call(path, 'file.create');
    const file = this.#add(new Content());
    this.#paths.set(path, file);
    this.log.push({ kind: 'create', path, file });
    return this.#open(path, file);
  }

  remove(path: string): void {
    this.#call(path, 'file.remove');
    this.#paths.delete(path);
    this.log.push({ kind: 'remove', path });
  }

  flushFolder(folder: string): void {
    this.#call(folder, 'file.flush');
    this.log.push({ kind: 'flushFolder' });
  }

  freeBytes(): number {
    return Infinity;
  }

  isRunning(): boolean {
    return this.runs;
  }

  pause(): void {
    // No other program runs here.
  }

  /** A state that a crash after the first `end` actions may leave. */
  after(end: number, survives: Survives): DiskState {
    const contents = [...this.#initial.values()].map((bytes) => new Content(bytes));
    const paths = new Map([...this.#initial.keys()].map((path, file) => [path, file]));
    const isStable = this.#stability(end);
    for (let at = 0; at < end; at++) {
      const action = this.log[at]!;
      const keeps = (sector: number): boolean => isStable[at] === true || survives(at, sector);
      switch (action.kind) {
        case 'write':
          contents[action.file] ??= new Content();
          forEachSector(action.offset, action.bytes, (offset, bytes, sector) => {
            if (keeps(sector)) contents[action.file]!.write(bytes, offset);
          });
          break;
        case 'truncate':
          contents[action.file] ??= new Content();
          if (keeps(0)) contents[action.file]!.truncate(action.size);
          break;
        case 'create':
          contents[action.file] ??= new Content();
          if (keeps(0)) paths.set(action.path, action.file);
          break;
        case 'remove':
          if (keeps(0)) paths.delete(action.path);
          break;
        case 'flush':
        case 'failedFlush':
        case 'flushFolder':
          break;
      }
    }
    return new Map([...paths].map(([path, file]) => [path, contents[file]!.bytes]));
  }

  /** For each of the first `end` actions, whether it was flushed. */
  #stability(end: number): boolean[] {
    const stable: boolean[] = [];
    const flushed = new Map<number, boolean>();
    let isFolderFlushed = false;
    for (let at = end - 1; at >= 0; at--) {
      const action = this.log[at]!;
      switch (action.kind) {
        case 'flush':
          flushed.set(action.file, true);
          break;
        case 'failedFlush':
          flushed.set(action.file, false);
          break;
        case 'flushFolder':
          isFolderFlushed = true;
          break;
        case 'write':
        case 'truncate':
          stable[at] = flushed.get(action.file) === true;
          break;
        case 'create':
        case 'remove':
          stable[at] = isFolderFlushed;
          break;
      }
    }
    return stable;
  }

  #add(content: Content): number {
    return this.#contents.push(content) - 1;
  }

  #usedSectors(file: number): Set<number> {
    return (this.#used[file] ??= usedSectors(this.#contents[file]!.bytes));
  }

  /** Bytes in use by all files. */
  get used(): number {
    return this.#contents.reduce((sum, _, file) => sum + this.#usedSectors(file).size * SECTOR, 0);
  }

  #open(path: string, file: number): MutableFile {
    const content = this.#contents[file]!;
    const opened: MutableFile = {
      name: path,
      identity: identity(file),
      access: undefined,
      get size() {
        return content.size;
      },
      read: (target, offset) => {
        content.read(target, offset);
      },
      write: (bytes, offset) => {
        // A copy: `slice` of a Buffer shares its memory.
        this.#write(path, file, new Uint8Array(bytes), offset);
      },
      truncate: (size) => {
        this.#call(path, 'file.truncate');
        content.truncate(size);
        this.log.push({ kind: 'truncate', file, size });
      },
      makeHole: (offset, length) => {
        if (!this.hasHoles) return false;
        this.#write(path, file, new Uint8Array(length), offset);
        return true;
      },
      get allocatedBytes() {
        return usedSectors(content.bytes).size * SECTOR;
      },
      // Any part of what is not flushed may survive anyway.
      startFlush: () => undefined,
      flush: () => {
        this.#flush(path, file);
      },
      claim: () => {
        this.before?.();
        if (!this.hasClaims) return 'unknown';
        if (this.#claims.has(file) && this.#claims.get(file) !== opened) return 'held';
        this.#claims.set(file, opened);
        return 'taken';
      },
      close: () => {
        if (this.#claims.get(file) === opened) this.#claims.delete(file);
      },
    };
    return opened;
  }

  #write(path: string, file: number, bytes: Uint8Array, offset: number): void {
    let stopped: FileError | undefined;
    try {
      this.#call(path, 'file.write');
    } catch (error) {
      // A write may fail with a part of it done.
      if (!(error instanceof FileError)) throw error;
      stopped = error;
    }
    const done = this.#fit(file, offset, stopped === undefined ? bytes.length : halfOf(bytes.length));
    const part = bytes.subarray(0, done);
    if (part.length > 0) {
      this.#contents[file]!.write(part, offset);
      this.log.push({ kind: 'write', file, offset, bytes: part });
    }
    if (stopped !== undefined) throw stopped;
    if (done < bytes.length) throw new FileError(path, 'file.write', { value: 'ENOSPC: disk full' });
  }

  #flush(path: string, file: number): void {
    try {
      this.#call(path, 'file.flush');
    } catch (error) {
      if (error instanceof FileError) this.log.push({ kind: 'failedFlush', file });
      throw error;
    }
    this.log.push({ kind: 'flush', file });
  }

  /** How many bytes of a write find room. */
  #fit(file: number, offset: number, length: number): number {
    if (this.capacity === Infinity) return length;
    const used = this.#usedSectors(file);
    let room = this.capacity - this.used;
    const end = offset + length;
    for (let at = offset; at < end;) {
      const sector = Math.floor(at / SECTOR);
      if (!used.has(sector)) {
        if (room < SECTOR) return at - offset;
        room -= SECTOR;
        used.add(sector);
      }
      at = Math.min(end, (sector + 1) * SECTOR);
    }
    return length;
  }

  #call(path: string, code: ProblemCode): void {
    this.before?.();
    const call = this.#calls++;
    const { failure } = this;
    if (failure === undefined || call < failure.call || call >= failure.call + failure.times) return;
    throw new FileError(path, code, { value: 'EIO: i/o error' });
  }
}

function usedSectors(bytes: Uint8Array): Set<number> {
  const used = new Set<number>();
  for (let at = 0; at < bytes.length; at += SECTOR) {
    if (bytes.subarray(at, at + SECTOR).some((byte) => byte !== 0)) used.add(at / SECTOR);
  }
  return used;
}

/** Whole sectors: a disk writes none by halves. */
const halfOf = (length: number): number => Math.floor(length / 2 / SECTOR) * SECTOR;

const identity = (file: number): DiskFileIdentity => ({ device: '1', inode: String(file), links: 1 });

function forEachSector(
  offset: number,
  bytes: Uint8Array,
  visit: (offset: number, bytes: Uint8Array, index: number) => void,
): void {
  let index = 0;
  for (let at = 0; at < bytes.length;) {
    const next = Math.min(bytes.length, (Math.floor((offset + at) / SECTOR) + 1) * SECTOR - offset);
    visit(offset + at, bytes.subarray(at, next), index++);
    at = next;
  }
}
