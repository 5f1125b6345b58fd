/** How far a compaction is, in a line. */
import * as vscode from 'vscode';
import { sizeText } from '../sizeText';

/** Seconds that are left, at most; more are shown in minutes. */
const SHOWN_IN_SECONDS = 90;

/**
 * @param done bytes moved, of `total`; 0 of both until the first are
 * @param started `performance.now()` when it began
 */
export function compactionText({
  done,
  total,
  started,
}: {
  readonly done: number;
  readonly total: number;
  readonly started: number;
}): string {
  const seconds = (performance.now() - started) / 1000;
  if (done === 0 || seconds <= 0) return vscode.l10n.t('Reading the tables of the file…');
  const rate = done / seconds;
  const left = (total - done) / rate;
  const moved = [sizeText(done), sizeText(total), sizeText(rate)] as const;
  return left > SHOWN_IN_SECONDS
    ? vscode.l10n.t('Moved {0} of {1}, {2} a second, {3} min left', ...moved, Math.ceil(left / 60))
    : vscode.l10n.t('Moved {0} of {1}, {2} a second, {3} s left', ...moved, Math.ceil(left));
}
