/**
 * `qcow2 give-back`: returns space that nothing in the image uses to the file system. It cannot be undone, but what guests
 * and snapshots read does not change. `--dry-run` only says how much it would be.
 */
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import type { ByteSink } from '../text/byteWriter';
import { qemuJson, type JsonValue } from '../text/qemuJson';
import { silent } from '../qcow2/progress';
import { sizeText } from '../text/sizeText';
import { measureFreeSpace, type FreeSpace } from '../qcow2/space/freeSpace';
import type { GivenBack } from '../qcow2/space/giveBack';
import { prepareChange, saveImage, warn, withEditable } from './editable';
import { type Run, withChain } from './verb';

const EXIT_STOPPED = 1;

export const giveBack: Run<'give-back'> = (args) => {
  const { operands, options, output } = args;
  const isJson = options.output === 'json';
  const path = operands.FILE;
  if (options['dry-run']) {
    const space = withChain(path, true, ({ top }) => measureFreeSpace(top, silent));
    print(output, isJson ? spaceJson(path, space) : spaceText(space));
    warnOfWhatStays(path, space);
    return undefined;
  }
  const given = withEditable(path, args, (image, progress) => {
    prepareChange(image, 'unwritten', progress);
    // Only space that is free on disk can be returned: rebuilt refcounts are saved first.
    if (image.edits.unsaved > 0) saveImage(image, progress);
    return image.space.giveBack(progress);
  });
  print(output, isJson ? givenJson(path, given) : givenText(given));
  warnOfWhatStays(path, given);
  if (given.leftover !== undefined) warn(path, describeProblem(given.leftover));
  if (given.stopped === undefined) return undefined;
  warn(path, describeProblem(given.stopped));
  return EXIT_STOPPED;
};

function print(output: ByteSink, what: JsonValue): void {
  const text = typeof what === 'string' ? `give-back: ${what}` : qemuJson(what);
  output.write(Buffer.from(`${text}\n`));
}

function warnOfWhatStays(path: string, { canMakeHoles, dataFile }: FreeSpace | GivenBack): void {
  if (!canMakeHoles) warn(path, 'holes cannot be made here: only the end of the file can be given back');
  if (dataFile === undefined) return;
  const name = printable(dataFile);
  warn(
    path,
    `its external data file ${name} is left as it is: the image does not say which parts of it are unused`,
  );
}

function spaceText({ freeBytes, storedBytes, isUpperBound, fileSize, newFileSize }: FreeSpace): string {
  if (freeBytes === 0) return 'all of the file is in use';
  const stored = `${isUpperBound ? 'at most ' : ''}${sizeText(storedBytes)}`;
  const length =
    newFileSize === fileSize ? `stay ${fileSize} bytes` : `change from ${fileSize} to ${newFileSize} bytes`;
  return `${sizeText(freeBytes)} of the file are unused and take ${stored} of storage; its length would ${length}`;
}

const spaceJson = (filename: string, space: FreeSpace): JsonValue => ({
  filename,
  'free-bytes': space.freeBytes,
  'stored-bytes': space.storedBytes,
  'is-upper-bound': space.isUpperBound,
  'can-make-holes': space.canMakeHoles,
  'actual-size': space.allocatedBytes,
  'file-size': space.fileSize,
  'new-file-size': space.newFileSize,
  'data-file': space.dataFile,
});

function givenText({ changed, before, after }: GivenBack): string {
  if (!changed) return 'nothing to give back';
  const back = Math.max(0, before.allocatedBytes - after.allocatedBytes);
  const length = after.fileSize === before.fileSize ? 'as before' : `was ${before.fileSize}`;
  return (
    `${sizeText(back)} given back; the file takes ${sizeText(after.allocatedBytes)} of storage and is ` +
    `${after.fileSize} bytes long (${length})`
  );
}

const givenJson = (filename: string, given: GivenBack): JsonValue => ({
  filename,
  changed: given.changed,
  'can-make-holes': given.canMakeHoles,
  'hole-bytes': given.holeBytes,
  'actual-size': given.before.allocatedBytes,
  'new-actual-size': given.after.allocatedBytes,
  'file-size': given.before.fileSize,
  'new-file-size': given.after.fileSize,
  'data-file': given.dataFile,
  stopped: given.stopped === undefined ? undefined : describeProblem(given.stopped),
});
