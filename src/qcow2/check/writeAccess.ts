/**
 * Whether the files of an image may be written now, as far as the system tells: names, permissions, mounts, locks of
 * other programs. Cheap enough to be asked every few seconds: no file is read, and nothing is locked or changed.
 */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError, RefusedError, type Problem } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import type { BlockFile } from '../io/blockFile';
import { LocalFile } from '../io/localFile';
import type { LockHolder } from '../io/locks';
import { findHolder, heldError } from '../io/qemuLocks';
import { systemCode, systemMessage } from '../io/systemError';
import type { ProblemCode } from '../problemText';

export interface WriteAccess {
  /** Why the image cannot be written, regardless of other programs. */
  readonly readOnly?: Problem;
  /** Another program has the image open and forbids writing it meanwhile. */
  readonly held?: HeldFile;
}

export interface HeldFile {
  /** The program, as far as it can be seen; its name is data of another program. */
  readonly holder: LockHolder;
  readonly problem: Problem;
}

/** @param image as it is on disk; one that is not on local files has no limits that could be seen */
export function writeAccessOf(image: Qcow2Image): WriteAccess {
  const names = writtenFiles(image).flatMap((file) => (file instanceof LocalFile ? [file.name] : []));
  const [readOnly] = names.flatMap((name) => whereKnown(() => fileRefusals(name)) ?? []);
  const [held] = names.flatMap((name) => whereKnown(() => heldFile(name)) ?? []);
  return {
    ...(readOnly === undefined ? {} : { readOnly: readOnly.problem }),
    ...(held === undefined ? {} : { held }),
  };
}

/** The files that a save of the image writes. */
export function writtenFiles({ file, dataFile, isDataFileOpen }: Qcow2Image): BlockFile[] {
  return dataFile !== file && isDataFileOpen ? [file, dataFile] : [file];
}

/**
 * Why a save cannot write a file, or its journal beside it; a read-only mount is named once for both.
 * @throws the system's error when the file cannot be looked at
 */
export function fileRefusals(name: string): RefusedError[] {
  const target = realpathSync(name);
  const found = pathRefusals(name, statSync(target).nlink);
  const folder = permissionRefusals(name, dirname(target), 'guard.folderReadOnly');
  const isSaid = ({ problem }: RefusedError): boolean =>
    found.some((one) => one.problem.code === problem.code);
  return [...found, ...folder.filter((refusal) => !isSaid(refusal))];
}

/**
 * Why a regular file cannot be written or replaced, apart from its folder.
 * @param links names that the file has
 */
export function pathRefusals(name: string, links: number): RefusedError[] {
  return [
    ...(links > 1 ? [new RefusedError(name, 'guard.hardLinks', { value: links })] : []),
    ...permissionRefusals(name, name, 'guard.fileReadOnly'),
  ];
}

function permissionRefusals(name: string, target: string, code: ProblemCode): RefusedError[] {
  try {
    accessSync(target, constants.W_OK);
    return [];
  } catch (error) {
    if (systemCode(error) === 'EROFS') return [new RefusedError(name, 'guard.mountedReadOnly')];
    return [new RefusedError(name, code, { value: systemMessage(error) })];
  }
}

function heldFile(name: string): HeldFile | undefined {
  const holder = findHolder(name);
  return holder === undefined ? undefined : { holder, problem: heldError(name, holder).problem };
}

/** Of a file that is gone or cannot be looked at, nothing is known here: reading it again says what is wrong. */
function whereKnown<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof EngineError || systemCode(error) !== undefined) return undefined;
    throw error;
  }
}
