/** Standard input, read synchronously and piece by piece. */
import { readSync } from 'node:fs';
import { FileError } from '../qcow2/errors';
import { systemCode, systemMessage } from '../qcow2/io/systemError';

const STDIN = 0;

/**
 * Fills as much of `target` as there is input for.
 * @returns bytes read: fewer than `target` holds only at the end of the input
 * @throws FileError `input.read`
 */
export function readInput(target: Uint8Array): number {
  let filled = 0;
  while (filled < target.length) {
    const got = readSome(target, filled);
    if (got === 0) break;
    filled += got;
  }
  return filled;
}

function readSome(target: Uint8Array, at: number): number {
  for (;;) {
    try {
      return readSync(STDIN, target, at, target.length - at, null);
    } catch (error) {
      if (systemCode(error) === 'EOF') return 0;
      if (systemCode(error) !== 'EAGAIN')
        throw new FileError('standard input', 'input.read', { value: systemMessage(error) });
      // Another process made the pipe non-blocking, and it is empty.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** The longest line in bytes: more than a megabyte of data in hexadecimal and its command. */
export const MAX_LINE = 4 * 1024 * 1024;

/**
 * Visits the lines of standard input without their line ends; the last line need not have one.
 * @throws FileError `input.read`, `input.lineTooLong`
 */
export function forEachInputLine(visit: (line: string, number: number) => void): void {
  const buffer = Buffer.alloc(MAX_LINE);
  let held = 0;
  let number = 0;
  for (let isEnd = false; !isEnd;) {
    const got = readSome(buffer, held);
    isEnd = got === 0;
    const end = held + got;
    let start = 0;
    for (let newline = buffer.indexOf(10, held); newline >= 0 && newline < end;) {
      visit(buffer.toString('utf8', start, newline), ++number);
      start = newline + 1;
      newline = buffer.indexOf(10, start);
    }
    if (isEnd && start < end) visit(buffer.toString('utf8', start, end), ++number);
    buffer.copyWithin(0, start, end);
    held = end - start;
    if (held === MAX_LINE)
      throw new FileError('standard input', 'input.lineTooLong', { offset: number, limit: MAX_LINE });
  }
}
