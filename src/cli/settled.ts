/**
 * Reading an image while other programs change it. The output must show one state of the image, so it is kept back until
 * the reading is done; if the files changed meanwhile, everything is read again. Output that is too long to be kept back is
 * printed as it is read, and ends in an error if the files changed.
 */
import { statSync } from 'node:fs';
import type { Chain } from '../qcow2/chain/openChain';
import { isBeingSaved } from '../qcow2/edit/interrupted';
import { writersOf } from '../qcow2/edit/readers';
import { EngineError, FileError } from '../qcow2/errors';
import type { LockHolder } from '../qcow2/io/locks';
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import { localDisk } from '../qcow2/save/localDisk';
import { dropOutput, holdOutput, printError, releaseOutput } from './output';

const MOST_TRIES = 5;
/** Milliseconds: a reading that took longer is not repeated. */
const PATIENCE = 2000;
/** Milliseconds before the second try; twice that before the third, and so on. */
const PAUSE = 5;
/** Bytes of output that are kept back. */
const MOST_HELD = 4 * 1024 * 1024;

/**
 * Opens a chain and passes it to `use`. Prints on standard error what its notes say about journals, and which program may
 * be writing one of its files: the data may then be out of date, or mixed.
 * @param path of the image
 * @param use may be called several times, and may print
 * @throws FileError `read.changed`; EngineError as `open` and `use`
 */
export function readSettled<T>(path: string, open: () => Chain, use: (chain: Chain) => T): T {
  const started = performance.now();
  for (let tries = 1; ; tries++) {
    const isLast = (): boolean => tries === MOST_TRIES || performance.now() - started > PATIENCE;
    const done = tryToRead(path, open, use, isLast);
    if (done !== undefined) return done.value;
    localDisk.pause(PAUSE * tries);
  }
}

/**
 * @param isLast whether there will be no other try
 * @returns undefined if it must be tried again
 */
function tryToRead<T>(
  path: string,
  open: () => Chain,
  use: (chain: Chain) => T,
  isLast: () => boolean,
): { readonly value: T } | undefined {
  const before = stampOf(path);
  let chain: Chain | undefined;
  const printed = { isOut: false, isFailure: false };
  try {
    const opened = open();
    chain = opened;
    holdOutput(MOST_HELD, () => {
      printed.isOut = true;
      // A failure is one line.
      if (!printed.isFailure) warnOfWriters(opened);
    });
    const value = use(opened);
    // If a program keeps writing, `warnOfWriters` has said that the output may be mixed.
    if (opened.isIntact() || ((printed.isOut || isLast()) && writersOf(opened).length > 0)) {
      releaseOutput();
      return { value };
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const isSettled = chain?.isIntact() ?? (stampOf(path) === before && !isBeingSaved(path));
    if (isSettled) {
      printed.isFailure = true;
      releaseOutput();
      throw error;
    }
  } finally {
    dropOutput();
    chain?.close();
  }
  if (printed.isOut || isLast()) throw new FileError(path, 'read.changed');
  return undefined;
}

/** Tells one state of a file from another without opening it. */
function stampOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch {
    // Opening the file reports why: it is missing, a link to itself, or in a folder without permission.
    return '';
  }
}

/** Prints what the notes of a chain say about journals, and which program may be writing one of its files. */
export function warnOfWriters(chain: Chain): void {
  for (const { notes } of chain.view.layers) {
    for (const problem of notes.filter(({ code }) => code.startsWith('journal.'))) {
      printError(`qcow2: ${printable(problem.file)}: ${describeProblem(problem)}\n`);
    }
  }
  for (const { file, holder } of writersOf(chain)) {
    printError(`qcow2: ${printable(file)}: ${writerText(holder)}\n`);
  }
}

function writerText({ pid, program }: LockHolder): string {
  const name = program === undefined ? '' : `${printable(program)}, `;
  const who = pid === undefined ? 'A running process' : `A running process (${name}pid ${pid})`;
  return `${who} has the image open for writing; what is read may be out of date`;
}
