/** Structures that lie: every walk ends, soon, and what can be read still is. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type BlockDevice, readBytes } from '../../../../src/guest/blockDevice';
import { GuestError, type GuestProblem } from '../../../../src/guest/errors';
import { openXfs } from '../../../../src/guest/xfs/xfs';
import { seededRandom } from '../../../support/builder/random';
import { MemoryDevice } from '../../../support/guest/devices';
import { exerciseDamaged } from '../../../support/guest/exercise';
import { type Fixture, readFixture } from '../../../support/guest/xfs/fixtures';
import { PatchedDevice } from '../../../support/guest/xfs/patched';
import { reseal } from '../../../support/guest/xfs/reseal';

const BLOCK = 4096;
const INODE = 512;
/** Of an inode: where the data fork begins. */
const FORK = 176;

let fixture: Fixture;
let device: PatchedDevice;
beforeEach(() => {
  fixture = readFixture('plain');
  device = new PatchedDevice(fixture.device);
});

/** Inodes of the first group: their numbers are those of their places. */
const inodeAt = (path: string): number => {
  const at = fixture.known.tree[path]!.inode * INODE;
  expect(at).toBeLessThan(device.u32(84) * BLOCK);
  return at;
};
const sealInode = (at: number): PatchedDevice => device.seal(at, INODE, 100);
const idOf = (path: string): number => fixture.known.tree[path]!.inode;

function problemOf(action: () => unknown): GuestProblem | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof GuestError) return error.problem;
    throw error;
  }
}

const readAll = (from: BlockDevice, path: string): number =>
  openXfs(from).read(idOf(path), 0, new Uint8Array(fixture.known.tree[path]!.size));

describe('inodes', () => {
  test('with a wrong checksum are shown with it, and their contents are refused', () => {
    device.setByte(inodeAt('pieces') + 8, (old) => old ^ 1);
    const system = openXfs(device);
    expect(system.stat(idOf('pieces')).problem).toMatchObject({ code: 'guest.checksum', what: 'inode' });
    expect(problemOf(() => readAll(device, 'pieces'))).toMatchObject({ code: 'guest.checksum' });
  });

  test('that count more extents than they can hold are refused', () => {
    const at = inodeAt('allocated');
    device.setU32(at + 76, () => 0x7fff_ffff);
    sealInode(at);
    expect(problemOf(() => readAll(device, 'allocated'))).toMatchObject({
      code: 'guest.value',
      what: 'extents of the inode',
    });
  });

  test('of the real-time device are shown as such, and their contents are refused', () => {
    const at = inodeAt('allocated');
    device.setU32(at + 88, (old) => old | 1);
    sealInode(at);
    expect(openXfs(device).stat(idOf('allocated')).problem).toEqual({
      code: 'xfs.realtime',
      value: idOf('allocated'),
    });
    expect(problemOf(() => readAll(device, 'allocated'))).toMatchObject({ code: 'xfs.realtime' });
  });

  test('that are free are no files', () => {
    const at = inodeAt('allocated');
    device.setByte(at + 2, () => 0).setByte(at + 3, () => 0);
    expect(problemOf(() => openXfs(device).stat(idOf('allocated')))).toEqual({
      code: 'guest.noFile',
      value: idOf('allocated'),
    });
  });

  test('with an extent beyond the file system are refused', () => {
    const at = inodeAt('allocated');
    device.setU32(at + FORK + 8, () => 0x7fff_ffff);
    sealInode(at);
    expect(problemOf(() => readAll(device, 'allocated'))).toMatchObject({ code: 'guest.beyond' });
    expect(problemOf(() => [...openXfs(device).extents(idOf('allocated'))])).toMatchObject({
      code: 'guest.beyond',
    });
  });
});

describe('trees of extents', () => {
  /** Where the root has a pointer: behind the most keys that there is room for before the attributes. */
  const pointerAt = (at: number, index: number): number => {
    const attributes = readBytes(device, at + 82, 1)[0]! * 8;
    const room = attributes === 0 ? INODE - FORK : attributes;
    return at + FORK + 4 + Math.floor((room - 4) / 16) * 8 + index * 8;
  };

  test('with the same leaf twice are refused', () => {
    const at = inodeAt('pieces');
    expect(device.u32(at + FORK) >>> 16).toBe(1);
    const first = device.u32(pointerAt(at, 0) + 4);
    device.setU32(pointerAt(at, 1) + 4, () => first);
    sealInode(at);
    expect(problemOf(() => readAll(device, 'pieces'))).toMatchObject({ code: 'guest.value' });
  });

  test('with a wrong checksum are refused', () => {
    const leaf = device.u32(pointerAt(inodeAt('pieces'), 0) + 4) * BLOCK;
    device.setByte(leaf + BLOCK - 1, (old) => old ^ 1);
    expect(problemOf(() => readAll(device, 'pieces'))).toEqual({
      code: 'guest.checksum',
      what: 'tree of extents',
      offset: leaf,
    });
  });

  test('with too many levels are refused', () => {
    const at = inodeAt('pieces');
    device.setU32(at + FORK, (old) => old | 0xfff_0000);
    sealInode(at);
    expect(problemOf(() => readAll(device, 'pieces'))).toMatchObject({ code: 'guest.value' });
  });
});

describe('folders', () => {
  /** The place of the first block of entries. */
  const blockOf = (path: string): number => {
    for (const { place } of openXfs(fixture.device).extents(idOf(path)))
      if (place !== undefined) return place;
    throw new Error('no block');
  };
  const namesOf = (path: string): string[] =>
    Object.keys(fixture.known.tree)
      .filter((other) => other.startsWith(`${path}/`) && !other.slice(path.length + 1).includes('/'))
      .map((other) => other.slice(path.length + 1));

  test('with a wrong checksum of a block are listed, with the problem', () => {
    const block = blockOf('large');
    // The space for attributes of the block's header.
    device.setByte(block + 60, (old) => old ^ 1);
    const { entries, problem } = openXfs(device).list(idOf('large'));
    expect(problem).toEqual({ code: 'guest.checksum', what: 'directory block', offset: block });
    expect(entries.map(({ name }) => name).sort()).toEqual(namesOf('large').sort());
  });

  test('of which one block is overwritten are listed but for that', () => {
    const block = blockOf('large');
    device.setU32(block, () => 0);
    const { entries, problem } = openXfs(device).list(idOf('large'));
    expect(problem).toMatchObject({ code: 'guest.value', what: 'directory block', offset: block });
    expect(entries.length).toBeGreaterThan(50);
    expect(entries.length).toBeLessThan(namesOf('large').length);
  });

  test('whose entries have no length end the listing of that block', () => {
    const block = blockOf('large');
    device.setU32(block + 64 + 32, () => 0xffff_0000);
    device.seal(block, BLOCK, 4);
    const { entries, problem } = openXfs(device).list(idOf('large'));
    expect(problem).toMatchObject({ code: 'guest.value' });
    expect(entries.length).toBeGreaterThan(50);
  });
});

test('damaged file systems end in nothing but a GuestError', () => {
  const { device: small } = readFixture('exchange');
  const bytes = readBytes(small, 0, small.size);
  for (let seed = 0; seed < 4; seed++)
    exerciseDamaged(
      (copy) => {
        if (seed % 2 === 0 && copy instanceof MemoryDevice) reseal(copy.bytes);
        return openXfs(copy);
      },
      bytes,
      seededRandom(seed),
    );
});
