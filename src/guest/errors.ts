/**
 * What is wrong with something inside a disk, as data. Readers throw the fact; the words are made at the edge, from
 * problemText.ts.
 */
import type { GuestProblemCode } from './problemText';

/** A problem as plain data: it survives structured cloning between threads and into the page. */
export interface GuestProblem {
  /** Stable; tests and other programs may rely on it. */
  readonly code: GuestProblemCode;
  /** The structure at fault, by the name that its specification gives it; not translated. */
  readonly what?: string;
  /** Bytes from the start of the device that the structure is on. */
  readonly offset?: number;
  /** The value at fault: a number, or a text from the disk. */
  readonly value?: number | string;
  /** What the value must stay within. */
  readonly limit?: number | string;
}

/** The one class of everything that `src/guest` throws on purpose. */
export class GuestError extends Error {
  readonly problem: GuestProblem;

  constructor(code: GuestProblemCode, facts: Omit<GuestProblem, 'code'> = {}) {
    super(code);
    this.name = new.target.name;
    this.problem = { code, ...facts };
  }
}

/**
 * Whether it was thrown by a reader. By its name: the readers are a bundle of their own (door.ts), with a class of its own.
 */
export const isGuestError = (error: unknown): error is GuestError =>
  error instanceof Error && error.name === GuestError.name;
