/** Problems inside a disk in words. */
import { GUEST_PROBLEM_TEXT } from '../guest/problemText';
import type { GuestProblem } from '../guest/errors';
import { english, type Translate } from '../qcow2/describeProblem';
import { hex } from '../text/hex';
import { shown } from '../text/printable';

/** One line, without the name of the file or the place in it. */
export function describeGuest(problem: GuestProblem, translate: Translate = english): string {
  const { what, offset, value, limit } = problem;
  return translate(GUEST_PROBLEM_TEXT[problem.code], {
    what: shown(what ?? '?'),
    offset: offset === undefined ? '?' : hex(offset),
    value: shown(String(value ?? '?')),
    limit: shown(String(limit ?? '?')),
  });
}
