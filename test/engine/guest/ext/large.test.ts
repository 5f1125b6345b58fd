/** Large ext file systems, folders and files: what they cost, and that they are read right. */
import * as fs from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { openExt } from '../../../../src/guest/ext/extSystem';
import { silent } from '../../../../src/qcow2/progress';
import { FileDevice } from '../../../support/guest/devices';
import { debugfs, judgedFree, succeed } from '../../../support/guest/extJudge';
import { freeOf } from '../../../support/guest/tree';
import { workspace } from '../../../support/workspace';

const TIB = 2 ** 40;

const place = workspace();
afterAll(() => {
  place.remove();
});

/** Milliseconds of processor time that an action takes: other programs do not count. */
function costOf(action: () => void): number {
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

describe('a large ext file system', () => {
  it('tells the free space of 8 TiB, and reads a file of 5 TiB that has holes', () => {
    const image = place.path('large');
    const options = ['-t', 'ext4', '-N', '100000', '-E', 'lazy_itable_init=1,lazy_journal_init=1'];
    succeed('mke2fs', ['-q', '-F', ...options, image, '8T']);
    fs.writeFileSync(place.path('end'), 'the end');
    debugfs(image, [`write ${place.path('end')} huge`, `sif huge size ${5 * TIB}`], true);
    const device = new FileDevice(image);
    const system = openExt(device);
    let free: [number, number][] = [];
    expect(costOf(() => (free = freeOf(system)))).toBeLessThan(1500);
    const sum = free.reduce((total, [start, end]) => total + end - start, 0);
    expect(sum).toBeGreaterThan(7.9 * TIB);
    expect(system.used(silent)).toBe(system.size - sum);
    const { id } = system.list(system.root).entries.find(({ name }) => name === 'huge')!;
    const bytes = Buffer.alloc(10, 1);
    expect(system.read(id, 0, bytes)).toBe(10);
    expect(bytes.toString()).toBe('the end\0\0\0');
    expect(system.read(id, 5 * TIB - 4, bytes)).toBe(4);
    expect(bytes.subarray(0, 4)).toEqual(Buffer.alloc(4));
    expect([...system.extents(id)].map(({ at, length }) => [at, length])).toEqual([
      [0, 4096],
      [4096, 5 * TIB - 4096],
    ]);
    device.close();
  });

  it('lists a hashed folder of 1,500 files', () => {
    const tree = place.path('tree');
    fs.mkdirSync(`${tree}/many`, { recursive: true });
    const names = Array.from({ length: 1_500 }, (_, index) => `a file with a name of its own ${index}`);
    fs.writeFileSync(`${tree}/first`, '');
    // Links to one file cost less than files.
    for (const name of names) fs.linkSync(`${tree}/first`, `${tree}/many/${name}`);
    const image = place.path('many');
    succeed('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '1024', '-d', tree, image, '20M']);
    // -D hashes the folder.
    succeed('e2fsck', ['-fyD', image]);
    expect(debugfs(image, ['htree_dump many'])).toContain('Number of entries (count)');
    const device = new FileDevice(image);
    const system = openExt(device);
    const { id } = system.list(system.root).entries.find(({ name }) => name === 'many')!;
    let listed: string[] = [];
    const cost = costOf(() => (listed = system.list(id).entries.map(({ name }) => name)));
    expect(cost).toBeLessThan(300);
    expect(listed.sort()).toEqual(names.sort());
    expect(system.list(id).problem).toBeUndefined();
    expect(freeOf(system)).toEqual(judgedFree(image));
    device.close();
  });
});
