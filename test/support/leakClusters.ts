/** Leaks in an image of any refcount width, by the specification and not by the engine. */
import * as fs from 'node:fs';
import type { Random } from './builder/random';
import { putRefcount } from './builder/refcounts';

/**
 * Gives free clusters a refcount of one: up to eight in the file, and some behind its end.
 * @returns how many
 */
export function leakClusters(path: string, random: Random): number {
  const before = fs.readFileSync(path);
  const clusterSize = 2 ** before.readUInt32BE(20);
  const order = before.readUInt32BE(4) === 3 ? before.readUInt32BE(96) : 4;
  const perBlock = (clusterSize * 8) / 2 ** order;
  const table = Number(before.readBigUInt64BE(48));
  const blockOf = (cluster: number): number => {
    const entry = Math.floor(cluster / perBlock);
    const isInTable = (entry + 1) * 8 <= before.readUInt32BE(56) * clusterSize;
    return isInTable ? Number(before.readBigUInt64BE(table + entry * 8)) : 0;
  };
  const end = Math.ceil(before.length / clusterSize);
  const file = Buffer.alloc((end + random.below(3)) * clusterSize);
  before.copy(file);
  const free: number[] = [];
  for (let cluster = 1; cluster < file.length / clusterSize; cluster++) {
    const block = blockOf(cluster);
    if (block !== 0 && isZeroAt(file, block, (cluster % perBlock) * 2 ** order, 2 ** order))
      free.push(cluster);
  }
  const leaked = random.shuffled(free).slice(0, random.below(9));
  for (const cluster of leaked) {
    const block = blockOf(cluster);
    putRefcount(file.subarray(block, block + clusterSize), order, cluster % perBlock, 1);
  }
  fs.writeFileSync(path, file);
  return leaked.length;
}

/** @param bit where a number of `bits` bits begins, counted from the lowest bit of the byte at `at` */
function isZeroAt(file: Buffer, at: number, bit: number, bits: number): boolean {
  const first = at + Math.floor(bit / 8);
  if (bits < 8) return ((file.readUInt8(first) >>> (bit % 8)) & (2 ** bits - 1)) === 0;
  return file.subarray(first, first + bits / 8).every((byte) => byte === 0);
}
