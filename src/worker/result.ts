/** How calls of a thread are answered, and named while they run. */
import type { AnyProblem } from '../inside/insideProblem';

export type Problem = AnyProblem;

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** One of the calls that may take long; the host counts (`Operations`), and `EngineClient.cancelOperation` stops it. */
export type OperationId = number;
