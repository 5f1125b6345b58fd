/** The verbs that change an image: each is one atomic save of one or several changes, or leaves the image as it is. */
import type { ChangeTally } from '../qcow2/change/tally';
import { EngineError } from '../qcow2/errors';
import { bytesOf } from '../text/byteCount';
import { printable } from '../text/printable';
import { guestOffset, plus } from '../qcow2/units';
import { type Arguments, readArguments, type Surroundings, UsageError } from './arguments';
import { discardRequest, type PlannedChange, writeRequest, zeroRequest } from './changeRequests';
import { BATCH_LINES } from './declarations/changing';
import type { DATA_FILE_OPTION, IMAGE } from './declarations/shared';
import { type DataFileUse, prepareChange, saveImage, warnOfOverlays, withEditable } from './editable';
import { suggestion } from './nearest';
import { forEachInputLine, readInput } from './standardInput';
import { sumOf, tallyText } from './tallyText';
import { LineError, requireComplete, type Run } from './verb';
import { prepareReading } from './prepareReading';

/** Guest bytes of one piece of `write`'s input; pieces end at multiples of it, and of all cluster sizes. */
const PIECE = 2 * 1024 * 1024;

export const writeZeroes: Run<'write-zeroes'> = (args) =>
  changeData(args, (apply) => [tallyText(apply(zeroRequest(args)))]);

export const discard: Run<'discard'> = (args) =>
  changeData(args, (apply) => [tallyText(apply(discardRequest(args)))]);

export const write: Run<'write'> = (args) =>
  changeData(args, (apply, clusterSize) => {
    let start = guestOffset(bytesOf(args.operands.OFFSET, clusterSize));
    const tallies: ChangeTally[] = [];
    for (;;) {
      const bytes = new Uint8Array(PIECE - (start % PIECE));
      const got = readInput(bytes);
      if (got > 0) tallies.push(apply(() => ({ kind: 'write', start, bytes: bytes.subarray(0, got) })));
      if (got < bytes.length) return tallies.length === 0 ? [] : [tallyText(sumOf(tallies))];
      start = plus(start, got);
    }
  });

export const batch: Run<'batch'> = (args) =>
  changeData(args, (apply) => {
    const lines: string[] = [];
    forEachInputLine((line, number) => {
      const words = line.trim().split(/\s+/);
      if (words[0] === '' || words[0]?.startsWith('#')) return;
      lines.push(tallyText(ofLine(number, () => apply(requestOfLine(words)))));
    });
    return lines;
  });

/** An error of a line of a batch names the line. */
function ofLine<T>(number: number, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`line ${number}: ${error.message}`);
    if (error instanceof EngineError) throw new LineError(error.problem, number);
    throw error;
  }
}

/** @throws UsageError */
function requestOfLine([verb = '', ...argv]: readonly string[]): PlannedChange {
  switch (verb) {
    case 'write-zeroes':
      return zeroRequest(readArguments(argv, BATCH_LINES[verb]));
    case 'discard':
      return discardRequest(readArguments(argv, BATCH_LINES[verb]));
    case 'write':
      return writeRequest(readArguments(argv, BATCH_LINES[verb]));
    default: {
      const known = Object.keys(BATCH_LINES);
      throw new UsageError(`no change '${printable(verb)}': ${known.join(', ')}${suggestion(verb, known)}`);
    }
  }
}

type Stage = (apply: (change: PlannedChange) => ChangeTally, clusterSize: number) => readonly string[];

/** Changes guest data. @throws EngineError, as `changeImage` */
async function changeData(
  args: Arguments<{ readonly operands: typeof IMAGE; readonly options: typeof DATA_FILE_OPTION }>,
  stage: Stage,
): Promise<undefined> {
  const path = args.operands.FILE;
  await prepareReading(path);
  changeImage(path, args, args.options['allow-external-data-file'] ? 'anywhere' : 'beside', stage);
}

/**
 * Stages changes and saves them at once; prints a line for each when they are on disk.
 * @param use `unwritten`: no guest data is written, and the files that the image depends on need not be there
 * @param stage calls `apply` for each change, and returns the lines to print
 * @throws EngineError if any of the changes fails; the image is then as it was
 */
export function changeImage(path: string, args: Surroundings, use: DataFileUse, stage: Stage): void {
  withEditable(path, args, (image, progress) => {
    if (use !== 'unwritten') requireComplete(image.chain);
    prepareChange(image, use, progress);
    warnOfOverlays(path);
    const { clusterSize } = image.onDisk.top.header;
    const lines = stage((change) => image.apply(change(clusterSize), '', progress), clusterSize);
    saveImage(image, progress);
    for (const line of lines) args.output.write(Buffer.from(`${printable(line)}\n`));
  });
}
