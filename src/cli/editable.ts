/** What all verbs that change an image share: recovery of an interrupted save, guards, one atomic save. */
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { overlaysBeside } from '../qcow2/chain/overlaysBeside';
import type { Obstacle } from '../qcow2/check/obstacles';
import { EditableImage } from '../qcow2/edit/editableImage';
import { recoverImage } from '../qcow2/edit/interrupted';
import { describeProblem } from '../qcow2/describeProblem';
import { listed, printable } from '../text/printable';
import { printError } from './output';
import type { ProgressBar } from './progressBar';
import { RECOVERY_WORDS } from './recover';
import type { Surroundings } from './arguments';
import { asError } from './verb';

const GATE = { followsNames: true, usesProcessFolder: true };

/**
 * Opens an image to be changed, and hands it over. A save that was interrupted is finished first.
 * @throws EngineError
 */
export function withEditable<T>(
  path: string,
  args: Surroundings,
  use: (image: EditableImage, progress: ProgressBar) => T,
): T {
  const outcome = recoverImage(path, GATE);
  if (outcome !== 'none') warn(path, RECOVERY_WORDS[outcome]);
  return openEditable(path, args, use);
}

/**
 * The same without a look at a save that was interrupted, for what changes nothing on disk.
 * @throws EngineError
 */
export function openEditable<T>(
  path: string,
  args: Surroundings,
  use: (image: EditableImage, progress: ProgressBar) => T,
): T {
  // The file is created exclusively, so its name need not be hard to guess; node:crypto takes long to load.
  const scratchPath = join(tmpdir(), `qcow2-${process.pid}-${process.hrtime.bigint().toString(36)}`);
  const image = EditableImage.open(path, { ...GATE, scratchPath });
  const progress = args.progress();
  try {
    return use(image, progress);
  } finally {
    progress.clear();
    image.close();
  }
}

/** Which external data file may be written: only one in the image's folder, any, or (`unwritten`) the verb writes none. */
export type DataFileUse = 'unwritten' | 'beside' | 'anywhere';

/** Prints the obstacles that only ask for care. @throws EngineError for one that forbids the change */
export function refuseObstacles(obstacles: readonly Obstacle[], use: DataFileUse): void {
  for (const { severity, problem } of obstacles) {
    if (severity === 'refuse') throw asError(problem);
    if (problem.code === 'dataFile.elsewhere' && use === 'beside') {
      throw asError({ ...problem, code: 'dataFile.notAllowed' });
    }
    if (!problem.code.startsWith('dataFile.')) warn(problem.file, describeProblem(problem));
  }
}

/**
 * Prints what to know before a change. The refcounts of an image that was not closed properly are rebuilt first: that is
 * staged, and saved with the change.
 * @throws EngineError for an obstacle that forbids the change
 */
export function prepareChange(image: EditableImage, use: DataFileUse, progress: ProgressBar): void {
  const isRebuilt = !image.repairObstacles().some(isRefusal) && image.rebuildDirtyRefcounts('', progress);
  refuseObstacles(image.obstacles(progress), use);
  if (isRebuilt) {
    progress.clear();
    warn(image.onDisk.top.file.name, 'Not closed properly (dirty): its refcounts are rebuilt first');
  }
}

const isRefusal = ({ severity }: Obstacle): boolean => severity === 'refuse';

/**
 * Names on standard error the images that use this one as their backing file: their content changes with it. The command
 * line has no index, so it looks only in the image's own folder.
 */
export function warnOfOverlays(path: string): void {
  const { paths, unreadable } = overlaysBeside(path);
  const used =
    'used as the backing file of other images; changing it changes what they show, or corrupts them';
  if (paths.length > 0) warn(path, `${used}: ${listed(paths.map((file) => basename(file)))}`);
  if (unreadable.length > 0) {
    warn(
      path,
      `other images may use it as their backing file, but cannot be read: ${listed(unreadable.map((file) => basename(file)))}`,
    );
  }
}

/** @throws EngineError; the image is as it was then */
export function saveImage(image: EditableImage, progress: ProgressBar): void {
  const { leftover } = image.save({ progress, keepsUndo: false });
  progress.clear();
  if (leftover !== undefined) warn(leftover.file, describeProblem(leftover));
}

/** Prints a warning about a file on standard error. */
export const warn = (file: string, words: string): void => {
  printError(`qcow2: ${printable(file)}: ${words}\n`);
};
