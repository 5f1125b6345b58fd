/** A short run of `npm run soak`: one case of each kind. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { run, type Ran } from '../../support/process';
import { REPOSITORY } from '../../support/repository';
import { workspace } from '../../support/workspace';

const place = workspace();
afterAll(() => {
  place.remove();
});

const soak = (...args: string[]): Ran =>
  run(process.execPath, ['test/soak/run.mjs', ...args], { cwd: REPOSITORY, timeout: 120_000 });

describe('soak', () => {
  test('takes turns, tells totals, and makes the same cases from the same seed', { timeout: 240_000 }, () => {
    const results = place.path('results.json');
    const args = ['--minutes', '0', '--seed', '5', '--kinds=damage,leaks', '--results', results];
    const { status, stdout, stderr } = soak(...args);
    expect(`${status} ${stderr}`).toBe('0 ');
    expect(JSON.parse(readFileSync(results, 'utf8'))).toMatchObject({ passed: 2, failures: [] });
    const turns = String(stdout)
      .match(/^\S+, seeds from \d+: 1 cases, 1 images/gm)
      ?.sort();
    expect(turns).toHaveLength(2);
    expect(String(stdout)).toMatch(/^all: 2 cases, 2 images, \d+ operations, 0 kill points, 0 violations, /m);
    expect(String(stdout)).toContain('npm run soak -- --minutes 0 --seed 5 --kinds=damage,leaks');
    const again = String(soak(...args).stdout);
    expect(again.match(/^\S+, seeds from \d+: 1 cases, 1 images/gm)?.sort()).toEqual(turns);
  });

  test.each([
    [['--kinds=nonsense'], "no kind 'nonsense': fuzz, "],
    [['--case', '3'], '--case needs --kinds=KIND'],
    [['--minutes', 'long'], '--minutes long: not a number from 0 to '],
    [['--nonsense'], 'nonsense'],
  ])('refuses %j', (args, words) => {
    const { status, stderr } = soak(...args);
    expect(status).toBe(64);
    expect(stderr).toContain(`soak: `);
    expect(stderr).toContain(words);
  });
});
