/** Standard output and standard error, written synchronously unless they are kept back. */
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

/** The reader of standard output has closed it. This is not an error: the command just ends. */
export class ReaderGone extends Error {}

/** Output that is kept back. */
interface Held {
  readonly pieces: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
  /** Bytes. */
  length: number;
  readonly limit: number;
  readonly beforeRelease: () => void;
}

let held: Held | undefined;

/**
 * Keeps output back from now on, until `releaseOutput`, or until it exceeds `limit` bytes: the caller does not know yet
 * whether it is right.
 * @param beforeRelease prints what comes first
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

/** Discards output that was kept back. */
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

/** For long texts. Writes nothing if standard error is closed. */
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

/** For progress bars, which say nothing about the result: never kept back. */
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
      // The pipe is non-blocking and full.
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
