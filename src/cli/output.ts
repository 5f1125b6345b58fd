/** Standard output and standard error, written synchronously: what was written is out when a call returns, or kept back. */
import { writeSync } from 'node:fs';
import { FileError } from '../qcow2/errors';
import type { ByteSink } from '../text/byteWriter';

const STDOUT = 1;
const STDERR = 2;
type Descriptor = typeof STDOUT | typeof STDERR;

/** Open files, by their descriptors. */
export interface OutputFiles {
  readonly output: number;
  readonly errors: number;
}

let files: OutputFiles = { output: STDOUT, errors: STDERR };

/** Writes to other files from now on. @returns the former ones */
export function redirectOutput(to: OutputFiles): OutputFiles {
  const former = files;
  files = to;
  return former;
}

/** The reader of standard output went away: nothing is wrong, and nothing more is wanted. */
export class ReaderGone extends Error {}

/** What was printed and is not out yet. */
interface Held {
  readonly pieces: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
  /** Bytes. */
  length: number;
  readonly limit: number;
  readonly beforeRelease: () => void;
}

let held: Held | undefined;

/**
 * Keeps back what is printed from now on, until `releaseOutput`, or until it is more than `limit` bytes: whether it is true
 * is not known yet.
 * @param beforeRelease prints what comes before all of it
 */
export function holdOutput(limit: number, beforeRelease: () => void): void {
  held = { pieces: [], length: 0, limit, beforeRelease };
}

/** @throws ReaderGone, FileError `output.write` */
export function releaseOutput(): void {
  if (held === undefined) return;
  const { pieces, beforeRelease } = held;
  held = undefined;
  beforeRelease();
  for (const { descriptor, bytes } of pieces) print(descriptor, bytes);
}

/** Forgets what was kept back. */
export function dropOutput(): void {
  held = undefined;
}

function print(descriptor: Descriptor, bytes: Uint8Array): void {
  if (held === undefined) {
    if (descriptor === STDOUT) writeOutput(bytes);
    else writeError(bytes);
    return;
  }
  held.pieces.push({ descriptor, bytes: bytes.slice() });
  held.length += bytes.length;
  if (held.length > held.limit) releaseOutput();
}

/** @throws ReaderGone, FileError `output.write` */
export const standardOutput: ByteSink = {
  write: (bytes) => {
    print(STDOUT, bytes);
  },
};

/** For much text. Where standard error is closed, nothing is written. */
export const standardError: ByteSink = {
  write: (bytes) => {
    print(STDERR, bytes);
  },
};

/** For `-q`. */
export const noOutput: ByteSink = { write: () => undefined };

export function printError(text: string): void {
  standardError.write(Buffer.from(text));
}

/** Of a progress bar, which shows what is done and not what it has come to: never kept back. */
export function drawError(text: string): void {
  writeError(Buffer.from(text));
}

function writeOutput(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(files.output, bytes, done);
    } catch (error) {
      handleWriteError(error);
    }
  }
}

function writeError(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(files.errors, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      sleep(1);
    }
  }
}

function handleWriteError(error: unknown): void {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EAGAIN':
      // The pipe does not block, and is full.
      sleep(1);
      return;
    case 'EPIPE':
      throw new ReaderGone();
    default:
      throw new FileError('standard output', 'output.write', { value: (error as Error).message });
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
