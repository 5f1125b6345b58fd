/** Problems inside the disk of an image, beside the engine's own, as plain data. */
import type { GuestProblem } from '../guest/errors';
import { GUEST_PROBLEM_TEXT } from '../guest/problemText';
import type { Problem } from '../qcow2/errors';
import { describeProblem, english, type Translate } from '../qcow2/describeProblem';
import { describeGuest } from './describeGuest';

/** What is wrong with something inside the disk of `file`. */
export interface InsideProblem extends GuestProblem {
  readonly kind: 'inside';
  /** The image. */
  readonly file: string;
}

export type AnyProblem = Problem | InsideProblem;

/** One line, without the name of the file. */
export const describeAny = (problem: AnyProblem, translate: Translate = english): string =>
  problem.kind === 'inside' ? describeGuest(problem, translate) : describeProblem(problem, translate);

/** What came up with a file inside a disk: there, or on the host that it is copied to. */
export type FoundProblem = GuestProblem | Problem;

/** One line, without the name of the file. */
export const describeFound = (problem: FoundProblem, translate: Translate = english): string =>
  isGuest(problem) ? describeGuest(problem, translate) : describeProblem(problem, translate);

const isGuest = (problem: FoundProblem): problem is GuestProblem => problem.code in GUEST_PROBLEM_TEXT;
