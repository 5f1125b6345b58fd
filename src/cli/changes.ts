/** The verbs that change an image: each is one atomic save of one or several changes, or leaves the image as it is. */
import type { ChangeTally } from '../qcow2/change/tally';
import { EngineError } from '../qcow2/errors';
import { bytesOf } from '../text/byteCount';
import { printable } from '../text/printable';
import { guestOffset, plus } from '../qcow2/units';
import {
  discardRequest,
  type PlannedChange,
  writeRequest,
  ZERO_OPTIONS,
  ZERO_USAGE,
  zeroRequest,
} from './changeRequests';
import {
  DATA_FILE_OPTION,
  DATA_FILE_USAGE,
  dataFileUse,
  prepareChange,
  saveImage,
  warnOfOverlays,
  withEditable,
} from './editable';
import { forEachInputLine, readInput } from './standardInput';
import { sumOf, tallyText } from './tallyText';
import {
  byteCount,
  LineError,
  readArguments,
  requireComplete,
  UsageError,
  type Arguments,
  type Verb,
} from './verb';

/** Guest bytes of one piece of `write`'s input; pieces end at multiples of it, and of all cluster sizes. */
const PIECE = 2 * 1024 * 1024;

export const writeZeroes: Verb = {
  name: 'write-zeroes',
  usage: `${ZERO_USAGE} ${DATA_FILE_USAGE} FILE OFFSET LENGTH`,
  decompresses: true,
  run: (argv) => {
    const args = readArguments(argv, ['FILE', 'OFFSET', 'LENGTH'], { ...ZERO_OPTIONS, ...DATA_FILE_OPTION });
    const [path, offset, length] = args.operands;
    const request = zeroRequest(args, offset!, length!);
    changeImage(path!, args, (apply) => [tallyText(apply(request))]);
  },
};

export const discard: Verb = {
  name: 'discard',
  usage: `${DATA_FILE_USAGE} FILE OFFSET LENGTH`,
  decompresses: true,
  run: (argv) => {
    const args = readArguments(argv, ['FILE', 'OFFSET', 'LENGTH'], DATA_FILE_OPTION);
    const [path, offset, length] = args.operands;
    const request = discardRequest(offset!, length!);
    changeImage(path!, args, (apply) => [tallyText(apply(request))]);
  },
};

export const write: Verb = {
  name: 'write',
  usage: `${DATA_FILE_USAGE} FILE OFFSET <DATA`,
  decompresses: true,
  run: (argv) => {
    const args = readArguments(argv, ['FILE', 'OFFSET'], DATA_FILE_OPTION);
    const [path, offset] = args.operands;
    const from = byteCount('OFFSET', offset!);
    changeImage(path!, args, (apply, clusterSize) => {
      let start = guestOffset(bytesOf(from, clusterSize));
      const tallies: ChangeTally[] = [];
      for (;;) {
        const bytes = new Uint8Array(PIECE - (start % PIECE));
        const got = readInput(bytes);
        if (got > 0) tallies.push(apply(() => ({ kind: 'write', start, bytes: bytes.subarray(0, got) })));
        if (got < bytes.length) return tallies.length === 0 ? [] : [tallyText(sumOf(tallies))];
        start = plus(start, got);
      }
    });
  },
};

export const batch: Verb = {
  name: 'batch',
  usage: `${DATA_FILE_USAGE} FILE <CHANGES`,
  decompresses: true,
  run: (argv) => {
    const args = readArguments(argv, ['FILE'], DATA_FILE_OPTION);
    changeImage(args.operands[0]!, args, (apply) => {
      const lines: string[] = [];
      forEachInputLine((line, number) => {
        const words = line.trim().split(/\s+/);
        if (words[0] === '' || words[0]!.startsWith('#')) return;
        lines.push(tallyText(ofLine(number, () => apply(requestOfLine(words)))));
      });
      return lines;
    });
  },
};

/** Whatever is wrong with a line of a batch is said with its number. */
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
function requestOfLine([verb, ...argv]: readonly string[]): PlannedChange {
  switch (verb) {
    case 'write-zeroes': {
      const args = readArguments(argv, ['OFFSET', 'LENGTH'], ZERO_OPTIONS);
      return zeroRequest(args, args.operands[0]!, args.operands[1]!);
    }
    case 'discard': {
      const { operands } = readArguments(argv, ['OFFSET', 'LENGTH'], {});
      return discardRequest(operands[0]!, operands[1]!);
    }
    case 'write': {
      const { operands } = readArguments(argv, ['OFFSET', 'HEX'], {});
      return writeRequest(operands[0]!, operands[1]!);
    }
    default:
      throw new UsageError(`no change '${printable(verb ?? '')}': write-zeroes, discard, write`);
  }
}

/**
 * Stages changes and saves them at once; prints a line for each when they are on disk.
 * @param stage calls `apply` for each change, and says what to print
 * @param options `isHeaderOnly`: no guest data is written, and the files that the image depends on need not be there
 * @throws EngineError when anything cannot be done: the image is then as it was
 */
export function changeImage(
  path: string,
  args: Arguments,
  stage: (apply: (change: PlannedChange) => ChangeTally, clusterSize: number) => readonly string[],
  { isHeaderOnly = false }: { readonly isHeaderOnly?: boolean } = {},
): void {
  withEditable(path, args, (image, progress) => {
    if (!isHeaderOnly) requireComplete(image.chain);
    prepareChange(image, isHeaderOnly ? 'unwritten' : dataFileUse(args), progress);
    warnOfOverlays(path);
    const { clusterSize } = image.onDisk.top.header;
    const lines = stage((change) => image.apply(change(clusterSize), '', progress), clusterSize);
    saveImage(image, progress);
    for (const line of lines) args.output.write(Buffer.from(`${printable(line)}\n`));
  });
}
