/**
 * A tree of extents of version 4, which neither mkfs.xfs nor today's kernels make: put into an image by hand. xfs_db is the
 * judge of whether it was put there right.
 */
import * as fs from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { openXfs } from '../../../../src/guest/xfs/xfs';
import { seededRandom } from '../../../support/builder/random';
import { FileDevice } from '../../../support/guest/devices';
import { sha256Of } from '../../../support/guest/tree';
import { FLAVOURS } from '../../../support/guest/xfs/flavours';
import { xfsDb } from '../../../support/guest/xfs/judge';
import { makeProtoImage } from '../../../support/guest/xfs/proto';
import { workspace } from '../../../support/workspace';

const BLOCK = 4096;
const INODE = 256;
const FORK = 100;

const place = workspace();
afterAll(() => {
  place.remove();
});

test('reads a file of version 4 whose extents are in a tree of two levels', () => {
  const flavour = FLAVOURS.find(({ name }) => name === 'v4')!;
  const plan = { files: 60, largeFolder: 0, longest: 1_500_000 };
  const { path, tree } = makeProtoImage(place.folder, flavour, plan, seededRandom(6));
  const before = openXfs(new FileDevice(path));
  const [name, { content, size }] = [...tree]
    .filter(([key, { type }]) => type === 'file' && !key.includes('/'))
    .sort(([, one], [, other]) => other.size - one.size)[0]!;
  const id = before.list(before.root).entries.find((entry) => entry.name === name)!.id;
  const first = [...before.extents(id)][0]!.place! / BLOCK;
  const blocks = Math.ceil(size / BLOCK);
  expect(blocks).toBeGreaterThan(20);

  const disk = fs.readFileSync(path);
  const free: number[] = [];
  before.forEachFree((start) => free.push(start / BLOCK), {
    report: () => undefined,
    checkCancelled: () => undefined,
  });
  // Two leaves in free blocks of the first group; every record has one block of the file.
  const leaves = [free.at(0)! + 1, free.at(0)! + 3];
  const half = Math.floor(blocks / 2);
  [
    [0, half],
    [half, blocks],
  ].forEach(([from, to], index) => {
    const leaf = disk.subarray(leaves[index]! * BLOCK, (leaves[index]! + 1) * BLOCK);
    leaf.write('BMAP', 'latin1');
    leaf.writeUInt16BE(to! - from!, 6);
    leaf.writeBigInt64BE(index === 0 ? -1n : BigInt(leaves[0]!), 8);
    leaf.writeBigInt64BE(index === 1 ? -1n : BigInt(leaves[1]!), 16);
    for (let at = from!; at < to!; at++) {
      leaf.writeBigUInt64BE(BigInt(at) << 9n, 24 + (at - from!) * 16);
      leaf.writeBigUInt64BE((BigInt(first + at) << 21n) | 1n, 32 + (at - from!) * 16);
    }
  });
  const inode = disk.subarray(id * INODE, (id + 1) * INODE);
  inode[5] = 3;
  inode.writeUInt32BE(blocks, 76);
  inode.writeBigUInt64BE(BigInt(blocks + 2), 64);
  const room = inode[82] === 0 ? INODE - FORK : inode[82]! * 8;
  const pointers = FORK + 4 + Math.floor((room - 4) / 16) * 8;
  inode.fill(0, FORK, FORK + room);
  inode.writeUInt16BE(1, FORK);
  inode.writeUInt16BE(2, FORK + 2);
  inode.writeBigUInt64BE(BigInt(half), FORK + 4 + 8);
  leaves.forEach((leaf, index) => inode.writeBigUInt64BE(BigInt(leaf), pointers + index * 8));
  fs.writeFileSync(path, disk);

  const judged = xfsDb(path, [`inode ${id}`, 'bmap']);
  expect(judged.trim().split('\n')).toEqual(
    Array.from(
      { length: blocks },
      (_, at) => `data offset ${at} startblock ${first + at} (0/${first + at}) count 1 flag 0`,
    ),
  );
  const system = openXfs(new FileDevice(path));
  expect(sha256Of(system, id)).toBe(content);
  expect([...system.extents(id)].map(({ at, place: on }) => [at / BLOCK, on! / BLOCK])).toEqual(
    Array.from({ length: blocks }, (_, at) => [at, first + at]),
  );
  const part = new Uint8Array(10);
  expect(system.read(id, (half + 1) * BLOCK - 5, part)).toBe(10);
});
