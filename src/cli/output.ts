/** Standard output and standard error, written synchronously: what was written is out when a call returns. */
import { writeSync } from 'node:fs';
import { FileError } from '../qcow2/errors';
import type { ByteSink } from '../qcow2/scan/byteWriter';

/** File descriptors. */
export interface OutputFiles {
  readonly output: number;
  readonly errors: number;
}

let files: OutputFiles = { output: 1, errors: 2 };

/** Writes to other files from here on. @returns those from before */
export function redirectOutput(to: OutputFiles): OutputFiles {
  const before = files;
  files = to;
  return before;
}

/** The reader of standard output went away: nothing is wrong, and nothing more is wanted. */
export class ReaderGone extends Error {}

/** @throws ReaderGone, FileError `output.write` */
export const standardOutput: ByteSink = {
  write: (bytes) => {
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(files.output, bytes, done);
      } catch (error) {
        handleWriteError(error);
      }
    }
  },
};

/** For much text; where nobody wants to be told, nothing is. */
export const standardError: ByteSink = {
  write: (bytes) => {
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(files.errors, bytes, done);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        sleep(1);
      }
    }
  },
};

/** For `-q`. */
export const noOutput: ByteSink = { write: () => undefined };

export function printError(text: string): void {
  try {
    writeSync(files.errors, text);
  } catch {
    // Nobody is there to be told.
  }
}

function handleWriteError(error: unknown): void {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EAGAIN':
      // Somebody made the pipe non-blocking and it is full.
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
