/** How healthy an image is, as far as it was checked, and the words for it. */
import * as vscode from 'vscode';
import type { ChainFinding, CheckReport, Problem } from '../../worker/api';
import { describe } from './describe';

export type Health =
  | { readonly kind: 'unchecked' }
  /** `done` of `total`, in a unit of the check's own; a total of 0 is not known yet. */
  | { readonly kind: 'checking'; readonly done: number; readonly total: number }
  | {
      readonly kind: 'checked';
      readonly report: CheckReport;
      /** What is wrong with its backing chain, or may be. */
      readonly chain: readonly ChainFinding[];
    }
  /** The check could not be carried out. */
  | { readonly kind: 'failed'; readonly problem: Problem }
  /** Another program changed the image meanwhile, or may have: what the check found says nothing about it. */
  | { readonly kind: 'unsettled'; readonly problem: Problem };

/** What a check that came to nothing says of the image. */
export const healthAfter = (problem: Problem): Health => ({
  kind: problem.code === 'read.changed' || problem.code === 'check.inUse' ? 'unsettled' : 'failed',
  problem,
});

/** `leaks` cost space and no data; everything else that a check finds is damage. */
export type Verdict = 'clean' | 'leaks' | 'damaged';

export function verdictOf({ corruptions, checkErrors, defects, leaks }: CheckReport): Verdict {
  if (corruptions + checkErrors + defects > 0) return 'damaged';
  return leaks > 0 ? 'leaks' : 'clean';
}

/** In two or three words: "not checked", "clean", "3 corruptions". */
export function healthText(health: Health): string {
  switch (health.kind) {
    case 'unchecked':
      return vscode.l10n.t('not checked');
    case 'checking': {
      const { done, total } = health;
      return total === 0
        ? vscode.l10n.t('checking…')
        : vscode.l10n.t('checking: {0} %', Math.floor((done / total) * 100));
    }
    case 'checked':
      return countsOf(health.report)[0] ?? vscode.l10n.t('clean');
    case 'failed':
      return vscode.l10n.t('check failed');
    case 'unsettled':
      return vscode.l10n.t('unknown');
  }
}

/** The same in a sentence. */
export function healthDetail(health: Health): string {
  switch (health.kind) {
    case 'unchecked':
      return vscode.l10n.t('The image has not been checked since it was opened or changed.');
    case 'checking':
      return vscode.l10n.t('Comparing all tables of the image with its refcounts.');
    case 'checked': {
      const counts = countsOf(health.report);
      const { incomplete } = health.report;
      const sentences = [
        counts.length === 0
          ? vscode.l10n.t('The check found no errors.')
          : vscode.l10n.t('The check found: {0}.', counts.join(', ')),
        ...(incomplete === undefined ? [] : [`${describe(incomplete)}.`]),
        ...(health.chain.length === 0
          ? []
          : [vscode.l10n.t('Findings in the backing chain: {0}.', health.chain.length)]),
      ];
      return sentences.reduce((text, sentence) => vscode.l10n.t('{0} {1}', text, sentence));
    }
    case 'failed':
      return vscode.l10n.t('The image could not be checked: {0}', describe(health.problem));
    case 'unsettled':
      return describe(health.problem);
  }
}

/** What was found, the worst first. */
function countsOf({ corruptions, checkErrors, defects, leaks }: CheckReport): string[] {
  return [
    ...(corruptions === 0
      ? []
      : [corruptions === 1 ? vscode.l10n.t('1 corruption') : vscode.l10n.t('{0} corruptions', corruptions)]),
    ...(checkErrors === 0
      ? []
      : [
          checkErrors === 1 ? vscode.l10n.t('1 check error') : vscode.l10n.t('{0} check errors', checkErrors),
        ]),
    ...(defects === 0
      ? []
      : [defects === 1 ? vscode.l10n.t('1 defect') : vscode.l10n.t('{0} defects', defects)]),
    ...(leaks === 0 ? [] : [leaks === 1 ? vscode.l10n.t('1 leak') : vscode.l10n.t('{0} leaks', leaks)]),
  ];
}
