/**
 * QEMU judges the command line: compares `info`, `map` and `check` field by field, with exit codes, and `read` of the whole
 * disk.
 */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChain } from '../../../src/qcow2/chain/openChain';
import { Overview } from '../../../src/qcow2/map/overview';
import { findingLines } from '../checkJudge';
import { command } from '../command';
import { mapText } from '../inProcess';
import { Kitchen, type Recipe } from './recipe';
import type { Ran } from '../process';
import { mustQemuImg, qemuImg } from '../qemu';
import { type Workspace, workspace } from '../workspace';
import { guestOffset } from '../../../src/qcow2/units';

/** Exit code of `qemu-img check` for a format that has no check. */
const NOT_QCOW2 = 63;

/** Declares the tests of every recipe. */
export function judgeByQemu(recipes: readonly Recipe[]): void {
  describe.each(recipes)('$name', judge);
}

function judge(recipe: Recipe): void {
  let place: Workspace;
  const file = recipe.image ?? 'disk.qcow2';
  const ours = (...args: string[]): Promise<Ran> => command(place.folder, ...args, file);
  const theirs = (...args: string[]): Ran => qemuImg([...args, file], { cwd: place.folder });

  beforeAll(() => {
    place = workspace();
    recipe.make(new Kitchen(place.folder));
  });
  afterAll(() => {
    place.remove();
  });

  test('has the info that QEMU prints as JSON', async () => {
    expectSameJson(await ours('info', '--output=json'), theirs('info', '--output=json'));
  });

  test('has the info that QEMU prints as text', async () => {
    expectSameText(await ours('info'), theirs('info'));
  });

  test('has the info of its whole chain that QEMU prints', async () => {
    expectSameJson(
      await ours('info', '--backing-chain', '--output=json'),
      theirs('info', '--backing-chain', '--output=json'),
    );
    expectSameText(await ours('info', '--backing-chain'), theirs('info', '--backing-chain'));
  });

  test('is not taken for incomplete', () => {
    const chain = openChain(place.path(file), { followsNames: true });
    try {
      const overview = new Overview(chain.layers, chain.top.header.clusterSize);
      overview.step(Infinity);
      expect(overview.incompleteFiles).toEqual([]);
    } finally {
      chain.close();
    }
  });

  test('is checked with the text, the JSON and the exit codes of qemu-img', async () => {
    const judged = recipe.secret === undefined ? [file] : keyOptions(recipe.secret, file);
    const theirCheck = (...args: string[]): Ran =>
      qemuImg(['check', ...args, ...judged], { cwd: place.folder });
    const text = { ours: await ours('check'), theirs: theirCheck() };
    expect(text.ours.status).toBe(text.theirs.status);
    if (text.theirs.status === NOT_QCOW2) {
      expect(text.ours.stdout).toHaveLength(0);
      expect(text.ours.stderr).toMatch(/^qcow2: [^\n]+\n$/);
      return;
    }
    expect(String(text.ours.stdout)).toBe(String(text.theirs.stdout));
    expect(findingLines(text.ours.stderr)).toStrictEqual(findingLines(text.theirs.stderr));

    const json = { ours: await ours('check', '--output=json'), theirs: theirCheck('--output=json') };
    expect(json.ours.status).toBe(json.theirs.status);
    const wanted = JSON.parse(String(json.theirs.stdout)) as object;
    expect(JSON.parse(String(json.ours.stdout))).toStrictEqual(
      recipe.secret === undefined ? wanted : { ...wanted, filename: file },
    );
  });

  if (recipe.secret === undefined) {
    test('has the map that QEMU prints as JSON', async () => {
      expectSameText(await ours('map', '--output=json'), theirs('map', '--output=json'));
    });

    test('has the map that QEMU prints as text', async () => {
      expectSameText(await ours('map'), theirs('map'));
    });

    test('has the map of a range that QEMU prints', async () => {
      for (const { start, length } of ranges(virtualSize(place, file))) {
        const bounds = [
          `--start-offset=${start}`,
          ...(length === undefined ? [] : [`--max-length=${length}`]),
        ];
        const request = {
          form: 'json',
          start: guestOffset(start),
          ...(length === undefined ? {} : { length }),
        } as const;
        const judge = theirs('map', '--output=json', ...bounds);
        expect(mapText(place.path(file), request), bounds.join(' ')).toBe(String(judge.stdout));
      }
      const bounds = ['-s', '4k', '-l', '0x100000'];
      expectSameText(
        await ours('map', '--output=json', ...bounds),
        theirs('map', '--output=json', ...bounds),
      );
    });

    test('reads as qemu-img convert does', async () => {
      await expectSameBytes(recipe, place, file);
    });
  } else {
    const withKey = keyOptions(recipe.secret, file);

    test('has the map that QEMU prints when it is given the key', async () => {
      const judge = qemuImg(['map', '--output=json', ...withKey], { cwd: place.folder });
      expectSameText(await ours('map', '--output=json'), judge);
    });

    test('refuses to read data', async () => {
      const read = await command(place.folder, 'read', file, '0', '512');
      expect(read.status).toBe(1);
      expect(read.stdout).toHaveLength(0);
      expect(read.stderr).toMatch(/^qcow2: disk\.qcow2: .*encrypt.*\n$/i);
    });
  }
}

/** Without the key QEMU maps nothing; ours shows what the tables say, which is what QEMU shows with the key. */
const keyOptions = (secret: string, file: string): string[] => [
  '--object',
  `secret,id=key,data=${secret}`,
  '--image-opts',
  `driver=qcow2,file.filename=${file},encrypt.key-secret=key`,
];

function expectSameJson(ours: Ran, theirs: Ran): void {
  expectSameEnd(ours, theirs);
  if (theirs.status === 0)
    expect(JSON.parse(String(ours.stdout))).toStrictEqual(JSON.parse(String(theirs.stdout)));
}

function expectSameText(ours: Ran, theirs: Ran): void {
  expect(String(ours.stdout)).toBe(String(theirs.stdout));
  expectSameEnd(ours, theirs);
}

/** The same exit code, and on failure one line of ours. */
function expectSameEnd(ours: Ran, theirs: Ran): void {
  expect({ status: ours.status, stderr: ours.status === 0 ? '' : ours.stderr }).toStrictEqual({
    status: theirs.status,
    stderr: theirs.status === 0 ? '' : (expect.stringMatching(/^qcow2: [^\n]+\n$/) as string),
  });
}

function virtualSize(place: Workspace, file: string): number {
  const info: unknown = JSON.parse(
    String(mustQemuImg(['info', '--output=json', file], { cwd: place.folder })),
  );
  return (info as { 'virtual-size': number })['virtual-size'];
}

/** Ranges that start and end within clusters, at the disk's end and beyond. */
function ranges(size: number): { readonly start: number; readonly length?: number }[] {
  const middle = Math.floor(size / 2);
  return [
    { start: 0, length: 512 },
    { start: 1, length: 65537 },
    { start: middle, length: middle },
    { start: middle + 777 },
    { start: Math.max(0, size - 100), length: 2 ** 20 },
    { start: 0, length: 0 },
    { start: size },
    { start: size + 1 },
  ];
}

/** Compares the whole disk, or the recipe's windows of it, with what qemu-img makes of it. */
async function expectSameBytes({ windows }: Recipe, place: Workspace, file: string): Promise<void> {
  const { folder } = place;
  if (windows === undefined) {
    mustQemuImg(['convert', '-O', 'raw', file, 'judge.raw'], { cwd: folder });
    await expectSameWindow(place, file, 0, fs.readFileSync(place.path('judge.raw')));
    return;
  }
  for (const [start, length] of windows) {
    const [skip, count] = [Math.floor(start / 512), Math.ceil(length / 512)];
    const sectors = ['bs=512', `skip=${skip}`, `count=${skip + count}`];
    mustQemuImg(['dd', '-O', 'raw', ...sectors, `if=${file}`, 'of=judge.raw'], { cwd: folder });
    await expectSameWindow(place, file, skip * 512, fs.readFileSync(place.path('judge.raw')));
  }
}

async function expectSameWindow(place: Workspace, file: string, start: number, judge: Buffer): Promise<void> {
  const read = await command(place.folder, 'read', file, String(start), String(judge.length));
  expect(read.stderr).toBe('');
  expect(read.status).toBe(0);
  expect(read.stdout).toHaveLength(judge.length);
  // Not `toEqual`: a difference would be printed byte by byte.
  expect(firstDifference(read.stdout, judge)).toBe(-1);
}

function firstDifference(left: Buffer, right: Buffer): number {
  return left.equals(right) ? -1 : left.findIndex((byte, index) => byte !== right[index]);
}
