/**
 * What can go wrong, as data. An error is made where the fact is known and carries the fact, not the words:
 * the words are made at the edge (problemText.ts gives the English; the editor translates the same sentence).
 */
import type { Fact, FieldName } from './factText';
import type { ProblemCode } from './problemText';

/**
 * - `format`: the image breaks the specification
 * - `unsupported`: a valid image that uses something this program does not read
 * - `io`: the operating system refused, or the file is not what it was
 * - `refused`: a guard said no (the gate on backing names, an unreadable backing file)
 * - `argument`: the caller asked for something impossible
 * - `cancelled`: the user asked to stop
 */
export type ProblemKind = 'format' | 'unsupported' | 'io' | 'refused' | 'argument' | 'cancelled';

/** A problem as plain data: it survives structured cloning between threads and into the webview. */
export interface Problem {
  readonly kind: ProblemKind;
  /** Stable; tests and other programs may rely on it. */
  readonly code: ProblemCode;
  /** The file it was found in, as the person named it or as it was resolved. */
  readonly file: string;
  /** Byte offset in `file` of the structure at fault. */
  readonly offset?: number;
  /** The offending value: a number, or text (a name; a raw 64-bit entry as `0x…`). */
  readonly value?: number | string;
  /** What the value must stay within. */
  readonly limit?: number | string;
  /** Bytes that it is about. */
  readonly amount?: number;
  /** The structure, field or reason, where one sentence serves several. */
  readonly what?: Fact | FieldName;
  /** A name that is not ours: from the image, or from another program. */
  readonly name?: string;
}

export type ProblemFacts = Pick<Problem, 'offset' | 'value' | 'limit' | 'what' | 'name'>;

/** Whether a file is refused because it is no qcow2 image at all, but perhaps a raw one. */
export const isOtherFormat = ({ code }: { readonly code: string }): boolean =>
  code === 'header.magic' || code === 'header.empty' || code.startsWith('foreign.');

/** The one base class of everything this engine throws on purpose. */
export class EngineError extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.code} (${problem.file})`);
    this.name = new.target.name;
  }
}

export class FormatError extends EngineError {
  constructor(file: string, code: ProblemCode, facts: ProblemFacts = {}) {
    super({ kind: 'format', code, file, ...facts });
  }
}

export class UnsupportedError extends EngineError {
  constructor(file: string, code: ProblemCode, facts: ProblemFacts = {}) {
    super({ kind: 'unsupported', code, file, ...facts });
  }
}

export class FileError extends EngineError {
  constructor(file: string, code: ProblemCode, facts: ProblemFacts = {}) {
    super({ kind: 'io', code, file, ...facts });
  }
}

export class RefusedError extends EngineError {
  constructor(file: string, code: ProblemCode, facts: ProblemFacts = {}) {
    super({ kind: 'refused', code, file, ...facts });
  }
}

export class ArgumentError extends EngineError {
  constructor(file: string, code: ProblemCode, facts: ProblemFacts = {}) {
    super({ kind: 'argument', code, file, ...facts });
  }
}

export class CancelledError extends EngineError {
  constructor(file: string) {
    super({ kind: 'cancelled', code: 'cancelled', file });
  }
}
