/**
 * Locks of other processes on an image, as Linux lists them in /proc/locks; elsewhere, and for other machines on a
 * network file system, nothing is seen. What the bytes mean is said in qemuLocks.ts.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { FileIdentity } from './localFile';

/** Bytes of a program's name in /proc/PID/comm, at most. */
const SHORT_NAME = 15;

export interface LockHolder {
  /** Absent where another user's process cannot be looked at. */
  readonly pid?: number;
  /** The program's name. */
  readonly program?: string;
}

/** Which file; its path may have come to mean another. */
export type FilePlace = Pick<FileIdentity, 'device' | 'inode'>;

/** Whether this system lists locks. */
export const listsLocks = (): boolean => existsSync('/proc/locks');

/** The process that has a lock on any of `bytes`, where one can be seen; this one's own locks do not count. */
export function findLockOwner(
  { device, inode }: FilePlace,
  bytes: readonly number[],
): LockHolder | undefined {
  const lines = readText('/proc/locks').split('\n');
  // File systems with several devices behind one mount list another number than stat tells: then a holder has to be
  // found among the processes before it counts.
  const sameInode = lines.filter((line) => line.includes(`:${inode} `) && covers(line, bytes));
  if (sameInode.length === 0) return undefined;
  const owner = findProcess(device, inode, bytes);
  if (owner !== undefined) return owner === 'self' ? undefined : owner;
  const place = ` ${deviceText(device)}:${inode} `;
  return sameInode.some((line) => line.includes(place)) ? {} : undefined;
}

/** `1: OFDLCK ADVISORY  READ -1 fe:00:2279007 100 101`; a process that still waits for a lock has `->` in it. */
function covers(line: string, bytes: readonly number[]): boolean {
  if (line.includes('->')) return false;
  const [first, last] = line.trimEnd().split(' ').slice(-2);
  return bytes.some((byte) => Number(first) <= byte && (last === 'EOF' || Number(last) >= byte));
}

/** Looks for a process with the file open and the lock on it; for this one only if there is no other. */
function findProcess(
  device: bigint,
  inode: bigint,
  bytes: readonly number[],
): LockHolder | 'self' | undefined {
  let isOwn = false;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of list(`/proc/${pid}/fd`)) {
      if (!isFile(`/proc/${pid}/fd/${descriptor}`, device, inode)) continue;
      const locks = readText(`/proc/${pid}/fdinfo/${descriptor}`).split('\n');
      if (!locks.some((line) => line.startsWith('lock:') && covers(line, bytes))) continue;
      if (Number(pid) === process.pid) {
        isOwn = true;
        continue;
      }
      const program = programOf(pid);
      return { pid: Number(pid), ...(program === '' ? {} : { program }) };
    }
  }
  return isOwn ? 'self' : undefined;
}

/** The kernel keeps 15 bytes of a program's name: `qemu-system-x86` of `qemu-system-x86_64`. */
function programOf(pid: string): string {
  const name = readText(`/proc/${pid}/comm`).trim();
  if (name.length < SHORT_NAME) return name;
  const whole = basename(linkTarget(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ''));
  return whole.startsWith(name) ? whole : name;
}

/** Empty where there is no such link, or it may not be read. */
function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
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
