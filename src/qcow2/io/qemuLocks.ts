/**
 * How QEMU processes keep out of each other's way, and we out of theirs (QEMU block/file-posix.c, "Posix file
 * locking"). A process takes advisory read locks on single bytes of the file: byte 100 + n says that it uses permission
 * n, byte 200 + n that it forbids it to others. Permissions: 0 consistent read, 1 write, 2 write unchanged, 3 resize.
 * A program that wants to use or to forbid one looks whether another open file has locked the byte that says the opposite.
 */
import { closeSync, constants, fstatSync, openSync, statfsSync } from 'node:fs';
import { FileError, RefusedError } from '../errors';
import { findLockOwner, listsLocks, type FilePlace, type LockHolder } from './locks';
import { loadLocks, type ByteLocks } from './native';
import { systemMessage } from './systemError';

const WRITE = 101;
const RESIZE = 103;
const FORBIDS_WRITE = 201;
/** The bytes that QEMU locks when it opens a qcow2 image for writing. */
const WRITER_BYTES = [100, WRITE, RESIZE, FORBIDS_WRITE, 203] as const;
/** A lock of another open file on any of these keeps a writer away: uses that it forbids, and forbids of its uses. */
const AGAINST_WRITER = [WRITE, RESIZE, 200, FORBIDS_WRITE, 203] as const;

/**
 * The process that may write the file, where one can be seen.
 * @throws FileError when the file cannot be opened
 */
export const findWriter = (path: string): LockHolder | undefined => findOwner(path, [WRITE]);

/**
 * The process that has the image open in such a way that no other may write it, where one can be seen: QEMU, be it
 * for reading (only `-U` allows others to write), or another save of this program.
 * @throws FileError when the file cannot be opened
 */
export const findHolder = (path: string): LockHolder | undefined => findOwner(path, AGAINST_WRITER);

/** The system is asked first where it can be: to list all locks it lets everything else wait, for milliseconds. */
function findOwner(path: string, bytes: readonly number[]): LockHolder | undefined {
  const locks = loadLocks();
  const descriptor = open(path);
  try {
    const answers = locks === null ? [] : bytes.map((byte) => locks.isHeld(descriptor, byte));
    if (answers.length > 0 && answers.every((answer) => answer === false)) return undefined;
    return findLockOwner(placeOf(descriptor), bytes) ?? (answers.includes(true) ? {} : undefined);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * - `held`: they can be seen and taken
 * - `listed`: they can be seen, but not taken: no program is kept from opening the image meanwhile
 * - `network`: other machines may have the file open, and their locks may not be seen
 * - `unseen`: nothing is known
 */
export type LockSight = 'held' | 'listed' | 'network' | 'unseen';

/** What can be known about locks on a file. */
export function lockSight(path: string): LockSight {
  if (isOnNetwork(path)) return 'network';
  if (loadLocks() !== null) return 'held';
  return listsLocks() ? 'listed' : 'unseen';
}

export interface SaveLocks {
  /** Whether QEMU is kept from opening the image for writing; where it is false, locks could only be looked at. */
  readonly areHeld: boolean;
  release(): void;
}

/**
 * Takes the locks that QEMU takes to write the image, until they are released.
 * @throws RefusedError `lock.held`, `lock.heldBySomebody` when another process forbids it; FileError
 */
export function lockForSave(path: string): SaveLocks {
  const locks = loadLocks();
  const descriptor = open(path);
  try {
    const taken = WRITER_BYTES.map((byte) => locks?.share(descriptor, byte) ?? 'failed');
    const areHeld = taken.every((result) => result === 'taken');
    // Taken first, looked at then: of two who come at once at least one sees the other.
    const isForbidden = taken.includes('held') || isForbiddenTo(locks, descriptor);
    const owner = isForbidden || !areHeld ? findLockOwner(placeOf(descriptor), AGAINST_WRITER) : undefined;
    if (isForbidden || owner !== undefined) throw heldError(path, owner);
    return { areHeld, release: releaser(descriptor) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * Forbids QEMU to write the file, as it does itself for a backing file, until the lock is released. Where locks cannot be
 * taken, it is only looked for a writer.
 * @throws RefusedError `lock.held`, `lock.heldBySomebody` when another process may write it; FileError
 */
export function lockAgainstWriters(path: string): { release(): void } {
  const descriptor = open(path);
  try {
    loadLocks()?.share(descriptor, FORBIDS_WRITE);
    // Taken first, looked at then: who comes in between sees it.
    const writer = findWriter(path);
    if (writer !== undefined) throw heldError(path, writer);
    return { release: releaser(descriptor) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Says who holds the file, as far as it is known. */
export function heldError(path: string, holder: LockHolder | undefined): RefusedError {
  if (holder?.pid === undefined) return new RefusedError(path, 'lock.heldBySomebody');
  const program = holder.program === undefined ? '' : `${holder.program}, `;
  return new RefusedError(path, 'lock.held', { value: `${program}pid ${holder.pid}` });
}

const isForbiddenTo = (locks: ByteLocks | null, descriptor: number): boolean =>
  locks !== null && AGAINST_WRITER.some((byte) => locks.isHeld(descriptor, byte) === true);

/** The locks are those of the descriptor: closing it releases them. */
function releaser(descriptor: number): () => void {
  let isOpen = true;
  return () => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
}

function open(path: string): number {
  try {
    // Windows has no O_NONBLOCK, whatever the type says.
    return openSync(path, constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0));
  } catch (error) {
    throw new FileError(path, 'file.open', { value: systemMessage(error) });
  }
}

function placeOf(descriptor: number): FilePlace {
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  return { device: dev, inode: ino };
}

/** statfs(2) `f_type` of file systems that other machines have open too, or may. */
const NETWORK_TYPES: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2
  0x01021997, // 9p
  0x00c36400, // Ceph
  0x65735546, // FUSE: sshfs and the like
  0x0bd00bd0, // Lustre
  0x01161970, // GFS2
  0x7461636f, // OCFS2
  0x5346414f, // AFS
]);

function isOnNetwork(path: string): boolean {
  if (process.platform !== 'linux') return false;
  try {
    // Some systems give the number as a signed one.
    return NETWORK_TYPES.has(statfsSync(path).type >>> 0);
  } catch {
    return false;
  }
}
