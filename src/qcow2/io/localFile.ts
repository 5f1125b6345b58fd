/**
 * A local file as a `BlockFile`. It is opened read-only and without waiting: a FIFO, a socket or a device is
 * refused by name instead of stalling the thread (ARCHITECTURE.md, "The engine is synchronous and runs in a thread").
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { FileError } from '../errors';
import type { Fact } from '../factText';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import type { BlockFile, FileExtent } from './blockFile';
import { claimOn } from './claim';
import { accessOf, type FileAccess } from './fileAccess';
import { KnownFills } from './knownFills';
import { loadReadAhead, loadSeek, type Seek } from './native';
import { systemCode, systemMessage } from './systemError';

// Windows has no O_NONBLOCK, whatever the type says.
const OPEN_FLAGS = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0);

/** What tells one state of a file from another. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** Modification time in nanoseconds since 1970. */
  readonly modified: bigint;
}

/** The same as a line of text. Inode numbers of a copy differ, and so does its fingerprint. */
export const fingerprintOf = ({ device, inode, size, modified }: FileIdentity): string =>
  [device, inode, size, modified].join(':');

/**
 * Opens `path` for reading.
 * @throws FileError `file.missing`, `file.permission`, `file.notRegular`, `file.open`.
 */
export function openLocalFile(path: string): LocalFile {
  // Looked at before it is opened: opening alone can act on a device (a tape rewinds, a watchdog starts).
  refuseIrregular(
    path,
    attempt(path, () => statSync(path, { bigint: true })),
  );
  const descriptor = attempt(path, () => openSync(path, OPEN_FLAGS));
  try {
    const stats = attempt(path, () => fstatSync(descriptor, { bigint: true }));
    refuseIrregular(path, stats);
    return new LocalFile(path, descriptor, stats);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

interface KnownExtent {
  /** The first byte that it is known for. */
  readonly start: HostOffset;
  readonly extent: FileExtent;
}

const isWithin = (offset: HostOffset, { start, extent }: KnownExtent): boolean =>
  offset >= start && offset < extent.end;

export class LocalFile implements BlockFile {
  readonly size: ByteLength;
  readonly allocatedBytes: ByteLength;
  readonly identity: FileIdentity;
  /** Undefined where the system has no owners. */
  readonly access: FileAccess | undefined;
  /** Type and permission bits (stat(2), `st_mode`) when it was opened. */
  readonly mode: number;
  readonly knownFills = new KnownFills();
  #descriptor: number | undefined;
  /** Looked up when holes are first asked for: most images are never asked. */
  #seek: Seek | null | undefined;
  /** What was asked for last, and before that: walks look at tables and at data in turns. */
  #extent: KnownExtent = { start: hostOffset(0), extent: { isHole: true, end: hostOffset(0) } };
  #formerExtent = this.#extent;

  /** Use `openLocalFile`. Takes over `descriptor`. */
  constructor(
    readonly name: string,
    descriptor: number,
    stats: BigIntStats,
  ) {
    this.#descriptor = descriptor;
    this.size = Number(stats.size);
    this.allocatedBytes = allocatedBytesOf(stats);
    this.identity = identityOf(stats);
    this.access = accessOf(stats);
    this.mode = Number(stats.mode);
  }

  get descriptor(): number | undefined {
    return this.#descriptor;
  }

  get knowsHoles(): boolean {
    return this.#seeker() !== null;
  }

  /** True when the path now leads to another file, or the file's size or time differ from when it was opened. */
  hasChanged(): boolean {
    try {
      const now = identityOf(statSync(this.name, { bigint: true }));
      const { device, inode, size, modified } = this.identity;
      return now.device !== device || now.inode !== inode || now.size !== size || now.modified !== modified;
    } catch {
      return true;
    }
  }

  /** What the file is now, whatever its name has come to lead to. @throws FileError */
  identityNow(): FileIdentity {
    return attempt(this.name, () => identityOf(fstatSync(this.#open(), { bigint: true })));
  }

  /** Whether another open file has claimed this one (claim.ts). */
  claim(): 'held' | 'free' | 'unknown' {
    return claimOn(this.#open());
  }

  read(target: Uint8Array, offset: HostOffset): void {
    const wanted = Math.max(0, Math.min(target.length, this.size - offset));
    let done = 0;
    while (done < wanted) {
      const got = this.#readSome(target, done, wanted - done, plus(offset, done));
      if (got === 0) this.#refuseShrunk(plus(offset, done));
      done += got;
    }
    if (wanted < target.length) target.fill(0, wanted);
  }

  extentAt(offset: HostOffset): FileExtent {
    if (offset >= this.size) return { isHole: true, end: hostOffset(Infinity) };
    if (!isWithin(offset, this.#extent)) {
      const known = this.#formerExtent;
      this.#formerExtent = this.#extent;
      this.#extent = isWithin(offset, known) ? known : this.#lookAt(offset);
    }
    return this.#extent.extent;
  }

  readAhead(offset: HostOffset, length: ByteLength): boolean {
    const readAhead = loadReadAhead();
    readAhead?.(this.#open(), offset, length);
    return readAhead !== null;
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    if (this.#descriptor === undefined) {
      throw new FileError(this.name, 'file.closed');
    }
    return this.#descriptor;
  }

  #seeker(): Seek | null {
    return (this.#seek ??= loadSeek());
  }

  #readSome(target: Uint8Array, start: number, length: ByteLength, offset: HostOffset): number {
    try {
      return readSync(this.#open(), target, start, length, offset);
    } catch (error) {
      if (error instanceof FileError) throw error;
      throw new FileError(this.name, 'file.read', { offset, limit: length, value: systemMessage(error) });
    }
  }

  #refuseShrunk(end: HostOffset): never {
    let now = end;
    try {
      now = hostOffset(fstatSync(this.#open()).size);
    } catch {
      // The place where the data ended says enough.
    }
    throw new FileError(this.name, 'file.shrank', { value: now, limit: this.size });
  }

  #lookAt(offset: HostOffset): KnownExtent {
    const seek = this.#seeker();
    if (seek === null) return { start: hostOffset(0), extent: { isHole: false, end: hostOffset(this.size) } };
    return { start: offset, extent: this.#findExtent(seek, offset) };
  }

  #findExtent(seek: Seek, offset: HostOffset): FileExtent {
    const descriptor = this.#open();
    const data = seek.data(descriptor, offset);
    if (data === 'none') return { isHole: true, end: hostOffset(Infinity) };
    // A file system that cannot tell: everything counts as data.
    if (data === 'failed') return { isHole: false, end: hostOffset(this.size) };
    if (data > offset) return { isHole: true, end: hostOffset(data) };
    const hole = seek.hole(descriptor, offset);
    // `none` means that the file shrank below `offset`: reading will say so.
    return {
      isHole: false,
      end: typeof hole === 'number' && hole > offset ? hostOffset(hole) : hostOffset(this.size),
    };
  }
}

/** Bytes of storage behind a file. Systems without block counts (Windows) leave them undefined, whatever the type says. */
export const allocatedBytesOf = ({ blocks, size }: BigIntStats): number =>
  Number((blocks as bigint | undefined) ?? (size + 511n) / 512n) * 512;

function identityOf(stats: BigIntStats): FileIdentity {
  return { device: stats.dev, inode: stats.ino, size: stats.size, modified: stats.mtimeNs };
}

function refuseIrregular(path: string, stats: BigIntStats): void {
  if (!stats.isFile()) throw new FileError(path, 'file.notRegular', { what: kindOf(stats) });
}

/** What a file is that is not a regular one. */
export function kindOf(stats: BigIntStats): Fact {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  if (stats.isBlockDevice()) return 'a block device';
  if (stats.isCharacterDevice()) return 'a character device';
  return stats.isSymbolicLink() ? 'a symbolic link' : 'a special file';
}

/** Runs a system call on `path`, turning what it throws into the engine's own errors. */
function attempt<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof FileError) throw error;
    switch (systemCode(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        // What is not UTF-8 in a name has been replaced before this program sees it.
        throw new FileError(path, path.includes('\ufffd') ? 'file.notUtf8' : 'file.missing');
      case 'EACCES':
      case 'EPERM':
        throw new FileError(path, 'file.permission');
      default:
        throw new FileError(path, 'file.open', { value: systemMessage(error) });
    }
  }
}
