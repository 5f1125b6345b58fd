/** Where images that depend on a file could not be looked for, in the display language. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { printable } from '../printable';
import type { SearchGap } from '../../worker/indexApi';

/** One clause for each gap, without a full stop. */
export function gapTexts(gaps: readonly SearchGap[]): string[] {
  return gaps.map(gapText);
}

function gapText(gap: SearchGap): string {
  switch (gap.kind) {
    case 'off':
      return vscode.l10n.t(
        'indexing is off (setting {0}), so only the folder of the image was searched',
        'qcow2.index.enabled',
      );
    case 'cut':
      return vscode.l10n.t(
        'there are more images or files than are indexed (setting {0})',
        'qcow2.index.maxFiles',
      );
    case 'running':
      return vscode.l10n.t('the search for images has not finished');
    case 'unreadable': {
      const [first = ''] = gap.paths;
      return gap.paths.length === 1
        ? vscode.l10n.t('{0} cannot be read', printable(basename(first)))
        : vscode.l10n.t('{0} and {1} more cannot be read', printable(basename(first)), gap.paths.length - 1);
    }
  }
}
