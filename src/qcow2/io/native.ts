/**
 * What Node has no call for, through the optional package `koffi`: `lseek` with SEEK_DATA and SEEK_HOLE, `fcntl` for
 * locks of open files, `fallocate` to make holes, `sync_file_range` to begin with a flush, `posix_fadvise` to read ahead, and
 * extended attributes. It is looked up when it is first needed; where it is missing, or `QCOW2_NATIVE=off` is set, holes are
 * neither known nor made, locks are not taken, a flush begins when it is asked for, what is read next is not announced, and
 * attributes are not known.
 */
import type { ByteLength, HostOffset } from '../units';
import { type Koffi, loadKoffi } from './koffi';

/** Finds data and holes in an open file. Does not disturb reads, which name their position. */
export interface Seek {
  /** First byte of data at or after `offset`; `none` when only a hole follows. */
  data(descriptor: number, offset: HostOffset): SeekResult;
  /** First byte of a hole at or after `offset` (the end of the file counts as one). */
  hole(descriptor: number, offset: HostOffset): SeekResult;
}

export type SeekResult = number | 'none' | 'failed';

/**
 * Locks on single bytes of a file, of the open file description: they end when it is closed, and do not disturb other
 * locks of this process (fcntl(2), "Open file description locks").
 */
export interface ByteLocks {
  /** Takes a read lock. `held`: a write lock is there. */
  share(descriptor: number, byte: number): 'taken' | 'held' | 'failed';
  /** Takes a write lock, for which the file has to be open for writing. `held`: another open file has a lock there. */
  claim(descriptor: number, byte: number): 'taken' | 'held' | 'failed';
  /** Whether another open file has any lock there. */
  isHeld(descriptor: number, byte: number): boolean | 'failed';
  /** Whether another open file has a write lock there. */
  isClaimed(descriptor: number, byte: number): boolean | 'failed';
}

/**
 * Makes a hole in an open file, whose length stays as it is: the storage behind it goes back to the system, and it reads
 * as zeroes. `unsupported`: the file system has no holes; a number is the system's error.
 */
export type MakeHole = (
  descriptor: number,
  offset: HostOffset,
  length: ByteLength,
) => 'done' | 'unsupported' | number;

/** Has the system begin to write what is dirty of an open file, without waiting; whether it did is for a flush to find out. */
export type StartFlush = (descriptor: number) => void;

/** Has the system begin to read a stretch of an open file into its cache, without waiting. */
export type ReadAhead = (descriptor: number, offset: HostOffset, length: ByteLength) => void;

/** Extended attributes (xattr(7)), among them the access control list that a file has besides its mode. */
export interface Attributes {
  /** Undefined where the file system has none, or they cannot be read. */
  names(path: string): readonly string[] | undefined;
  /** Undefined where there is no such attribute. */
  get(path: string, name: string): Uint8Array | undefined;
  set(descriptor: number, name: string, value: Uint8Array): 'done' | 'failed';
  /** Does nothing where there is no such attribute. */
  remove(descriptor: number, name: string): void;
}

/** `whence` values; the two systems have them the other way round. */
const WHENCE = {
  linux: { data: 3, hole: 4 },
  darwin: { hole: 3, data: 4 },
} as const;

/** The same number on Linux and macOS: no data, or no hole, at or after the offset. */
const ENXIO = 6;

/** Linux: fcntl commands, lock types (the last one: there is none), and what it says of a lock of another open file. */
const OFD_GETLK = 36;
const OFD_SETLK = 37;
const READ_LOCK = 0;
const WRITE_LOCK = 1;
const NO_LOCK = 2;
const EAGAIN = 11;
const EACCES = 13;

/** Linux: fallocate(2), FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE. */
const KEEP_SIZE_AND_PUNCH_HOLE = 3;
/** Linux: sync_file_range(2). Without its other flags it takes no note of errors: the flush that follows has them. */
const SYNC_FILE_RANGE_WRITE = 2;
const TO_THE_END = 0;
/** Linux: posix_fadvise(2), POSIX_FADV_WILLNEED. */
const WILL_NEED = 3;
const EINTR = 4;
const ENOSYS = 38;
const EOPNOTSUPP = 95;

let foundSeek: Seek | null | undefined;
let foundLocks: ByteLocks | null | undefined;
let foundMakeHole: MakeHole | null | undefined;
let foundStartFlush: StartFlush | null | undefined;
let foundReadAhead: ReadAhead | null | undefined;
let foundAttributes: Attributes | null | undefined;

const isOff = (): boolean => process.env['QCOW2_NATIVE'] === 'off';

/** The seek functions, or null where there are none. */
export function loadSeek(): Seek | null {
  return isOff() ? null : (foundSeek ??= bound(bindSeek));
}

/** The lock functions, or null where there are none: QEMU locks images on Linux alone. */
export function loadLocks(): ByteLocks | null {
  return isOff() ? null : (foundLocks ??= bound(bindLocks));
}

/** The function that makes holes, or null where there is none. */
export function loadMakeHole(): MakeHole | null {
  return isOff() ? null : (foundMakeHole ??= bound(bindMakeHole));
}

/** The function that begins with a flush, or null where there is none. */
export function loadStartFlush(): StartFlush | null {
  return isOff() ? null : (foundStartFlush ??= bound(bindStartFlush));
}

/** The function that reads ahead, or null where there is none. */
export function loadReadAhead(): ReadAhead | null {
  return isOff() ? null : (foundReadAhead ??= bound(bindReadAhead));
}

/** Calls for extended attributes, or null where there are none. */
export function loadAttributes(): Attributes | null {
  return isOff() ? null : (foundAttributes ??= bound(bindAttributes));
}

/** Binds all of them now, where they would be bound when they are first needed. */
export function bindNativeCalls(): void {
  loadSeek();
  loadLocks();
  loadMakeHole();
  loadStartFlush();
  loadReadAhead();
  loadAttributes();
}

function bound<T>(bind: (koffi: Koffi) => T | null): T | null {
  try {
    return bind(loadKoffi());
  } catch {
    // Not installed, or not built for this machine: an optional package.
    return null;
  }
}

function bindSeek(koffi: Koffi): Seek | null {
  const whence = process.platform in WHENCE ? WHENCE[process.platform as keyof typeof WHENCE] : undefined;
  if (whence === undefined) return null;
  const lseek = koffi.load(null).func('int64_t lseek(int fd, int64_t offset, int whence)');
  const call = (descriptor: number, offset: HostOffset, how: number): SeekResult => {
    const result = Number(lseek(descriptor, offset, how));
    if (result >= 0) return result;
    return koffi.errno() === ENXIO ? 'none' : 'failed';
  };
  return {
    data: (descriptor, offset) => call(descriptor, offset, whence.data),
    hole: (descriptor, offset) => call(descriptor, offset, whence.hole),
  };
}

/** Layouts and sizes below are those of 64-bit Linux. */
const isLinux64 = (): boolean => process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

function bindMakeHole(koffi: Koffi): MakeHole | null {
  if (!isLinux64()) return null;
  const fallocate = koffi.load(null).func('int fallocate(int fd, int mode, int64_t offset, int64_t length)');
  return (descriptor, offset, length) => {
    for (;;) {
      if (fallocate(descriptor, KEEP_SIZE_AND_PUNCH_HOLE, offset, length) === 0) return 'done';
      const error = koffi.errno();
      if (error === EOPNOTSUPP || error === ENOSYS) return 'unsupported';
      if (error !== EINTR) return error;
    }
  };
}

function bindStartFlush(koffi: Koffi): StartFlush | null {
  if (!isLinux64()) return null;
  const prototype = 'int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)';
  const syncFileRange = koffi.load(null).func(prototype);
  return (descriptor) => {
    syncFileRange(descriptor, 0, TO_THE_END, SYNC_FILE_RANGE_WRITE);
  };
}

function bindReadAhead(koffi: Koffi): ReadAhead | null {
  if (!isLinux64()) return null;
  const prototype = 'int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)';
  const advise = koffi.load(null).func(prototype);
  return (descriptor, offset, length) => {
    advise(descriptor, offset, length, WILL_NEED);
  };
}

/** Linux: bytes of all names of a file's attributes, and of one value, at most (limits.h: XATTR_LIST_MAX, XATTR_SIZE_MAX). */
const MOST_ATTRIBUTE_BYTES = 65_536;

function bindAttributes(koffi: Koffi): Attributes | null {
  if (!isLinux64()) return null;
  const library = koffi.load(null);
  const list = library.func('int64_t listxattr(const char *path, void *list, uint64_t size)');
  const get = library.func(
    'int64_t getxattr(const char *path, const char *name, void *value, uint64_t size)',
  );
  const set = library.func(
    'int fsetxattr(int fd, const char *name, const void *value, uint64_t size, int flags)',
  );
  const remove = library.func('int fremovexattr(int fd, const char *name)');
  const filled = (fill: (buffer: Uint8Array) => number | bigint): Uint8Array | undefined => {
    const buffer = new Uint8Array(MOST_ATTRIBUTE_BYTES);
    const length = Number(fill(buffer));
    return length < 0 ? undefined : buffer.slice(0, length);
  };
  return {
    names: (path) => {
      const names = filled((buffer) => list(path, buffer, buffer.length));
      // Each ends in a zero.
      return names && Buffer.from(names).toString().split('\0').slice(0, -1);
    },
    get: (path, name) => filled((buffer) => get(path, name, buffer, buffer.length)),
    set: (descriptor, name, value) =>
      set(descriptor, name, value, value.length, 0) === 0 ? 'done' : 'failed',
    remove: (descriptor, name) => {
      remove(descriptor, name);
    },
  };
}

function bindLocks(koffi: Koffi): ByteLocks | null {
  if (!isLinux64()) return null;
  const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)');
  const call = (descriptor: number, command: number, lock: Flock): boolean =>
    fcntl(descriptor, command, 'void *', lock.bytes) === 0;
  const take = (descriptor: number, lock: Flock): 'taken' | 'held' | 'failed' => {
    if (call(descriptor, OFD_SETLK, lock)) return 'taken';
    return [EAGAIN, EACCES].includes(koffi.errno()) ? 'held' : 'failed';
  };
  const isInTheWay = (descriptor: number, lock: Flock): boolean | 'failed' =>
    call(descriptor, OFD_GETLK, lock) ? !lock.isUnlocked : 'failed';
  return {
    share: (descriptor, byte) => take(descriptor, new Flock(READ_LOCK, byte)),
    claim: (descriptor, byte) => take(descriptor, new Flock(WRITE_LOCK, byte)),
    isHeld: (descriptor, byte) => isInTheWay(descriptor, new Flock(WRITE_LOCK, byte)),
    // A read lock that is only asked about is kept away by a write lock alone.
    isClaimed: (descriptor, byte) => isInTheWay(descriptor, new Flock(READ_LOCK, byte)),
  };
}

/** `struct flock` for one byte: type and whence (16 bits each), start, length, process; the process must be 0. */
class Flock {
  readonly bytes = new Uint8Array(32);

  constructor(type: number, byte: number) {
    new Int16Array(this.bytes.buffer, 0, 2).set([type, 0]);
    new BigInt64Array(this.bytes.buffer, 8, 2).set([BigInt(byte), 1n]);
  }

  get isUnlocked(): boolean {
    return new Int16Array(this.bytes.buffer, 0, 1)[0] === NO_LOCK;
  }
}
