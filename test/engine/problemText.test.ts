import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isFact } from '../../src/qcow2/factText';
import { describeProblem, type Translate } from '../../src/qcow2/describeProblem';
import { printable } from '../../src/text/printable';

const german = JSON.parse(readFileSync('l10n/bundle.l10n.de.json', 'utf8')) as Record<string, string>;

const inGerman: Translate = (template, args) =>
  (german[template] ?? template).replace(/\{(\w+)\}/g, (place, name: string) => String(args[name] ?? place));

describe('a problem in words', () => {
  it('names structures and reasons in the language of its sentence, with their own values', () => {
    expect(
      describeProblem(
        {
          kind: 'format',
          code: 'bitmap.constraints',
          file: 'a',
          offset: 0x50000,
          name: 'directory',
          what: 'the name is {value} bytes long, more than {limit}',
          value: 2000,
          limit: 1023,
        },
        inGerman,
      ),
    ).toBe(
      'Die Bitmap directory bei Offset 0x50000 erfüllt die Bedingungen nicht: der Name ist 2000 Bytes lang, mehr als 1023',
    );
    const table = { kind: 'format', code: 'header.tableTooLarge', file: 'a', value: 9, limit: 8 } as const;
    expect(describeProblem({ ...table, what: 'refcount table' }, inGerman)).toContain('Refcount-Tabelle');
    expect(describeProblem({ ...table, what: 'refcount table' })).toContain(
      'The refcount table is too large',
    );
  });

  it('leaves fields of the specification as they are', () => {
    expect(isFact('l1_table_offset')).toBe(false);
    const problem = { kind: 'format', code: 'value.tooLarge', file: 'a', offset: 40, value: '0x1' } as const;
    expect(describeProblem({ ...problem, what: 'l1_table_offset' }, inGerman)).toContain(
      'l1_table_offset bei',
    );
  });

  it('shows what would break the line, or turn its direction, in names of an image', () => {
    expect(printable('a\nb\u001b[31m\u202egpj.2woc\u2066')).toBe('a\\x0ab\\x1b[31m\\u202egpj.2woc\\u2066');
    expect(printable('Grüße "😀"')).toBe('Grüße "😀"');
  });
});
