/** Problems in the display language. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { describeAny, describeFound, type FoundProblem } from '../../inside/insideProblem';
import type { Translate } from '../../qcow2/describeProblem';
import { printable } from '../printable';
import type { Problem } from '../../worker/api';

/** Fills in a sentence of the engine's, in the display language. */
export const translate: Translate = (template, args) => vscode.l10n.t(template, args);

/** What is wrong, in one line and without the file's name. */
export function describe(problem: Problem): string {
  return describeAny(problem, translate);
}

/** The same of something inside a disk, or of its copy on the host. */
export const describeInside = (problem: FoundProblem): string => describeFound(problem, translate);

/** What is wrong, with the file's name in front where it is another file than the one in sight. */
export function describeWithFile(problem: Problem, fileInSight: string): string {
  const text = describe(problem);
  if (problem.file === '' || problem.file === fileInSight) return text;
  return vscode.l10n.t('{0}: {1}', printable(basename(problem.file)), text);
}
