/** The faults found in a translation. */
import { describe, expect, it } from 'vitest';
import { faultsOf, tidied } from '../../../scripts/lib/translations.mjs';

const ENGLISH = { Save: 'Save', '{0} of {1}': '{0} of {1}', 'Run `x`': 'Run `x`' };
const GERMAN = { Save: 'Speichern', '{0} of {1}': 'von {1} {0}', 'Run `x`': '`x` ausführen' };

describe('a translation', () => {
  it('is complete with every text, its places in any order', () => {
    expect(faultsOf('de.json', GERMAN, ENGLISH)).toEqual([]);
  });

  it('lacks a text that is not there, or empty', () => {
    const { '{0} of {1}': of, 'Run `x`': run } = GERMAN;
    const rest = { '{0} of {1}': of, 'Run `x`': run };
    expect(faultsOf('de.json', rest, ENGLISH)).toEqual(['de.json: not translated: "Save"']);
    expect(faultsOf('de.json', { ...rest, Save: ' ' }, ENGLISH)).toHaveLength(1);
  });

  it('is stale where it translates what is gone', () => {
    const stale = { ...GERMAN, Gone: 'Fort' };
    expect(faultsOf('de.json', stale, ENGLISH)).toEqual([
      'de.json: translates what is not there any more: "Gone"',
    ]);
    expect(tidied(stale, ENGLISH)).toEqual(GERMAN);
  });

  it.each([
    ['a place is missing', '{0} of {1}', 'von {1}'],
    ['a place is filled in twice', '{0} of {1}', '{0} {0} {1}'],
    ['code is another', 'Run `x`', '`y` ausführen'],
  ])('is wrong where %s', (_, key, text) => {
    expect(faultsOf('de.json', { ...GERMAN, [key]: text }, ENGLISH)).toEqual([
      `de.json: places, commands or code are others than in English: ${JSON.stringify(key)}`,
    ]);
  });
});
