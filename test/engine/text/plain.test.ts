import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain, plainMarkdown, plainParagraphs } from '../../../src/text/plain';

/** As VS Code 1.139.1 finds links in a notification, and icons in what it renders them in (workbench.js). */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/gi;
const ICON = /\$\((.*?)\)/g;

/** What VS Code parses: cut to 1,000, line ends made spaces. */
const parsed = (message: string): string =>
  (message.length > 1000 ? `${message.slice(0, 1000)}...` : message).replace(/(\r\n|\n|\r)/gm, ' ').trim();

const linksIn = (message: string): number => [...parsed(message).matchAll(LINK)].length;

/** Pieces that make markup when they come together. */
const part = fc.oneof(
  fc.constantFrom(
    '[',
    ']',
    '(',
    ')',
    '](',
    '[a]',
    '[Fix](command:workbench.action.quickOpen?%22X%22)',
    'command:x',
    '(command:x)',
    'https://a.example',
    'file:///etc/passwd',
    '$',
    '$(',
    '$(error)',
    '"t"',
    ' ',
    '\n',
    '\\',
    '\u200b',
    '\u202e',
    '\u0000',
    '\ud800',
    '\udc00',
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
);

const joined = fc.array(part, { maxLength: 60 }).map((parts) => parts.join(''));

describe('a finished message', () => {
  it.each([
    '[Details](command:workbench.action.files.newUntitledFile).qcow2: The check found: 1 leak.',
    './[Fix](command:workbench.action.quickOpen?%22X%22): No such file',
    'a \\[x\\](command:a) b',
    '[a](https://a.example "title")',
  ])('has a link before, and none after: %s', (message) => {
    expect(linksIn(message)).toBe(1);
    expect(linksIn(plain(message))).toBe(0);
  });

  it('has neither link nor icon nor line end, whatever parts come together in it, cut or not', () => {
    fc.assert(
      fc.property(joined, fc.nat({ max: 1100 }), (text, padding) => {
        const message = plain(`${'x'.repeat(padding)}${text}`);
        expect(linksIn(message)).toBe(0);
        expect(message).not.toMatch(ICON);
        expect(message).not.toMatch(/\p{Cc}/u);
        expect(message.length).toBeLessThanOrEqual(1000);
        expect(plain(message)).toBe(message);
      }),
      { numRuns: 2000 },
    );
  });

  it('stays without a link where VS Code joins a progress title and a step', () => {
    fc.assert(
      fc.property(joined, joined, (title, step) => {
        expect(linksIn(`${plain(title)}: ${plain(step)}`)).toBe(0);
      }),
    );
  });

  it('has the paragraphs that we made, and none of a name', () => {
    expect(plainParagraphs(['disk\n\nThis image is safe.', 'b'])).toBe(
      'disk\\x0a\\x0aThis image is safe.\n\nb',
    );
  });

  it('is the text itself where nothing is wrong with it', () => {
    const text = 'base.qcow2 [v3] (64 KiB, 31 %): costs $5, Grüße "😀"';
    expect(plain(text)).toBe(text);
  });
});

describe('a cell of a tooltip', () => {
  it('has no character that Markdown takes for anything', () => {
    expect(plainMarkdown('a|b https://a.example')).toBe('a&#124;b https&#58;&#47;&#47;a&#46;example');
    fc.assert(
      fc.property(joined, (text) => {
        expect(plainMarkdown(text).replace(/&#\d+;/g, '')).toMatch(/^[\p{L}\p{M}\p{N} ]*$/u);
      }),
    );
  });
});
