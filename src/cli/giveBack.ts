/**
 * `qcow2 give-back`: gives the space that nothing in the image uses back to the file system. Not to be undone, but then
 * nothing that anybody reads is changed; `--dry-run` says what it would come to.
 */
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import { qemuJson, type JsonValue } from '../text/qemuJson';
import { silent } from '../qcow2/progress';
import { sizeText } from '../text/sizeText';
import { measureFreeSpace, type FreeSpace } from '../qcow2/space/freeSpace';
import type { GivenBack } from '../qcow2/space/giveBack';
import { prepareChange, saveImage, warn, withEditable } from './editable';
import { outputForm, readArguments, withChain, type Arguments, type Verb } from './verb';

const EXIT_STOPPED = 1;

export const giveBack: Verb = {
  name: 'give-back',
  usage: '[--dry-run] [--output=human|json] FILE',
  run: (argv) => {
    const options = { 'dry-run': { type: 'boolean' }, output: { type: 'string' } } as const;
    const args = readArguments(argv, ['FILE'], options);
    const isJson = outputForm(args) === 'json';
    const path = args.operands[0]!;
    if (args.flag('dry-run')) {
      const space = withChain(path, true, ({ top }) => measureFreeSpace(top, silent));
      print(args, isJson ? spaceJson(path, space) : spaceText(space));
      warnOfWhatStays(path, space);
      return undefined;
    }
    const given = withEditable(path, args, (image, progress) => {
      prepareChange(image, 'unwritten', progress);
      // Space is given back of what is on disk.
      if (image.edits.unsaved > 0) saveImage(image, progress);
      return image.giveBack(progress);
    });
    print(args, isJson ? givenJson(path, given) : givenText(given));
    warnOfWhatStays(path, given);
    if (given.leftover !== undefined) warn(path, describeProblem(given.leftover));
    if (given.stopped === undefined) return undefined;
    warn(path, describeProblem(given.stopped));
    return EXIT_STOPPED;
  },
};

function print(args: Arguments, what: JsonValue): void {
  const text = typeof what === 'string' ? `give-back: ${what}` : qemuJson(what);
  args.output.write(Buffer.from(`${text}\n`));
}

function warnOfWhatStays(path: string, { canMakeHoles, dataFile }: FreeSpace | GivenBack): void {
  if (!canMakeHoles) warn(path, 'holes cannot be made here: only the end of the file can be given back');
  if (dataFile === undefined) return;
  const name = printable(dataFile);
  warn(path, `its external data file ${name} is left as it is: nothing says what of it is not in use`);
}

function spaceText({ freeBytes, storedBytes, isUpperBound, fileSize, newFileSize }: FreeSpace): string {
  if (freeBytes === 0) return 'all of the file is in use';
  const stored = `${isUpperBound ? 'at most ' : ''}${sizeText(storedBytes)}`;
  return (
    `${sizeText(freeBytes)} of the file are not in use, with ${stored} of storage behind them; ` +
    `${newFileSize === fileSize ? 'its length would stay' : `its length would be ${newFileSize} instead of`} ` +
    `${fileSize} bytes`
  );
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
  return (
    `${sizeText(back)} given back; ${sizeText(after.allocatedBytes)} of storage are left; ` +
    `the file is ${after.fileSize} bytes long${
      after.fileSize === before.fileSize ? ' as before' : `, it was ${before.fileSize}`
    }`
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
