/** Large, and in time: FAT and exFAT of terabytes, long chains, and many files. */
import { expect, test } from 'vitest';
import { openExfat } from '../../../../src/guest/fat/exfat';
import { openFat } from '../../../../src/guest/fat/fat';
import { silent } from '../../../../src/qcow2/progress';
import { exfatSet, fatEntry, giantExfat, giantFat32 } from '../../../support/guest/fatGiants';
import { freeOf } from '../../../support/guest/tree';

/** How much slower than the machine at hand others may be. */
const SLOWER = 4;

/** @param milliseconds that it may take of one core, whatever else runs at the same time */
function timed<T>(milliseconds: number, action: () => T): T {
  const before = process.cpuUsage();
  const result = action();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(milliseconds * SLOWER);
  return result;
}

const TERABYTE = 2 ** 40;

test('a file of 4 GiB - 1 in clusters of 512 bytes that lie in reverse order is read anywhere', () => {
  const count = 2 ** 23;
  const { device, heap, link } = giantFat32(count + 100, 1);
  // Cluster 10 + n is followed by 9 + n: the file begins at the far end.
  const chain = new Uint32Array(count);
  for (let index = 0; index < count; index++) chain[index] = index === 0 ? 0x0fffffff : 9 + index;
  link(10, chain);
  device.write(fatEntry('REVERSEDBIN', 0x20, 9 + count, 0xffffffff), heap);
  for (const index of [0, 1, 77, count >> 1, count - 1])
    device.write(Buffer.from([index & 0xff, 1]), heap + (7 + count - index) * 512);
  const system = openFat(device);
  const { id } = system.list(system.root).entries[0]!;
  const target = new Uint8Array(2);
  timed(2000, () => {
    for (const index of [count - 1, 0, count >> 1, 1, 77, count - 1]) {
      expect(system.read(id, index * 512, target)).toBe(2);
      expect([...target]).toEqual([index & 0xff, 1]);
    }
  });
  // Backwards, piece by piece: not from the start each time.
  timed(300, () => {
    for (let index = count - 1; index > count - 20_000; index -= 100) system.read(id, index * 512, target);
  });
  expect(system.read(id, 0xfffffffe, target)).toBe(1);
  expect(system.read(id, 0xffffffff, target)).toBe(0);
});

test('10,000 files of a folder are listed, and looked at, in time', () => {
  const { device, heap, link } = giantFat32(70_000, 64);
  const entries = Array.from({ length: 10_000 }, (_, index) =>
    fatEntry(String(index).padEnd(11), 0x20, 0, 0),
  );
  link(
    2,
    Uint32Array.from({ length: 10 }, (_, index) => (index === 9 ? 0x0fffffff : 3 + index)),
  );
  device.write(Buffer.concat(entries), heap);
  const system = openFat(device);
  const listing = timed(100, () => system.list(system.root));
  expect(listing).toMatchObject({ entries: { length: 10_000 } });
  expect(listing.problem).toBeUndefined();
  timed(1500, () => {
    for (let round = 0; round < 15; round++) for (const { id } of listing.entries) system.stat(id);
  });
});

test('a folder beyond 65,536 entries ends with a problem', () => {
  const { device, heap, link } = giantFat32(70_000, 64);
  link(
    2,
    Uint32Array.from({ length: 70 }, (_, index) => (index === 69 ? 0x0fffffff : 3 + index)),
  );
  const entry = fatEntry('SAME       ', 0x20, 0, 0);
  device.write(Buffer.concat(Array<Buffer>(70 * 1024).fill(entry)), heap);
  const { entries, problem } = openFat(device).list(0);
  expect([entries.length, problem?.code]).toEqual([65_536, 'guest.tooMany']);
});

test('a FAT32 of 2 TiB and an exFAT of 8 TiB are measured in time', () => {
  const fat = giantFat32(2 ** 25 - 4096, 128);
  timed(1000, () => {
    const system = openFat(fat.device);
    expect(freeOf(system)).toEqual([[fat.heap + 65_536, fat.heap + (2 ** 25 - 4096) * 65_536]]);
  });
  const exfat = giantExfat(2 ** 26, 17);
  timed(300, () => {
    const system = openExfat(exfat.device);
    expect(system.used(silent)).toBe(65 * 2 ** 17);
    expect(freeOf(system)).toEqual([[exfat.heap + 65 * 2 ** 17, exfat.heap + 8 * TERABYTE]]);
  });
});

test('a contiguous exFAT file of 6 TiB is read anywhere', () => {
  const { device, heap } = giantExfat(2 ** 26, 17);
  const size = 6 * TERABYTE - 5;
  device.write(exfatSet({ name: 'huge', cluster: 1000, size }), heap + 32);
  const start = heap + 998 * 2 ** 17;
  device.write(Buffer.from('end'), start + size - 3);
  const system = openExfat(device);
  const { id } = system.list(system.root).entries[0]!;
  const target = Buffer.alloc(10);
  expect(system.read(id, size - 3, target)).toBe(3);
  expect(target.toString('latin1', 0, 3)).toBe('end');
  expect([...system.extents(id)]).toEqual([{ at: 0, length: 6 * TERABYTE, place: start }]);
  expect(system.stat(id)).toMatchObject({ size, allocated: 6 * TERABYTE });
});
