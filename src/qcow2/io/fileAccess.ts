/** Who may write a file, as far as its owner and its permission bits say so. */
import type { BigIntStats } from 'node:fs';

export interface FileAccess {
  readonly owner: number;
  readonly group: number;
  /** The permission bits. */
  readonly mode: number;
}

const ROOT = 0;
const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;

/** Undefined on Windows, where these numbers mean nothing. */
export const accessOf = ({ uid, gid, mode }: BigIntStats): FileAccess | undefined =>
  process.platform === 'win32'
    ? undefined
    : { owner: Number(uid), group: Number(gid), mode: Number(mode) & 0o777 };

/** The user that this process acts for; undefined where there is none. */
export const thisUser = (): number | undefined => process.geteuid?.();

/**
 * Whether `companion`, a file beside `file` that decides what becomes of it, may come from a user who may not write
 * `file` itself. Where there are no owners nothing is said against it.
 * @param user that this process acts for
 */
export function isEasierToWrite(
  companion: FileAccess | undefined,
  file: FileAccess | undefined,
  user: number | undefined,
): boolean {
  if (companion === undefined || file === undefined || user === undefined) return false;
  if (![file.owner, user, ROOT].includes(companion.owner)) return true;
  if ((file.mode & OTHERS_WRITE) !== 0) return false;
  if ((companion.mode & OTHERS_WRITE) !== 0) return true;
  const isSameGroup = companion.group === file.group && (file.mode & GROUP_WRITES) !== 0;
  return (companion.mode & GROUP_WRITES) !== 0 && !isSameGroup;
}
