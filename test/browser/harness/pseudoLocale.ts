/**
 * A pseudo-language that marks every text: `⟦Save⟧`. Text without marks in such a window is not translated. Its files are
 * made from the English ones and added to the installed extension.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { ROOT } from '../../../scripts/lib/paths.mjs';

/** The language's name, as Windows and VS Code have it. */
export const PSEUDO_LOCALE = 'qps-ploc';

const OPEN = '⟦';
const CLOSE = '⟧';

/** Text of one element; one that stands in the middle of a sentence divides its marks. */
export const isMarked = (text: string): boolean => text.includes(OPEN) || text.includes(CLOSE);

/** Text without what stands between marks. */
export function unmarkedPart(text: string): string {
  // Behind an element, the sentence that began before it goes on.
  let depth = text.includes(CLOSE) && !text.slice(0, text.indexOf(CLOSE)).includes(OPEN) ? 1 : 0;
  let rest = '';
  for (const character of text) {
    if (character === OPEN) depth++;
    else if (character === CLOSE) depth--;
    else if (depth === 0) rest += character;
  }
  return rest;
}

/** @param extensions the folder into which the package is installed */
export function writePseudoLocale(extensions: string): void {
  const extension = readdirSync(extensions).find((name) => name.includes('qcow2-editor'));
  if (extension === undefined) throw new Error('the extension is not installed');
  for (const name of ['package.nls', 'l10n/bundle.l10n']) {
    // The package has none of the English sentences: VS Code takes those from the code.
    const file = path.join(ROOT, `${name}.json`);
    const english = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    const marked = Object.entries(english).map(([key, text]) => [key, mark(text)]);
    const translation = path.join(extensions, extension, `${name}.${PSEUDO_LOCALE}.json`);
    writeFileSync(translation, JSON.stringify(Object.fromEntries(marked)));
  }
}

/** Links keep their form: `[⟦Open Folder⟧](command:…)` on a line of its own is a button. */
function mark(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/^\[(.*)\](\(.*\))$|^.+$/, markLine))
    .join('\n');
}

function markLine(line: string, title?: string, target?: string): string {
  return title === undefined ? OPEN + line + CLOSE : `[${OPEN}${title}${CLOSE}]${target ?? ''}`;
}
