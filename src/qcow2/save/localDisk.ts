/** The disk of this machine. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  statfsSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { FileError } from '../errors';
import { allocatedBytesOf, kindOf } from '../io/localFile';
import { claimFile } from '../io/claim';
import { accessOf, thisUser, type FileAccess } from '../io/fileAccess';
import { loadMakeHole, loadStartFlush } from '../io/native';
import { systemCode, systemMessage } from '../io/systemError';
import type { ProblemCode } from '../problemText';
import type { ByteLength, HostOffset } from '../units';
import type { Disk, DiskFileIdentity, MutableFile } from './disk';
import { isRunning, thisThread } from './writer';

// Windows has neither, whatever the types say.
const CAREFULLY =
  ((constants.O_NONBLOCK as number | undefined) ?? 0) | ((constants.O_NOFOLLOW as number | undefined) ?? 0);

export const localDisk: Disk = {
  resolve: (path) => attempt(path, 'file.open', () => realpathSync(path)),

  identify(path) {
    try {
      return identityOf(lstatSync(path, { bigint: true }));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw refusal(path, 'file.open', error);
    }
  },

  openForChange(path) {
    // Looked at before it is opened: opening alone can act on a device.
    refuseIrregular(
      path,
      attempt(path, 'file.open', () => lstatSync(path, { bigint: true })),
    );
    const descriptor = attempt(path, 'file.open', () => openSync(path, constants.O_RDWR | CAREFULLY));
    try {
      return new LocalMutableFile(path, descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  },

  createExclusive(path) {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    let descriptor: number;
    try {
      descriptor = openSync(path, flags, 0o600);
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return undefined;
      throw refusal(path, 'file.create', error);
    }
    return new LocalMutableFile(path, descriptor);
  },

  remove: (path) => {
    attempt(path, 'file.remove', () => {
      unlinkSync(path);
    });
  },

  flushFolder(folder) {
    // A folder cannot be opened on Windows, and some file systems cannot flush one.
    let descriptor: number;
    try {
      descriptor = openSync(folder, constants.O_RDONLY);
    } catch {
      return;
    }
    try {
      fsyncSync(descriptor);
    } catch (error) {
      if (!CANNOT_FLUSH.has(systemCode(error))) throw refusal(folder, 'file.flush', error);
    } finally {
      closeSync(descriptor);
    }
  },

  freeBytes(folder) {
    try {
      const { blocks, bavail, bsize } = statfsSync(folder);
      // Some file systems do not know how large they are, and say 0: ramfs, and some of networks.
      return blocks === 0 ? Infinity : bavail * bsize;
    } catch {
      return Infinity;
    }
  },

  get writer() {
    return thisThread();
  },

  get user() {
    return thisUser();
  },

  isRunning,

  pause(milliseconds) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
  },
};

const CANNOT_FLUSH = new Set<unknown>(['EINVAL', 'ENOTSUP', 'EBADF', 'EISDIR', 'EPERM']);

class LocalMutableFile implements MutableFile {
  readonly identity: DiskFileIdentity;
  readonly access: FileAccess | undefined;
  #descriptor: number | undefined;

  constructor(
    readonly name: string,
    descriptor: number,
  ) {
    this.#descriptor = descriptor;
    const stats = attempt(name, 'file.open', () => fstatSync(descriptor, { bigint: true }));
    refuseIrregular(name, stats);
    this.identity = identityOf(stats);
    this.access = accessOf(stats);
  }

  get size(): ByteLength {
    return this.#attempt('file.open', (descriptor) => fstatSync(descriptor).size);
  }

  read(target: Uint8Array, offset: HostOffset): void {
    let done = 0;
    while (done < target.length) {
      const got = this.#attempt(
        'file.read',
        (descriptor) => readSync(descriptor, target, done, target.length - done, offset + done),
        { offset, limit: target.length },
      );
      if (got === 0) break;
      done += got;
    }
    target.fill(0, done);
  }

  write(bytes: Uint8Array, offset: HostOffset): void {
    for (let done = 0; done < bytes.length;) {
      done += this.#attempt(
        'file.write',
        (descriptor) => writeSync(descriptor, bytes, done, bytes.length - done, offset + done),
        { offset, limit: bytes.length },
      );
    }
  }

  truncate(size: ByteLength): void {
    this.#attempt(
      'file.truncate',
      (descriptor) => {
        ftruncateSync(descriptor, size);
      },
      { limit: size },
    );
  }

  makeHole(offset: HostOffset, length: ByteLength): boolean {
    const makeHole = loadMakeHole();
    if (makeHole === null) return false;
    const facts = { offset, limit: length };
    const result = this.#attempt('file.hole', (descriptor) => makeHole(descriptor, offset, length), facts);
    if (typeof result === 'string') return result === 'done';
    throw new FileError(this.name, 'file.hole', { ...facts, value: getSystemErrorName(-result) });
  }

  get allocatedBytes(): ByteLength {
    return this.#attempt('file.open', (descriptor) =>
      allocatedBytesOf(fstatSync(descriptor, { bigint: true })),
    );
  }

  startFlush(): void {
    if (this.#descriptor !== undefined) loadStartFlush()?.(this.#descriptor);
  }

  flush(): void {
    this.#attempt('file.flush', (descriptor) => {
      fdatasyncSync(descriptor);
    });
  }

  claim(): 'taken' | 'held' | 'unknown' {
    return this.#descriptor === undefined ? 'unknown' : claimFile(this.#descriptor);
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #attempt<T>(code: ProblemCode, call: (descriptor: number) => T, facts: object = {}): T {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) throw new FileError(this.name, 'file.closed');
    return attempt(this.name, code, () => call(descriptor), facts);
  }
}

function identityOf(stats: BigIntStats): DiskFileIdentity {
  return { device: String(stats.dev), inode: String(stats.ino), links: Number(stats.nlink) };
}

function refuseIrregular(path: string, stats: BigIntStats): void {
  if (stats.isFile()) return;
  throw new FileError(path, 'file.notRegular', { what: kindOf(stats) });
}

function attempt<T>(path: string, code: ProblemCode, call: () => T, facts: object = {}): T {
  try {
    return call();
  } catch (error) {
    throw refusal(path, code, error, facts);
  }
}

function refusal(path: string, code: ProblemCode, error: unknown, facts: object = {}): FileError {
  switch (systemCode(error)) {
    case 'ENOENT':
      return new FileError(path, 'file.missing');
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new FileError(path, 'file.permission');
    default:
      return new FileError(path, code, { ...facts, value: systemMessage(error) });
  }
}
