/**
 * The matrix: images of every kind that qemu-img and qemu-io make, and QEMU as the judge of what the headless command
 * says of them (issue "See": `info` and `map` field by field, exit codes too; `read` of the whole disk).
 */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli';
import { CHAINS } from '../support/matrix/chains';
import { Kitchen, type Recipe } from '../support/matrix/recipe';
import { SINGLE_IMAGES } from '../support/matrix/singleImages';
import type { Ran } from '../support/process';
import { mustQemuImg, qemuImg } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';

describe.each([...SINGLE_IMAGES, ...CHAINS])('$name', (recipe) => {
  let place: Workspace;
  const file = recipe.image ?? 'disk.qcow2';
  const ours = (...args: string[]): Ran => cli([...args, file], { cwd: place.folder });
  const theirs = (...args: string[]): Ran => qemuImg([...args, file], { cwd: place.folder });

  beforeAll(() => {
    place = workspace();
    recipe.make(new Kitchen(place.folder));
  });
  afterAll(() => {
    place.remove();
  });

  test('has the info that QEMU prints as JSON', () => {
    expectSameJson(ours('info', '--output=json'), theirs('info', '--output=json'));
  });

  test('has the info that QEMU prints as text', () => {
    expectSameText(ours('info'), theirs('info'));
  });

  test('has the info of its whole chain that QEMU prints', () => {
    expectSameJson(
      ours('info', '--backing-chain', '--output=json'),
      theirs('info', '--backing-chain', '--output=json'),
    );
    expectSameText(ours('info', '--backing-chain'), theirs('info', '--backing-chain'));
  });

  if (recipe.secret === undefined) {
    test('has the map that QEMU prints as JSON', () => {
      expectSameText(ours('map', '--output=json'), theirs('map', '--output=json'));
    });

    test('has the map that QEMU prints as text', () => {
      expectSameText(ours('map'), theirs('map'));
    });

    test('has the map of a range that QEMU prints', () => {
      for (const range of ranges(virtualSize(place, file))) {
        expectSameText(ours('map', '--output=json', ...range), theirs('map', '--output=json', ...range));
      }
    });

    test('reads as qemu-img convert does', () => {
      expectSameBytes(recipe, place, file);
    });
  } else {
    const withKey = keyOptions(recipe.secret, file);

    test('has the map that QEMU prints when it is given the key', () => {
      const judge = qemuImg(['map', '--output=json', ...withKey], { cwd: place.folder });
      expectSameText(ours('map', '--output=json'), judge);
    });

    test('refuses to read data', () => {
      const read = cli(['read', file, '0', '512'], { cwd: place.folder });
      expect(read.status).toBe(1);
      expect(read.stdout).toHaveLength(0);
      expect(read.stderr).toMatch(/^qcow2: disk\.qcow2: .*encrypt.*\n$/i);
    });
  }
});

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
function ranges(size: number): string[][] {
  const middle = Math.floor(size / 2);
  return [
    ['-s', '0', '-l', '512'],
    ['-s', '1', '-l', '65537'],
    ['--start-offset=4k', '--max-length=1M'],
    ['-s', String(middle), '-l', String(middle)],
    ['-s', String(middle + 777)],
    ['-s', String(Math.max(0, size - 100)), '-l', '1M'],
    ['-l', '0'],
    ['-s', String(size)],
    ['-s', String(size + 1)],
  ];
}

/** Compares the whole disk, or the recipe's windows of it, with the raw file that qemu-img converts it to. */
function expectSameBytes(recipe: Recipe, place: Workspace, file: string): void {
  mustQemuImg(['convert', '-O', 'raw', file, 'judge.raw'], { cwd: place.folder });
  const descriptor = fs.openSync(place.path('judge.raw'), 'r');
  const size = fs.fstatSync(descriptor).size;
  for (const [start, length] of recipe.windows ?? [[0, size]]) {
    const judge = Buffer.alloc(length);
    fs.readSync(descriptor, judge, 0, length, start);
    const read = cli(['read', file, String(start), String(length)], { cwd: place.folder });
    expect(read.stderr).toBe('');
    expect(read.status).toBe(0);
    expect(read.stdout).toHaveLength(length);
    // Not `toEqual`: a difference would be printed byte by byte.
    expect(firstDifference(read.stdout, judge)).toBe(-1);
  }
  fs.closeSync(descriptor);
}

function firstDifference(left: Buffer, right: Buffer): number {
  return left.equals(right) ? -1 : left.findIndex((byte, index) => byte !== right[index]);
}
