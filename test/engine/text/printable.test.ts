import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listed, LONGEST_NAME, printable, shortened, shown } from '../../../src/text/printable';

/** Any text that a file may contain: whole characters, half surrogate pairs, and hidden characters. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat({ max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
);

describe('text that is not ours', () => {
  it.each([
    ['a terminal escape', '\u001b[31mred', '\\x1b[31mred'],
    ['a C1 control character, which is an escape to some terminals', '\u009b31m', '\\x9b31m'],
    ['line ends of every kind', 'a\nb\rc\u0085d\u2028e\u2029f', 'a\\x0ab\\x0dc\\x85d\\u2028e\\u2029f'],
    ['NUL, backspace and DEL', 'a\0b\bc\u007f', 'a\\x00b\\x08c\\x7f'],
    ['overrides of direction', 'gpj\u202egnp.2wocq\u202c', 'gpj\\u202egnp.2wocq\\u202c'],
    [
      'isolates and marks of direction',
      '\u2066a\u2069\u200f\u200e\u061c',
      '\\u2066a\\u2069\\u200f\\u200e\\u061c',
    ],
    ['what has no width', 'ad\u200bm\u2060in\ufeff\u00ad', 'ad\\u200bm\\u2060in\\ufeff\\xad'],
    ['letters that are blank', '\u3164\u115f\uffa0', '\\u3164\\u115f\\uffa0'],
    ['tags, which no font shows', 'a\u{e0041}', 'a\\u{e0041}'],
    ['half a character', 'a\ud83d', 'a\\ud83d'],
  ])('shows %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it.each([
    'Grüße "😀"',
    'диск-१.qcow2',
    '磁盘　镜像',
    'ディスク',
    'دیسک',
    'می\u200cخواهم',
    'क्\u200dष',
    '👩\u200d💻',
    '❤\ufe0f',
  ])('leaves %s as it is', (text) => {
    expect(printable(text)).toBe(text);
  });

  it('shows a joiner or an emoji form where it does nothing but hide', () => {
    expect(printable('disk\u200d.qcow2')).toBe('disk\\u200d.qcow2');
    expect(printable('disk1\ufe0f.qcow2')).toBe('disk1\\ufe0f.qcow2');
  });

  it('is one line without hidden characters, and the same when shown again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
        expect(printable(shown)).toBe(shown);
      }),
    );
  });

  it('is cut in its middle where it is too long, and never within a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 200, maxLength: 600 }), (text) => {
        const cut = shortened(text);
        expect(cut.length).toBeLessThanOrEqual(LONGEST_NAME);
        expect(cut).not.toMatch(/\p{Cs}/u);
        if (text.length > LONGEST_NAME) expect(cut).toContain('…');
        else expect(cut).toBe(text);
      }),
    );
    expect(shortened('x'.repeat(70_000)).length).toBe(LONGEST_NAME);
  });
});

describe('a name as it is shown', () => {
  it('is printable and short, whatever it is, and stays as it is when it is shown again', () => {
    fc.assert(
      fc.property(anyText, fc.nat({ max: 400 }), (name, times) => {
        const once = shown(name.repeat(times));
        expect(once.length).toBeLessThanOrEqual(LONGEST_NAME);
        expect(printable(once)).toBe(once);
        expect(shown(once)).toBe(once);
      }),
    );
  });

  it('costs no more where it is two million characters long', () => {
    const name = Buffer.alloc(3 * 2 ** 21, '\u202e').toString();
    const begun = performance.now();
    for (let round = 0; round < 100; round++) shown(name);
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('is one of ten at most in a list', () => {
    expect(listed(['a\u001b', 'b'])).toBe('a\\x1b, b');
    expect(listed(Array.from({ length: 65_535 }, (_, at) => String(at)))).toBe(
      '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …',
    );
  });
});
