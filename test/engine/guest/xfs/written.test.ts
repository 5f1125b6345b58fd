/** Images that a kernel has written, with files changed and deleted: all that the kernel said of them. */
import { describe, expect, test } from 'vitest';
import { openXfs } from '../../../../src/guest/xfs/xfs';
import { freeOf } from '../../../support/guest/tree';
import { fixtureNames, readFixture } from '../../../support/guest/xfs/fixtures';
import { readerTree } from '../../../support/guest/xfs/known';

const NAMES = fixtureNames().filter((name) => name !== 'unclean');

describe('reads what a kernel has written', () => {
  test('of at least eight kinds', () => {
    expect(NAMES.length).toBeGreaterThanOrEqual(8);
  });

  test.each(NAMES)('%s: names, contents, times, extents and free space', (name) => {
    const { device, known } = readFixture(name);
    const system = openXfs(device);
    expect(readerTree(system, known.tree)).toEqual(known.tree);
    expect(freeOf(system)).toEqual(known.free);
    expect(system.doubts).toEqual([]);
  });
});

describe('reads parts of files', () => {
  const { device, known } = readFixture('plain');
  const system = openXfs(device);
  const whole = (name: string): { id: number; content: Uint8Array } => {
    const { inode, size } = known.tree[name]!;
    const content = new Uint8Array(size);
    expect(system.read(inode, 0, content)).toBe(size);
    return { id: inode, content };
  };

  test.each(['pieces', 'allocated'])('of %s from anywhere, as of the whole', (name) => {
    const { id, content } = whole(name);
    for (let at = 0; at < content.length; at += 37_003) {
      const part = new Uint8Array(9000).fill(0xee);
      const length = system.read(id, at, part);
      expect(length).toBe(Math.min(9000, content.length - at));
      expect(Buffer.compare(part.subarray(0, length), content.subarray(at, at + length))).toBe(0);
    }
    expect(system.read(id, content.length, new Uint8Array(10))).toBe(0);
    expect(system.read(id, content.length + 5, new Uint8Array(10))).toBe(0);
  });

  test('of a sparse terabyte, at once', () => {
    const { inode, size } = known.tree['sparse']!;
    const part = new Uint8Array(100).fill(0xee);
    expect(size).toBe(2 ** 40 + 5);
    expect(system.read(inode, 2 ** 40 - 50, part)).toBe(55);
    expect(part.subarray(0, 55).every((byte) => byte === 0)).toBe(true);
    expect([...system.extents(inode)]).toEqual([{ at: 0, length: size, place: undefined, isHole: true }]);
  });

  test('and refuses what has no contents, and no entries', () => {
    const file = known.tree['pieces']!.inode;
    expect(() => system.list(file)).toThrow('guest.notFolder');
    expect(() => system.read(system.root, 0, new Uint8Array(1))).toThrow('guest.notFile');
    expect(() => system.stat(2 ** 40)).toThrow('guest.noFile');
    expect(() => system.stat(0)).toThrow('guest.noFile');
  });
});
