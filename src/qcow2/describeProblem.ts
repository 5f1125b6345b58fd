/** Problems in words: the sentence of problemText.ts, filled from the problem's fields. */
import { hex } from '../text/hex';
import { shown } from '../text/printable';
import { sizeText } from '../text/sizeText';
import type { Problem } from './errors';
import { isFact } from './factText';
import { PROBLEM_TEXT } from './problemText';

/** Turns a template with `{name}` places into words; the editor passes `vscode.l10n.t`. */
export type Translate = (template: string, args: Record<string, string | number>) => string;

const sizeOf = (bytes: Problem['value']): string => (typeof bytes === 'number' ? sizeText(bytes) : '?');

export const english: Translate = (template, args) =>
  template.replace(/\{(\w+)\}/g, (place, name: string) => String(args[name] ?? place));

/**
 * Says what is wrong in one line, without the file's name (the edge puts it in front).
 * Names that come from an image are shortened and made printable, so a line stays a line.
 */
export function describeProblem(problem: Problem, translate: Translate = english): string {
  const args: Record<string, string | number> = {
    file: shown(problem.file),
    offset: problem.offset === undefined ? '?' : hex(problem.offset),
    value: shown(String(problem.value ?? '?')),
    limit: shown(String(problem.limit ?? '?')),
    name: shown(problem.name ?? '?'),
    valueSize: sizeOf(problem.value),
    limitSize: sizeOf(problem.limit),
    amountSize: sizeOf(problem.amount),
  };
  const { what = '?' } = problem;
  args['what'] = isFact(what) ? translate(what, args) : what;
  return translate(PROBLEM_TEXT[problem.code], args);
}
