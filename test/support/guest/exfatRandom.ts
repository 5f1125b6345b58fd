/** Random exFAT images: empty ones of mkfs.exfat with files written by hand, judged by fsck.exfat and dump.exfat. */
import * as fs from 'node:fs';
import { createHash } from 'node:crypto';
import { openExfat } from '../../../src/guest/fat/exfat';
import { silent } from '../../../src/qcow2/progress';
import type { Random } from '../builder/random';
import { MemoryDevice } from './devices';
import { exfatSet } from './fatGiants';
import { someBytes, tool } from './fatTools';
import { freeOf, treeOf } from './tree';

/** @returns how many files were compared @throws Error with the first difference */
export function judgeRandomExfat(folder: string, random: Random): number {
  const image = `${folder}/exfat.img`;
  const cluster = random.pick([512, 1024, 4096, 32_768]);
  fs.writeFileSync(image, '');
  fs.truncateSync(image, (4 + random.below(4)) * 1024 * 1024);
  tool('mkfs.exfat', ['-b', '64K', '-c', String(cluster), image]);
  const bytes = fs.readFileSync(image);
  const expected = fill(bytes, cluster, random);
  fs.writeFileSync(image, bytes);
  tool('fsck.exfat', ['-n', image]);
  const system = openExfat(new MemoryDevice(bytes));
  const ours = new Map([...treeOf(system)].map(([name, { size, content }]) => [name, `${size} ${content}`]));
  for (const [name, facts] of expected.files)
    if (ours.get(name) !== facts) throw new Error(`${name}: ${ours.get(name)}, not ${facts}`);
  if (ours.size !== expected.files.size) throw new Error(`${ours.size} files, not ${expected.files.size}`);
  if (JSON.stringify(freeOf(system)) !== JSON.stringify(expected.free))
    throw new Error('free stretches differ');
  const dumped = tool('dump.exfat', [image]);
  const [total, free] = [/Total Clusters:\s+(\d+)/, /Free Clusters:\s+(\d+)/].map((part) =>
    Number(part.exec(dumped)?.[1]),
  );
  if (system.used(silent) !== (total! - free!) * cluster) throw new Error(`used: ${system.used(silent)}`);
  return ours.size;
}

interface Expected {
  readonly files: Map<string, string>;
  readonly free: [number, number][];
}

function fill(bytes: Buffer, size: number, random: Random): Expected {
  const sector = 1 << bytes[108]!;
  const [table, heap] = [bytes.readUInt32LE(80) * sector, bytes.readUInt32LE(88) * sector];
  const [count, root] = [bytes.readUInt32LE(92), bytes.readUInt32LE(96)];
  const placeOf = (cluster: number): number => heap + (cluster - 2) * size;
  let bitmap = 0;
  for (let at = placeOf(root); bytes[at] !== 0; at += 32)
    if (bytes[at] === 0x81) bitmap = placeOf(bytes.readUInt32LE(at + 20));
  const isFree = (cluster: number): boolean =>
    ((bytes[bitmap + ((cluster - 2) >> 3)]! >> ((cluster - 2) & 7)) & 1) === 0;
  const take = (cluster: number): void => {
    bytes[bitmap + ((cluster - 2) >> 3)]! |= 1 << ((cluster - 2) & 7);
  };
  const all = Array.from({ length: count }, (_, index) => index + 2);
  const link = (clusters: readonly number[]): void => {
    for (const [index, cluster] of clusters.entries())
      bytes.writeUInt32LE(clusters[index + 1] ?? 0xffffffff, table + 4 * cluster);
  };
  const write = (clusters: readonly number[], data: Buffer): void => {
    for (const [index, cluster] of clusters.entries())
      data.copy(bytes, placeOf(cluster), index * size, (index + 1) * size);
  };

  const files = new Map<string, string>();
  const sets: Buffer[] = [];
  for (let number = random.below(80); number > 0; number--) {
    const length = random.below(random.pick([1, 300, 5 * size]));
    const needed = Math.ceil(length / size);
    const data = someBytes(random, length);
    const written = random.below(4) === 0 ? random.below(length + 1) : length;
    const free = all.filter(isFree);
    if (free.length < needed + 20) break;
    const from = random.pick(free);
    const row = Array.from({ length: needed }, (_, index) => from + index);
    const isRow = random.below(2) === 0 && row.every((cluster) => cluster < count + 2 && isFree(cluster));
    const clusters = isRow ? row : random.shuffled(free).slice(0, needed);
    for (const cluster of clusters) take(cluster);
    if (!isRow) link(clusters);
    write(clusters, data);
    data.fill(0, written);
    const name = `FILE ${'N'.repeat(random.below(random.pick([1, 20, 200])))}${number}`;
    const flags = needed === 0 || !isRow ? 1 : 3;
    const set = exfatSet({ name, flags, cluster: clusters[0] ?? 0, size: length, written });
    if (random.below(5) === 0) sets.push(deleted(set));
    sets.push(set);
    files.set(name, `${length} ${createHash('sha256').update(data).digest('hex')}`);
  }
  const old = bytes.subarray(placeOf(root), placeOf(root) + size);
  let end = 0;
  while (end < size && old[end] !== 0) end += 32;
  const data = Buffer.concat([old.subarray(0, end), ...sets]);
  const more = random.shuffled(all.filter(isFree)).slice(0, Math.max(0, Math.ceil(data.length / size) - 1));
  for (const cluster of more) take(cluster);
  const roots = [root, ...more];
  link(roots);
  write(roots, Buffer.concat([data, Buffer.alloc(roots.length * size - data.length)]));
  const free: [number, number][] = [];
  for (const cluster of all.filter(isFree)) {
    const last = free.at(-1);
    if (last?.[1] === placeOf(cluster)) last[1] += size;
    else free.push([placeOf(cluster), placeOf(cluster) + size]);
  }
  return { files, free };
}

function deleted(set: Buffer): Buffer {
  const copy = Buffer.from(set);
  for (let at = 0; at < copy.length; at += 32) copy[at]! &= 0x7f;
  return copy;
}
