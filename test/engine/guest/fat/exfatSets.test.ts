/** Entry sets of exFAT that were written by hand. */
import { expect, test } from 'vitest';
import { GuestError } from '../../../../src/guest/errors';
import { openExfat } from '../../../../src/guest/fat/exfat';
import type { FileSystem } from '../../../../src/guest/fileSystem';
import { exfatSet, type Giant, giantExfat } from '../../../support/guest/fatGiants';

/** An exFAT of 1000 clusters of 512 bytes: the root directory in cluster 2, the bitmap in 3. */
const SHIFT = 9;

function giantWith(...sets: readonly Buffer[]): Giant {
  const giant = giantExfat(1000, SHIFT);
  giant.device.write(Buffer.concat(sets), giant.heap + 32);
  return giant;
}

const withSets = (...sets: readonly Buffer[]): FileSystem => openExfat(giantWith(...sets).device);

const placeOf = ({ heap }: Giant, cluster: number): number => heap + (cluster - 2) * 2 ** SHIFT;
const namesOf = (system: FileSystem, folder = 0): string[] =>
  system.list(folder).entries.map(({ name }) => name);

test('what was never written of a file reads as zeroes', () => {
  const giant = giantWith(exfatSet({ name: 'file', cluster: 10, size: 2000, written: 700 }));
  giant.device.write(new Uint8Array(2048).fill(9), placeOf(giant, 10));
  const system = openExfat(giant.device);
  const { id } = system.list(0).entries[0]!;
  const target = new Uint8Array(3000).fill(5);
  expect(system.read(id, 0, target)).toBe(2000);
  expect(target.lastIndexOf(9)).toBe(699);
  expect(target.subarray(700, 2000).every((byte) => byte === 0)).toBe(true);
  expect(target.indexOf(5)).toBe(2000);
  expect(system.read(id, 1500, target)).toBe(500);
  expect(system.stat(id)).toMatchObject({ size: 2000, allocated: 2048 });
});

test('a set with a wrong checksum is left out, and told', () => {
  const broken = exfatSet({ name: 'broken' });
  broken[70]! ^= 1;
  const system = withSets(exfatSet({ name: 'before' }), broken, exfatSet({ name: 'after' }));
  expect(namesOf(system)).toEqual(['before', 'after']);
  expect(system.list(0).problem).toMatchObject({ code: 'guest.checksum' });
});

test('deleted sets, and entries that are not known, are passed over', () => {
  const deleted = exfatSet({ name: 'deleted' });
  for (let at = 0; at < deleted.length; at += 32) deleted[at]! &= 0x7f;
  const unknown = Buffer.alloc(32);
  // The volume's GUID.
  unknown[0] = 0xa0;
  const system = withSets(deleted, unknown, exfatSet({ name: 'there' }));
  expect(system.list(0)).toMatchObject({ entries: [{ name: 'there' }] });
  expect(system.list(0).problem).toBeUndefined();
});

test('a set that another one interrupts is told', () => {
  const cut = exfatSet({ name: 'cut' }).subarray(0, 64);
  const system = withSets(cut, exfatSet({ name: 'whole' }));
  expect(namesOf(system)).toEqual(['whole']);
  expect(system.list(0).problem).toMatchObject({ code: 'guest.value' });
});

test.each([1, 3] as const)('sets across the clusters of a folder are read (flags %i)', (flags) => {
  const sets = Array.from({ length: 20 }, (_, index) =>
    exfatSet({ name: `file ${index}`, cluster: 50 + index, size: index + 1 }),
  );
  // A set with three names moves the others on to where they begin in the last entry of a cluster.
  for (const first of ['n', 'n'.repeat(20), 'n'.repeat(40)]) {
    const bytes = Buffer.concat([exfatSet({ name: first }), ...sets]);
    const clusters = flags === 3 ? [20, 21, 22, 23, 24] : [20, 31, 22, 33, 24];
    const giant = giantWith(
      exfatSet({ name: 'folder', attributes: 0x10, flags, cluster: 20, size: 5 * 512 }),
    );
    for (const [index, cluster] of clusters.entries()) {
      giant.device.write(bytes.subarray(index * 512, index * 512 + 512), placeOf(giant, cluster));
      if (flags === 1) giant.link(cluster, Uint32Array.of(clusters[index + 1] ?? 0xffffffff));
    }
    const system = openExfat(giant.device);
    const folder = system.list(0).entries[0]!.id;
    const { entries, problem } = system.list(folder);
    expect([entries.length, problem]).toEqual([21, undefined]);
    expect(entries.map(({ id }) => system.stat(id).size)).toEqual([0, ...sets.map((_, index) => index + 1)]);
    expect([...system.extents(folder)].length).toBe(flags === 3 ? 1 : 5);
  }
});

test('times are told in UTC, with hundredths of a second', () => {
  // 2020-02-03 04:05:06 and a half, 2 hours ahead of UTC; then 3.5 hours behind; then without a zone.
  const stamp = ((((40 << 9) | (2 << 5) | 3) << 16) | (4 << 11) | (5 << 5) | 3) >>> 0;
  const zones = [0x80 | 8, 0x80 | (-14 & 0x7f), 14];
  const system = withSets(
    ...zones.map((zone, index) => exfatSet({ name: String(index), modified: [stamp, 50, zone] })),
  );
  const told = system.list(0).entries.map(({ id }) => new Date(system.stat(id).modified!).toISOString());
  expect(told).toEqual(['2020-02-03T02:05:06.500Z', '2020-02-03T07:35:06.500Z', '2020-02-03T04:05:06.500Z']);
});

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof GuestError) return error.problem.code;
    throw error;
  }
  return 'none';
}

test('files that cannot be are told', () => {
  const system = withSets(
    exfatSet({ name: 'beyond', cluster: 1000, size: 2000 }),
    exfatSet({ name: 'larger than all', cluster: 10, size: 2 ** 40 }),
    exfatSet({ name: 'no cluster', cluster: 0, size: 100 }),
    exfatSet({ name: 'not allocated', flags: 0, cluster: 77, size: 100 }),
  );
  const target = new Uint8Array(10);
  const [beyond, larger, none, empty] = system.list(0).entries.map(({ id }) => id);
  expect(codeOf(() => system.read(beyond!, 0, target))).toBe('guest.beyond');
  expect(codeOf(() => system.read(larger!, 0, target))).toBe('guest.beyond');
  expect(system.stat(larger!).problem).toMatchObject({ code: 'fat.short' });
  expect(codeOf(() => system.read(none!, 0, target))).toBe('guest.value');
  expect(system.read(empty!, 0, target)).toBe(0);
  expect(codeOf(() => system.list(empty!))).toBe('guest.notFolder');
  expect(codeOf(() => system.stat(12_345))).toBe('guest.noFile');
});

test('two folders with the same clusters are told, and the walk ends', () => {
  const system = withSets(
    exfatSet({ name: 'one', attributes: 0x10, cluster: 20, size: 512 }),
    exfatSet({ name: 'two', attributes: 0x10, cluster: 20, size: 512 }),
    exfatSet({ name: 'root', attributes: 0x10, cluster: 2, size: 512 }),
  );
  const problems = system.list(0).entries.map(({ id }) => system.list(id).problem?.code);
  expect(problems).toEqual([undefined, 'fat.shared', 'fat.shared']);
});
