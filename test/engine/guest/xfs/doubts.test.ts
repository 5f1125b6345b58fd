/** When the map of free space is not believed, while files are read all the same. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GuestError } from '../../../../src/guest/errors';
import type { FileSystem } from '../../../../src/guest/fileSystem';
import { type BlockDevice, readBytes } from '../../../../src/guest/blockDevice';
import { openXfs } from '../../../../src/guest/xfs/xfs';
import { silent } from '../../../../src/qcow2/progress';
import { seededRandom } from '../../../support/builder/random';
import { FileDevice } from '../../../support/guest/devices';
import { freeOf, treeOf } from '../../../support/guest/tree';
import { readFixture } from '../../../support/guest/xfs/fixtures';
import { FLAVOURS } from '../../../support/guest/xfs/flavours';
import { judgedFree } from '../../../support/guest/xfs/judge';
import { must } from '../../../support/guest/xfs/mounted';
import { PatchedDevice } from '../../../support/guest/xfs/patched';
import { makeProtoImage, makeXfs, type ProtoImage } from '../../../support/guest/xfs/proto';
import { workspace } from '../../../support/workspace';

const place = workspace();
afterAll(() => {
  place.remove();
});

const PLAN = { files: 40, largeFolder: 0, longest: 20_000 };
type Made = ProtoImage & { readonly device: FileDevice };
let v5: Made;
let v4: Made;
beforeAll(() => {
  const make = (name: string): Made => {
    const flavour = FLAVOURS.find((other) => other.name === name)!;
    const made = makeProtoImage(fs.mkdtempSync(place.path('made-')), flavour, PLAN, seededRandom(1));
    return { ...made, device: new FileDevice(made.path) };
  };
  v5 = make('v5');
  v4 = make('v4');
});

const SUPERBLOCK = { at: 0, checksum: 224 };
const AGF = { at: 512, checksum: 216 };

interface Sector {
  readonly at: number;
  readonly checksum: number;
}

/** With 4 bytes of a sector changed, and its checksum right again. */
function changed(
  { device }: Made,
  { at, checksum }: Sector,
  field: number,
  change: (old: number) => number,
): PatchedDevice {
  return new PatchedDevice(device).setU32(at + field, change).seal(at, 512, checksum);
}

const patched = ({ device }: Made): PatchedDevice => new PatchedDevice(device);
const open = (device: BlockDevice): FileSystem => openXfs(device);
const codesOf = (system: FileSystem): string[] => system.doubts.map(({ code }) => code);
const codes = (device: BlockDevice): string[] => codesOf(open(device));

function expectAllFiles(system: FileSystem, { tree }: ProtoImage): void {
  expect(treeOf(system)).toEqual(tree);
}

describe('the superblock', () => {
  test('that is as it should be gives no doubts', () => {
    expect(open(v5.device).doubts).toEqual([]);
    expect(open(v4.device).doubts).toEqual([]);
  });

  test.each([
    ['features_compat', 208, 0x1],
    ['features_ro_compat', 212, 0x10],
    ['features_ro_compat', 212, 0x8000_0000],
    ['features_incompat', 216, 0x100],
    ['features_log_incompat', 220, 0x2],
    ['features2', 200, 0x400],
  ])('with an unknown bit of %s is doubted, and files are read', (what, field, bit) => {
    const system = open(changed(v5, SUPERBLOCK, field, (old) => old | bit));
    expect(system.doubts).toEqual([{ code: 'xfs.feature', what, value: expect.any(String) as string }]);
    expectAllFiles(system, v5);
  });

  test('with an incompatible bit that could mean anything is doubted, and no file is read', () => {
    const system = open(changed(v5, SUPERBLOCK, 216, (old) => old | 0x4000_0000));
    expect(codesOf(system)).toEqual(['xfs.feature']);
    expect(system.uuid).toMatch(/^[0-9a-f-]{36}$/u);
    expect(() => system.list(system.root)).toThrow('guest.notRead');
    expect(() => system.stat(system.root)).toThrow('guest.notRead');
  });

  test.each([
    ['features2', 200, 0x4],
    ['bad_features2', 204, 0x8000_0000],
  ])('of version 4 with an unknown bit of %s is doubted, and files are read', (_name, field, bit) => {
    const device = patched(v4);
    device.setU32(field, (old) => old | bit);
    expect(codes(device)).toEqual(['xfs.feature']);
    expectAllFiles(open(device), v4);
  });

  test('of version 4 with old directories is refused', () => {
    const device = patched(v4);
    device.setByte(100, (old) => old & ~0x20);
    expect(() => open(device)).toThrow('guest.notRead');
  });

  test('that asks for repair is doubted', () => {
    const system = open(changed(v5, SUPERBLOCK, 216, (old) => old | 0x10));
    expect(codesOf(system)).toEqual(['xfs.needsRepair']);
    expectAllFiles(system, v5);
  });

  test('that mkfs.xfs has not finished is doubted', () => {
    const device = changed(v5, SUPERBLOCK, 124, (old) => old | 0x100);
    expect(codes(device)).toEqual(['xfs.inProgress']);
  });

  test('with a wrong checksum is doubted, and files are read', () => {
    const device = patched(v5);
    device.setByte(108, () => 0x41);
    const system = open(device);
    expect(system.doubts).toEqual([{ code: 'guest.checksum', what: 'superblock', offset: 0 }]);
    expect(system.label).toBe('A');
    expectAllFiles(system, v5);
  });

  test('of a file system that is longer than its device is doubted, and has no free space', () => {
    const system = open(new PatchedDevice(v5.device, v5.device.size - 4096));
    expect(codesOf(system)).toEqual(['xfs.shorterDevice']);
    expect(() => freeOf(system)).toThrow('guest.beyond');
    expectAllFiles(system, v5);
  });

  test.each([
    ['magic', 0, 0x58465341],
    ['block size', 4, 4095],
    ['block size', 4, 0x20000],
    ['blocks', 8, 0x7fff_ffff],
    ['blocks of a group', 84, 0],
    ['groups', 88, 0xffff_ffff],
  ])('without a valid %s is refused', (_name, field, value) => {
    expect(() => open(changed(v5, SUPERBLOCK, field, () => value))).toThrow('guest.value');
  });

  test('of another version is refused', () => {
    expect(() => open(changed(v5, SUPERBLOCK, 100, (old) => old ^ 0x3_0000))).toThrow('guest.value');
  });
});

describe('free space is not told', () => {
  const expectRefused = (device: BlockDevice, code: string, what: string): void => {
    const system = open(device);
    expect(system.doubts).toEqual([]);
    let problem: unknown;
    try {
      freeOf(system);
    } catch (error) {
      problem = error instanceof GuestError ? error.problem : error;
    }
    expect(problem).toMatchObject({ code, what });
  };
  /** The block of the tree of free blocks of the first group. */
  const rootAt = (device: PatchedDevice): number => device.u32(AGF.at + 16) * device.u32(4);

  test('where the header of a group has a wrong checksum', () => {
    const device = patched(v5);
    device.setByte(AGF.at + 60, (old) => old ^ 1);
    expectRefused(device, 'guest.checksum', 'AGF');
    expect(() => open(device).used(silent)).toThrow('guest.checksum');
  });

  test('where the list of a group has a wrong checksum', () => {
    const device = patched(v5);
    device.setByte(3 * 512 + 40, (old) => old ^ 1);
    expectRefused(device, 'guest.checksum', 'AGFL');
  });

  test('where the tree has a wrong checksum', () => {
    const device = patched(v5);
    device.setByte(rootAt(device) + 4000, (old) => old ^ 1);
    expectRefused(device, 'guest.checksum', 'tree of free blocks');
  });

  test('where the sum is not what the header says', () => {
    expectRefused(
      changed(v5, AGF, 52, (old) => old - 1),
      'guest.value',
      'AGF',
    );
  });

  test('where the header is of another group', () => {
    expectRefused(
      changed(v5, AGF, 8, () => 1),
      'guest.value',
      'AGF',
    );
  });

  test.each([
    ['the headers', 0],
    ['the list', 0],
    ['the log', 1],
  ])('where a free stretch is within %s', (name, group) => {
    const device = patched(v4);
    const header = group * device.u32(84) * 4096 + AGF.at;
    const root = (group * device.u32(84) + device.u32(header + 16)) * 4096;
    const list = header + 1024;
    const places = new Map([
      ['the headers', 0],
      ['the list', device.u32(list + device.u32(header + 40) * 4)],
      ['the log', device.u32(52) % 2 ** 13],
    ]);
    device.setU32(root + 16, () => places.get(name)!).setU32(root + 20, () => 1);
    expectRefused(device, 'guest.value', 'tree of free blocks');
  });

  test('where a block of the tree leads back to itself', () => {
    const device = patched(v4);
    const root = rootAt(device);
    // One level more, whose only pointer is to the root.
    device.setU32(root + 4, (old) => (old & 0xffff) + 0x1_0000);
    device.setU32(AGF.at + 28, () => 2);
    device.setU32(root + 16 + Math.floor((4096 - 16) / 12) * 8, () => root / 4096);
    expectRefused(device, 'guest.value', 'tree of free blocks');
  });
});

describe('the log', () => {
  /** Its place, and its length. */
  const logOf = (device: PatchedDevice): [number, number] => {
    const bits = device.u32(124) >>> 24;
    const [group, block] = [device.u32(52) >>> bits, device.u32(52) % 2 ** bits];
    return [(group * device.u32(84) + block) * 4096, device.u32(96) * 4096];
  };

  test('that was not closed is doubted', () => {
    expect(open(readFixture('unclean').device).doubts).toEqual([{ code: 'xfs.notClosed' }]);
  });

  test('is believed once xfs_repair has made a new one', () => {
    const image = place.path('repaired.img');
    const { device } = readFixture('unclean');
    fs.writeFileSync(image, readBytes(device, 0, device.size));
    must('xfs_repair', ['-L', image]);
    const system = open(new FileDevice(image));
    expect(system.doubts).toEqual([]);
    expect(freeOf(system)).toEqual(judgedFree(image));
  });

  test('on another device is doubted', () => {
    const log = place.path('log.img');
    fs.writeFileSync(log, '');
    fs.truncateSync(log, 20 * 2 ** 20);
    makeXfs(place.path('data.img'), 40, ['-l', `logdev=${log},size=16m`]);
    expect(codes(new FileDevice(place.path('data.img')))).toEqual(['xfs.externalLog']);
  });

  test('whose last record is not of unmounting is doubted', () => {
    const device = patched(v5);
    const [log] = logOf(device);
    expect(codes(device.setByte(log + 512 + 9, () => 0))).toEqual(['xfs.notClosed']);
  });

  test.each([
    ['is all zeroes', 0, 0],
    ['has another cycle soon behind the end', 2000 * 512, 1],
    ['has another cycle at its own end', -512, 7],
    ['has another UUID', 304, 0x1234],
    ['has a record of an impossible length', 12, 0x1000_0000],
    ['is of an unknown version', 8, 3],
  ])('that %s is unclear', (_name, field, value) => {
    const device = patched(v5);
    const [log, length] = logOf(device);
    expect(codes(device.setU32(field < 0 ? log + length + field : log + field, () => value))).toEqual([
      'xfs.logUnclear',
    ]);
  });

  test('that is not on the device is unclear', () => {
    expect(codes(changed(v5, SUPERBLOCK, 52, () => 0x7fff_ffff))).toEqual(['xfs.logUnclear']);
  });

  test('that a kernel has closed is unclear where a checksum is wrong', () => {
    const device = new PatchedDevice(readFixture('plain').device);
    expect(codes(device)).toEqual([]);
    const [log, length] = logOf(device);
    let last = -1;
    for (let at = log; at < log + length; at += 512)
      if (device.u32(at) === 0xfeedbabe && device.u32(at + 4) === 1) last = at;
    // Behind the flags that tell what it is.
    device.setByte(last + 512 + 13, (old) => old ^ 1);
    expect(codes(device)).toEqual(['xfs.logUnclear']);
  });
});
