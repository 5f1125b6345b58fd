/**
 * What stands in the way of changing an image, all of it at once: looked at before the first staged edit and again
 * before a save (ARCHITECTURE.md, "Guards"). Nothing here changes or locks anything.
 */
import { realpathSync } from 'node:fs';
import * as path from 'node:path';
import { CancelledError, EngineError, FileError, FormatError, RefusedError, type Problem } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import type { BlockFile } from '../io/blockFile';
import { LocalFile } from '../io/localFile';
import { findHolder, heldError, lockSight, type LockSight } from '../io/qemuLocks';
import { systemCode, systemMessage } from '../io/systemError';
import type { ProblemCode } from '../problemText';
import { silent, type Progress } from '../progress';
import { checkImage } from './checkImage';
import { isSound } from './checkReport';
import { fileRefusals, pathRefusals, writtenFiles } from './writeAccess';

export interface Obstacle {
  /** `refuse`: nothing can be changed as long as it is there. `ask`: a person may say so all the same. */
  readonly severity: 'refuse' | 'ask';
  readonly problem: Problem;
  /** It is what a repair is for: it stands in the way of every change but that. */
  readonly isDamage?: boolean;
}

export interface LookOptions {
  readonly progress?: Progress;
  /** The full check has found the image sound, and the file has not changed since. */
  readonly isKnownSound?: boolean;
  /** The image as it will be, where it was repaired and not saved yet: what is wrong with it is looked for there. */
  readonly staged?: Qcow2Image;
}

/**
 * Everything that stands in the way, what refuses first.
 * @param image as it is on disk, on local files
 * @throws CancelledError
 */
export function findObstacles(
  image: Qcow2Image,
  { progress = silent, isKnownSound = false, staged = image }: LookOptions = {},
): Obstacle[] {
  const found = [
    ...featureObstacles(staged),
    ...writtenFiles(image).flatMap(fileObstacles),
    ...dataFileQuestions(image),
    ...(isKnownSound ? [] : soundnessObstacles(staged, progress)),
  ];
  const isRefusal = ({ severity }: Obstacle): boolean => severity === 'refuse';
  return [...found.filter(isRefusal), ...found.filter((obstacle) => !isRefusal(obstacle))];
}

const refuse = (error: EngineError): Obstacle => ({ severity: 'refuse', problem: error.problem });
const damage = (problem: Problem): Obstacle => ({ severity: 'refuse', problem, isDamage: true });
const ask = (error: EngineError): Obstacle => ({ severity: 'ask', problem: error.problem });

/** What the header says, and what of the image cannot be read. Encryption is refused where guest data is written. */
function featureObstacles(image: Qcow2Image): Obstacle[] {
  const { file, features, dataFileProblem, faults } = image;
  const found: Obstacle[] = [];
  if (features.corrupt) found.push(damage(new FormatError(file.name, 'guard.corrupt').problem));
  if (features.dirty) found.push(damage(new FormatError(file.name, 'guard.dirty').problem));
  // A repair can do nothing about what keeps QEMU from opening the image even for that.
  for (const { problem, blocks } of faults) {
    found.push({ severity: 'refuse', problem, isDamage: blocks !== 'repair' });
  }
  if (dataFileProblem !== undefined) found.push({ severity: 'refuse', problem: dataFileProblem });
  else if (!image.isDataFileOpen) {
    const facts = { value: image.dataFileName ?? '' };
    found.push(refuse(new RefusedError(file.name, 'dataFile.notOpen', facts)));
  }
  return found;
}

/**
 * Another file is written along with the image, and it is the image that names it: a stranger's may name any file. Its
 * full path is shown, and a person says whether that is meant.
 */
function dataFileQuestions({ file, dataFile, hasDataFile, isDataFileOpen }: Qcow2Image): Obstacle[] {
  if (!hasDataFile || !isDataFileOpen) return [];
  try {
    const value = realpathSync(dataFile.name);
    const way = path.relative(path.dirname(realpathSync(file.name)), value);
    const isBelow = way.split(path.sep)[0] !== '..' && !path.isAbsolute(way);
    return [ask(new RefusedError(file.name, isBelow ? 'dataFile.beside' : 'dataFile.elsewhere', { value }))];
  } catch (error) {
    return [refuse(asEngineError(dataFile.name, error))];
  }
}

/** What the system says of a file that would be written. */
function fileObstacles(file: BlockFile): Obstacle[] {
  if (!(file instanceof LocalFile)) return [refuse(new RefusedError(file.name, 'guard.notLocal'))];
  const found: Obstacle[] = [];
  if (file.hasChanged()) found.push(refuse(new RefusedError(file.name, 'guard.changed')));
  try {
    found.push(...fileRefusals(file.name).map(refuse), ...lockObstacles(file.name));
  } catch (error) {
    found.push(refuse(asEngineError(file.name, error)));
  }
  return found;
}

/**
 * What the system says of a regular file that is to be written or replaced.
 * @param links names that the file has
 * @throws FileError
 */
export function pathObstacles(name: string, links: number): Obstacle[] {
  return [...pathRefusals(name, links).map(refuse), ...lockObstacles(name)];
}

/** What is asked where locks do not tell everything. */
const UNSURE: Readonly<Partial<Record<LockSight, ProblemCode>>> = {
  listed: 'lock.notTaken',
  network: 'lock.network',
  unseen: 'lock.unseen',
};

function lockObstacles(name: string): Obstacle[] {
  const holder = findHolder(name);
  if (holder !== undefined) return [refuse(heldError(name, holder))];
  const unsure = UNSURE[lockSight(name)];
  return unsure === undefined ? [] : [ask(new RefusedError(name, unsure))];
}

/** Refcounts that are too low would let data be overwritten; leaks cost space and nothing else. */
function soundnessObstacles(image: Qcow2Image, progress: Progress): Obstacle[] {
  const { name } = image.file;
  try {
    const report = checkImage(image, progress);
    if (isSound(report)) return [];
    const { corruptions, checkErrors, defects } = report;
    const worst = report.findings.find(({ severity }) => severity !== 'leak');
    const offset = worst?.at ?? worst?.host ?? 0;
    const facts = { value: corruptions + checkErrors + defects, offset };
    return [damage(new FormatError(name, 'guard.unsound', facts).problem)];
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return [refuse(asEngineError(name, error))];
  }
}

/** What the system refused, by name; anything else is a fault of this program and goes on. */
function asEngineError(name: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (systemCode(error) === undefined) throw error;
  return new FileError(name, 'file.open', { value: systemMessage(error) });
}
