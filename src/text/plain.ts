/** Text that VS Code shows without taking any of it for markup. */
import { shortened, shown } from './printable';

/** VS Code cuts a notification off after as many UTF-16 units; a dialog grows until its buttons are out of sight. */
const LONGEST_LINE = 1000;

/**
 * One finished line for VS Code to show, whatever the names in it. VS Code makes a link of `[text](command:…)` and an
 * icon of `$(name)` in notifications, quick picks, trees and the status bar, and knows no escape for either: it only
 * helps to keep `]` and `$` apart from `(`. That has to be done to the finished text, since two harmless parts can
 * make a link together. Applying it twice changes nothing more.
 */
export function plain(text: string): string {
  return shortened(shown(text, LONGEST_LINE).replace(/(?<=[\]$])(?=\()/g, ' '), LONGEST_LINE);
}

/** Paragraphs; a line end within one of them is not ours, and does not begin another. */
export function plainParagraphs(paragraphs: readonly string[]): string {
  return paragraphs.map(plain).join('\n\n');
}

/**
 * The same for Markdown: every character that could mean something (a table's bar, a link, a bare address) becomes a
 * character reference, which is never markup.
 */
export function plainMarkdown(text: string): string {
  return shown(text, LONGEST_LINE).replace(
    /[^\p{L}\p{M}\p{N} ]/gu,
    (character) => `&#${character.codePointAt(0)};`,
  );
}
