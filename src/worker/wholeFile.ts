/**
 * Writes a file all or nothing: under another name beside its place, flushed, then moved there. This changes an existing
 * file as a save does, so the same obstacles apply; its owner and permissions are kept. The unfinished file lies beside the
 * finished one and is not a valid image, since its first bytes are written last.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { randomName } from '../qcow2/io/crypto';
import { pathObstacles } from '../qcow2/check/obstacles';
import { hasJournal, journalOf } from '../qcow2/edit/interrupted';
import { EngineError, FileError, RefusedError } from '../qcow2/errors';
import { kindOf } from '../qcow2/io/localFile';
import { loadAttributes } from '../qcow2/io/native';
import { lockForSave, type SaveLocks } from '../qcow2/io/qemuLocks';
import { systemCode, systemMessage } from '../qcow2/io/systemError';
import type { ProblemCode } from '../qcow2/problemText';
import { localDisk } from '../qcow2/save/localDisk';
import type { HostOffset } from '../qcow2/units';

/** Most links that are followed before a name counts as dangling; the limit of Linux. */
const MOST_LINKS = 40;
/** The permission bits of a mode. */
const PERMISSIONS = 0o777;
const ALL_MODE_BITS = 0o7777;
/** Mode of the unfinished file: private. */
const UNFINISHED_MODE = 0o600;

export interface WholeFileOptions {
  /** Problem code for a failure of the system. */
  readonly failure: ProblemCode;
  /** Permission bits of a new file; default: those that the system gives new files. */
  readonly newMode?: number;
  /** Allows replacing a file where locks of other programs cannot be seen. */
  readonly trustsUnseenLocks?: boolean;
}

export class WholeFile {
  readonly #options: WholeFileOptions;
  readonly #before: BigIntStats | undefined;
  readonly #locks: SaveLocks | undefined;
  readonly #unfinished: string;
  #descriptor: number | undefined;

  /**
   * Creates an unfinished file; `finish` or `discard` must follow.
   * @param target as `resolveTarget` gives it
   * @throws RefusedError for obstacles to changing the existing file, `replace.owner` if the owner could not be kept;
   *   FileError
   */
  constructor(
    readonly target: string,
    options: WholeFileOptions,
  ) {
    this.#options = options;
    this.#before = statsOf(target);
    if (hasJournal(target)) throw new RefusedError(target, 'journal.exists', { value: journalOf(target) });
    if (this.#before !== undefined) refuseReplacing(target, this.#before, options);
    this.#locks = this.#before === undefined ? undefined : heldLocks(target);
    this.#unfinished = `${target}.${randomName(4)}.part`;
    try {
      const mode = this.#before === undefined && options.newMode === undefined ? 0o666 : UNFINISHED_MODE;
      this.#descriptor = this.#attempt(() => openSync(this.#unfinished, 'wx+', mode));
      this.#dress();
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** Writes all of `bytes`. @throws FileError */
  write(bytes: Uint8Array, offset: HostOffset): void {
    const descriptor = this.#open();
    this.#attempt(() => {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
      }
    });
  }

  /** Runs a system call on the unfinished file. @throws FileError */
  call<T>(use: (descriptor: number) => T): T {
    const descriptor = this.#open();
    return this.#attempt(() => use(descriptor));
  }

  /** Shares the bytes of another file (reflink). @returns false if the file system cannot; then nothing is written */
  clone(source: string): boolean {
    const clone = `${this.#unfinished}.clone`;
    try {
      copyFileSync(source, clone, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    } catch {
      return false;
    }
    try {
      this.#attempt(() => {
        renameSync(clone, this.#unfinished);
      });
    } catch (error) {
      remove(clone);
      throw error;
    }
    this.#close();
    this.#descriptor = this.#attempt(() => openSync(this.#unfinished, 'r+'));
    this.#dress();
    return true;
  }

  /**
   * Moves the file to its place, and returns once that is on stable storage.
   * @throws RefusedError `guard.changed` if the file there has changed; FileError
   */
  finish(): void {
    this.call(fsyncSync);
    this.#close();
    if (!isSame(this.#before, statsOf(this.target))) throw new RefusedError(this.target, 'guard.changed');
    this.#attempt(() => {
      renameSync(this.#unfinished, this.target);
    });
    this.#locks?.release();
    localDisk.flushFolder(dirname(this.target));
  }

  /** Deletes the unfinished file; the existing one stays. Never throws. */
  discard(): void {
    this.#close();
    remove(this.#unfinished);
    this.#locks?.release();
  }

  #open(): number {
    if (this.#descriptor === undefined) throw new FileError(this.target, 'file.closed');
    return this.#descriptor;
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** Sets owner and mode before anything is written to it. */
  #dress(): void {
    // Files there have neither.
    if (process.platform === 'win32') return;
    const descriptor = this.#open();
    const { newMode } = this.#options;
    const before = this.#before;
    if (before === undefined) {
      if (newMode === undefined) return;
      try {
        fchmodSync(descriptor, newMode & PERMISSIONS);
      } catch {
        // The file system has no permissions, or the same ones for all files.
      }
      return;
    }
    const [user, group, mode] = ownership(before);
    let why = 'the file system does not keep them';
    try {
      const [ownUser, ownGroup] = ownership(fstatSync(descriptor, { bigint: true }));
      if (user !== ownUser || group !== ownGroup) fchownSync(descriptor, user, group);
      // After `chown`, which clears some mode bits.
      fchmodSync(descriptor, mode);
    } catch (error) {
      why = systemMessage(error);
    }
    const now = ownership(fstatSync(descriptor, { bigint: true }));
    if ([user, group, mode].some((value, index) => value !== now[index])) {
      throw new RefusedError(this.target, 'replace.owner', { value: `${user}:${group}`, name: why });
    }
    keepAttributes(this.target, descriptor);
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof EngineError || systemCode(error) === undefined) throw error;
      throw new FileError(this.target, this.#options.failure, { value: systemMessage(error) });
    }
  }
}

/** The extended attribute of Linux for the access control list, whose mask is in the group bits of the mode. */
const ACCESS_LIST = 'system.posix_acl_access';

/**
 * Copies the access control list and the user attributes of another file, and removes what the file inherited from its
 * folder, so that no one gains rights on it. Its mode is already set.
 * @throws RefusedError `replace.attribute`
 */
function keepAttributes(from: string, descriptor: number): void {
  const attributes = loadAttributes();
  const names = attributes?.names(from);
  if (attributes === null || names === undefined) return;
  if (!names.includes(ACCESS_LIST)) attributes.remove(descriptor, ACCESS_LIST);
  for (const name of names) {
    if (name !== ACCESS_LIST && !name.startsWith('user.')) continue;
    const value = attributes.get(from, name);
    if (value === undefined || attributes.set(descriptor, name, value) === 'done') continue;
    throw new RefusedError(from, 'replace.attribute', { name });
  }
}

/** Resolves links, also to a file that does not exist yet, so that writing goes through them. */
export function resolveTarget(path: string): string {
  let name = resolve(path);
  for (let links = 0; links < MOST_LINKS; links++) {
    try {
      return realpathSync(name);
    } catch {
      const place = join(realFolder(dirname(name)), basename(name));
      try {
        name = resolve(dirname(place), readlinkSync(place));
      } catch {
        return place;
      }
    }
  }
  return name;
}

/** Whether two names refer to the same file. */
export function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => {
    try {
      return statsOf(realpathSync(path));
    } catch {
      return undefined;
    }
  });
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino;
}

function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

/** @throws FileError if there is something other than a regular file */
function statsOf(path: string): BigIntStats | undefined {
  let stats: BigIntStats;
  try {
    stats = lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
  if (!stats.isFile()) throw new FileError(path, 'file.notRegular', { what: kindOf(stats) });
  return stats;
}

function refuseReplacing(target: string, stats: BigIntStats, options: WholeFileOptions): void {
  for (const { severity, problem } of pathObstacles(target, Number(stats.nlink))) {
    if (severity === 'refuse' || options.trustsUnseenLocks !== true) throw new EngineError(problem);
  }
}

/** Keeps QEMU from opening the file until it is replaced. Where locks can only be seen, nothing is kept open. */
function heldLocks(target: string): SaveLocks | undefined {
  const locks = lockForSave(target);
  if (locks.areHeld) return locks;
  locks.release();
  return undefined;
}

const ownership = ({ uid, gid, mode }: BigIntStats): readonly [number, number, number] => [
  Number(uid),
  Number(gid),
  Number(mode) & ALL_MODE_BITS,
];

function isSame(before: BigIntStats | undefined, now: BigIntStats | undefined): boolean {
  if (before === undefined || now === undefined) return before === now;
  return (
    before.dev === now.dev &&
    before.ino === now.ino &&
    before.size === now.size &&
    before.mtimeNs === now.mtimeNs
  );
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It never existed.
  }
}
