/** Globs have the same meaning as in VS Code's settings. */
import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../../src/worker/glob';

describe('a glob', () => {
  it.each([
    [
      '**/node_modules/**',
      ['node_modules', 'a/node_modules', 'a/node_modules/b/c'],
      ['node_module', 'anode_modules'],
    ],
    ['**/{.git,node_modules}/**', ['.git', '.git/x', 'a/node_modules/b'], ['a/.gitx', 'git']],
    ['*.img', ['a.img', '.img'], ['b/a.img', 'a.img2']],
    ['**/*.img', ['a.img', 'b/a.img', 'c/b/a.img'], ['a.img/b']],
    ['build', ['build'], ['a/build', 'build/x']],
    ['build/**', ['build', 'build/x/y'], ['builds']],
    ['a?c', ['abc', 'a.c'], ['ac', 'a/c']],
    ['[a-c]x', ['ax', 'cx'], ['dx', '/x']],
    ['[!a-c]x', ['dx'], ['ax', '/x']],
    ['a[.]b', ['a.b'], ['axb']],
    ['x.{a,b*,{c,d}e}', ['x.a', 'x.bb', 'x.ce', 'x.de'], ['x.c', 'x.{a', 'xxa']],
    ['{**/a/**,b/**/c}', ['x/a/y', 'a', 'b/c', 'b/x/c'], ['b', 'c']],
    ['**', ['a', 'a/b'], []],
    ['a+(b)$^', ['a+(b)$^'], ['aab']],
    ['**/disk?1?.img', ['x/disk[1].img'], ['disk1.img']],
  ])('%s', (glob, hits, misses) => {
    const matches = compileGlob(glob);
    expect(hits.filter((path) => !matches(path))).toEqual([]);
    expect(misses.filter(matches)).toEqual([]);
  });

  it('that cannot be read matches nothing', () => {
    expect(compileGlob('{a')('a')).toBe(false);
    expect(compileGlob('[z-a]')('b')).toBe(false);
  });

  it('may ignore the case', () => {
    expect(compileGlob('*.IMG', true)('a.img')).toBe(true);
    expect(compileGlob('*.IMG', false)('a.img')).toBe(false);
  });
});
