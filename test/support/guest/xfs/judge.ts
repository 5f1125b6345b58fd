/** What xfs_db says of an image: the judge of free space. */
import { run } from '../../process';

/** Runs commands of xfs_db, read-only. @throws Error where it fails */
export function xfsDb(image: string, commands: readonly string[]): string {
  const args = commands.flatMap((command) => ['-c', command]);
  const { status, stdout, stderr } = run('xfs_db', ['-r', '-f', ...args, image]);
  if (status !== 0) throw new Error(`xfs_db ${commands.join('; ')}: ${stderr}`);
  return String(stdout);
}

/** The value of a field as xfs_db prints it: `name = value`. */
function fields(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^(\S+) = (.*)$/gmu)].map(([, name, value]) => [name!, value!]));
}

/** The stretches that are free, as `[start, end)` in bytes: what `freesp -d` prints, but for blocks on the AGFL, which it has too. */
export function judgedFree(image: string): [number, number][] {
  const superblock = fields(xfsDb(image, ['sb 0', 'p blocksize agblocks agcount']));
  const [blockSize, perGroup, groups] = ['blocksize', 'agblocks', 'agcount'].map((name) =>
    Number(superblock.get(name)),
  ) as [number, number, number];
  const kept = new Set<string>();
  for (let group = 0; group < groups; group++)
    for (const block of listOf(image, group)) kept.add(`${group} ${block} 1`);
  const runs: [number, number][] = [];
  for (const [, group, block, count] of xfsDb(image, ['freesp -d']).matchAll(
    /^\s+(\d+)\s+(\d+)\s+(\d+)$/gmu,
  )) {
    if (kept.delete(`${group!} ${block!} ${count!}`)) continue;
    const start = (Number(group) * perGroup + Number(block)) * blockSize;
    runs.push([start, start + Number(count) * blockSize]);
  }
  return runs.sort(([one], [other]) => one - other);
}

/** Blocks on the AGFL of a group. */
function listOf(image: string, group: number): number[] {
  const text = xfsDb(image, [`agf ${group}`, 'p flfirst fllast flcount', `agfl ${group}`, 'p bno']);
  const [first, last, count] = ['flfirst', 'fllast', 'flcount'].map((name) =>
    Number(fields(text).get(name)),
  ) as [number, number, number];
  const list = [...text.matchAll(/ (\d+):(\w+)/gmu)].map(([, , block]) => Number(block));
  if (count === 0) return [];
  return first <= last ? list.slice(first, last + 1) : [...list.slice(first), ...list.slice(0, last + 1)];
}
