/** Paths within a file system lead where the guest would find its files. */
import { describe, expect, it } from 'vitest';
import { GuestError } from '../../../src/guest/errors';
import { resolve } from '../../../src/guest/resolve';
import { FakeTree } from '../../support/guest/fakeTree';

const system = new FakeTree([
  {
    name: 'etc',
    entries: [
      { name: 'os-release', target: '../usr/lib/os-release' },
      { name: 'rc', target: '/usr/lib' },
      { name: 'up', target: '../../../../etc' },
      { name: 'self', target: 'self' },
      { name: 'gone', target: 'nowhere' },
      { name: 'passwd', content: 'root' },
    ],
  },
  { name: 'usr', entries: [{ name: 'lib', entries: [{ name: 'os-release', content: 'release' }] }] },
]);

const contentAt = (path: string): string => {
  const target = new Uint8Array(16);
  return Buffer.from(target.subarray(0, system.read(resolve(system, path).id, 0, target))).toString();
};

const codeAt = (path: string): string => {
  try {
    resolve(system, path);
    return 'found';
  } catch (error) {
    if (error instanceof GuestError) return error.problem.code;
    throw error;
  }
};

describe('a path', () => {
  it.each([
    ['/etc/passwd', 'root'],
    ['etc//./passwd', 'root'],
    ['/usr/../etc/passwd', 'root'],
    ['/../../etc/passwd', 'root'],
    ['/etc/os-release', 'release'],
    ['/etc/rc/os-release', 'release'],
    ['/etc/rc/../lib/os-release', 'release'],
    ['/etc/up/passwd', 'root'],
  ])('%s leads to a file', (path, content) => {
    expect(contentAt(path)).toBe(content);
  });

  it.each([
    ['/etc//./passwd', '/etc/passwd'],
    ['/etc/os-release', '/usr/lib/os-release'],
    ['/etc/rc/../lib', '/usr/lib'],
    ['/etc/up/rc', '/usr/lib'],
  ])('%s is %s without links', (path, real) => {
    expect(resolve(system, path).path).toBe(real);
  });

  it('may be the root', () => {
    for (const path of ['/', '', '/etc/..'])
      expect(resolve(system, path)).toEqual({ id: system.root, path: '/' });
  });

  it('to a link is the link where that is asked for', () => {
    expect(system.stat(resolve(system, '/etc/rc', { followsLast: false }).id).type).toBe('link');
    expect(system.stat(resolve(system, '/etc/rc').id).type).toBe('folder');
  });

  it.each([
    ['/etc/none', 'guest.noFile'],
    ['/etc/gone', 'guest.noFile'],
    ['/etc/passwd/x', 'guest.notFolder'],
    ['/etc/self', 'guest.links'],
    ['/ETC/passwd', 'guest.noFile'],
  ])('%s leads nowhere: %s', (path, code) => {
    expect(codeAt(path)).toBe(code);
  });

  it('may be in another case where the file system ignores case', () => {
    const caseless = Object.assign(new FakeTree([{ name: 'Windows', entries: [{ name: 'win.ini' }] }]), {
      ignoresCase: true,
    });
    const { id, path } = resolve(caseless, '/WINDOWS/Win.INI');
    expect(caseless.stat(id).type).toBe('file');
    expect(path).toBe('/Windows/win.ini');
  });
});
