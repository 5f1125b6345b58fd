/**
 * Text that is not ours (names in an image, names of files, messages of other programs), made safe to show. The command
 * line, the extension host and the page share this. The result is for people to read: never a path, a key, copied
 * text or JSON.
 */

/**
 * Longest name within a message, in UTF-16 code units: VS Code cuts a notification off after 1,000, and what is wrong
 * usually comes last.
 */
export const LONGEST_NAME = 300;

/** The same where a name stands by itself, on the page: QEMU's own names have at most 1,023 bytes. */
export const LONGEST_TEXT = 1024;

/**
 * Characters that are not seen, or that change how others are seen: control characters and line ends, lone surrogates,
 * bidirectional marks, zero-width and other ignorable characters.
 */
const HIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/** Scripts that are written with joiners between their letters. */
const JOINED =
  '[' +
  ['Arabic', 'Bengali', 'Devanagari', 'Kannada', 'Malayalam', 'Sinhala', 'Telugu']
    .map((script) => `\\p{Script=${script}}`)
    .join('') +
  ']';

/** Hidden characters doing their proper work: joiners in such scripts and within emoji, the choice of an emoji's form. */
const AT_WORK = new RegExp(
  [
    `(?<=${JOINED}\\p{M}*)[\\u200c\\u200d](?=${JOINED})`,
    '(?<=\\p{Extended_Pictographic}\\p{Emoji_Modifier}?\\ufe0f?)\\u200d(?=\\p{Extended_Pictographic})',
    '(?<=\\p{Extended_Pictographic})\\ufe0f',
  ].join('|'),
  'uy',
);

/** Shows hidden characters as `\x1b`, `\u202e`, `\u{e0041}`; the result is one line. Applying it twice changes nothing more. */
export const printable = (text: string): string => replaceHidden(text, escaped);

/** Puts something in place of each hidden character that does no proper work. */
export function replaceHidden(text: string, replacement: (character: string) => string): string {
  return text.replace(HIDDEN, (character, at: number) => {
    AT_WORK.lastIndex = at;
    return AT_WORK.test(text) ? character : replacement(character);
  });
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  if (code > 0xffff) return `\\u{${digits}}`;
  return code > 0xff ? `\\u${digits.padStart(4, '0')}` : `\\x${digits.padStart(2, '0')}`;
}

/** Cuts text that is too long in its middle: how a name begins and ends says most. @param limit in UTF-16 code units */
export function shortened(text: string, limit = LONGEST_NAME): string {
  if (text.length <= limit) return text;
  const head = text.slice(0, Math.ceil(limit / 2)).replace(/[\ud800-\udbff]$/, '');
  const tail = text.slice(text.length - Math.floor(limit / 2) + 1).replace(/^[\udc00-\udfff]/, '');
  return `${head}…${tail}`;
}

/**
 * A name as it is shown: made printable, and no longer than `limit` UTF-16 units. It is cut before anything is done to it:
 * one in a header may be two million characters long.
 */
export const shown = (name: string, limit = LONGEST_NAME): string =>
  shortened(printable(shortened(name, limit)), limit);

/** Names that are written out in one sentence. */
const NAMES_LISTED = 10;

/** The first of many names as they are shown, one behind the other. */
export function listed(names: readonly string[]): string {
  const first = names.slice(0, NAMES_LISTED).map((name) => shown(name));
  return [...first, ...(names.length > NAMES_LISTED ? ['…'] : [])].join(', ');
}
