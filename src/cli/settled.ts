/**
 * Reading an image while other programs change it. What is printed must be one state of it: where the files have changed
 * meanwhile, all is read again, and nothing is printed before. What is longer than can be kept back is printed as it is
 * read, and ends in an error where it turns out to be mixed.
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
/** Milliseconds: what has taken longer is not begun again. */
const PATIENCE = 2000;
/** Milliseconds before the second try; before the third it is twice that. */
const PAUSE = 5;
/** Bytes that are kept back. */
const MOST_HELD = 4 * 1024 * 1024;

/**
 * Opens a chain and hands it over. Says on standard error what its notes say of journals, and which program may be writing
 * one of its files: what is read then may be out of date, or mixed.
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
 * @returns undefined where it is to be tried again
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
      if (!printed.isFailure) tellOthers(opened);
    });
    const value = use(opened);
    // Beside a program that goes on writing, it is said that what is read may be mixed.
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

/** What tells one state of a file from another, as long as it is not open. */
function stampOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch {
    // Opening it says why it cannot be looked at: it is missing, a link to itself, in a folder that is closed.
    return '';
  }
}

function tellOthers(chain: Chain): void {
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
