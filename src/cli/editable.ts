/** What all verbs that change an image do before and after: an interrupted save first, guards, one atomic save. */
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
import { asError, type Arguments } from './verb';

/**
 * Opens an image to be changed, and hands it over. A save that was interrupted is finished first.
 * @throws EngineError
 */
export function withEditable<T>(
  path: string,
  args: Arguments,
  use: (image: EditableImage, progress: ProgressBar) => T,
): T {
  const gate = { followsNames: true, usesProcessFolder: true };
  const outcome = recoverImage(path, gate);
  if (outcome !== 'none') warn(path, RECOVERY_WORDS[outcome]);
  // It is made exclusively, so it need not be hard to guess; and what makes random names takes long to load.
  const scratchPath = join(tmpdir(), `qcow2-${process.pid}-${process.hrtime.bigint().toString(36)}`);
  const image = EditableImage.open(path, { ...gate, scratchPath });
  const progress = args.progress();
  try {
    return use(image, progress);
  } finally {
    progress.clear();
    image.close();
  }
}

/** For verbs that write guest data. */
export const DATA_FILE_OPTION = { 'allow-external-data-file': { type: 'boolean' } } as const;
export const DATA_FILE_USAGE = '[--allow-external-data-file]';

/**
 * Which external data file may be written: one in the image's folder, or any; `unwritten` for verbs that leave it alone,
 * so that there is nothing to allow.
 */
export type DataFileUse = 'unwritten' | 'beside' | 'anywhere';

export const dataFileUse = (args: Arguments): DataFileUse =>
  args.flag('allow-external-data-file') ? 'anywhere' : 'beside';

/** Says what a person should know. @throws EngineError for what refuses */
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
 * Says what a person should know before a change. The refcounts of an image that was not closed properly are rebuilt
 * first: that is staged, and saved with the change.
 * @throws EngineError for what refuses
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
 * Says on standard error which images use this one as their backing file: what they show changes with it. Without an
 * index only its own folder tells.
 */
export function warnOfOverlays(path: string): void {
  const { paths, unreadable } = overlaysBeside(path);
  const used =
    'used as the backing file of other images; changing it changes what they show, or corrupts them';
  if (paths.length > 0) warn(path, `${used}: ${listed(paths.map((file) => basename(file)))}`);
  if (unreadable.length > 0) {
    warn(
      path,
      `not known whether more images use it as their backing file; cannot be read: ${listed(unreadable.map((file) => basename(file)))}`,
    );
  }
}

/** @throws EngineError; the image is as it was then */
export function saveImage(image: EditableImage, progress: ProgressBar): void {
  const { leftover } = image.save({ progress, keepsUndo: false });
  progress.clear();
  if (leftover !== undefined) warn(leftover.file, describeProblem(leftover));
}

/** Says on standard error what a person should know of a file. */
export const warn = (file: string, words: string): void => {
  printError(`qcow2: ${printable(file)}: ${words}\n`);
};
