/**
 * Whether a running process holds an image for writing. QEMU takes advisory read locks on single bytes of the file
 * (block/file-posix.c, "Posix file locking"): byte 100 + n says that it uses permission n, and permission 1 is
 * writing. Linux lists all locks in /proc/locks; elsewhere, and for other machines on a network file system, nothing
 * is seen.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { FileIdentity } from './localFile';

/** The byte that a process which may write the image holds a lock on. */
const WRITE_BYTE = 101;

export interface LockHolder {
  /** Absent where another user's process cannot be looked at. */
  readonly pid?: number;
  /** The program's short name. */
  readonly program?: string;
}

/** The process that may write the file, where one can be seen. */
export function findWriter({
  device,
  inode,
}: Pick<FileIdentity, 'device' | 'inode'>): LockHolder | undefined {
  const lines = readText('/proc/locks').split('\n');
  // File systems with several devices behind one mount list another number than stat tells: then a holder has to be
  // found among the processes before it counts.
  const sameInode = lines.filter((line) => isWriteLock(line) && line.includes(`:${inode} `));
  if (sameInode.length === 0) return undefined;
  const owner = findOwner(device, inode);
  if (owner !== undefined) return owner;
  const place = ` ${deviceText(device)}:${inode} `;
  return sameInode.some((line) => line.includes(place)) ? {} : undefined;
}

/** `1: OFDLCK ADVISORY  READ -1 fe:00:2279007 100 101`; a process that still waits for a lock has `->` in it. */
function isWriteLock(line: string): boolean {
  if (line.includes('->')) return false;
  const [first, last] = line.trimEnd().split(' ').slice(-2);
  return Number(first) <= WRITE_BYTE && (last === 'EOF' || Number(last) >= WRITE_BYTE);
}

/** Looks for a process with the file open and the lock on it. */
function findOwner(device: bigint, inode: bigint): LockHolder | undefined {
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of list(`/proc/${pid}/fd`)) {
      if (!isFile(`/proc/${pid}/fd/${descriptor}`, device, inode)) continue;
      const locks = readText(`/proc/${pid}/fdinfo/${descriptor}`).split('\n');
      if (!locks.some((line) => line.startsWith('lock:') && isWriteLock(line))) continue;
      const program = readText(`/proc/${pid}/comm`).trim();
      return { pid: Number(pid), ...(program === '' ? {} : { program }) };
    }
  }
  return undefined;
}

function isFile(path: string, device: bigint, inode: bigint): boolean {
  try {
    const stats = statSync(path, { bigint: true });
    return stats.dev === device && stats.ino === inode;
  } catch {
    return false;
  }
}

/** `major:minor` as /proc/locks writes it: hexadecimal, two digits at least. */
function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}`;
}

/** Empty where there is no such file, or it may not be read. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
