/** How far a compaction is, in a line. */
import * as vscode from 'vscode';
import { sizeText } from '../sizeText';

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
  const left = Math.ceil((total - done) / rate);
  return vscode.l10n.t(
    'Moved {0} of {1}, {2} a second, {3} s left',
    sizeText(done),
    sizeText(total),
    sizeText(rate),
    left,
  );
}
