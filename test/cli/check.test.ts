/** `qcow2 check` beside `qemu-img check`: text, JSON, exit codes, and what QEMU does not look for. */
import { copyFileSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findingLines } from '../support/checkJudge';
import { cli } from '../support/cli';
import { image } from '../support/imageBuilder';
import { CHAINS } from '../support/matrix/chains';
import { Kitchen, type Recipe } from '../support/matrix/recipe';
import { SINGLE_IMAGES } from '../support/matrix/singleImages';
import type { Ran } from '../support/process';
import { qemuImg } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';

const optionsOf = ({ secret, image = 'disk.qcow2' }: Recipe): string[] =>
  secret === undefined
    ? [image]
    : [
        '--object',
        `secret,id=key,data=${secret}`,
        '--image-opts',
        `driver=qcow2,file.filename=${image},encrypt.key-secret=key`,
      ];

const parsed = (stdout: Buffer): Record<string, unknown> =>
  JSON.parse(String(stdout)) as Record<string, unknown>;

describe.each([...SINGLE_IMAGES, ...CHAINS])('$name', (recipe) => {
  let place: Workspace;
  const file = recipe.image ?? 'disk.qcow2';
  const ours = (...args: string[]): Ran => cli(['check', ...args, file], { cwd: place.folder });
  const theirs = (...args: string[]): Ran =>
    qemuImg(['check', ...args, ...optionsOf(recipe)], { cwd: place.folder });

  beforeAll(() => {
    place = workspace();
    recipe.make(new Kitchen(place.folder));
  });
  afterAll(() => {
    place.remove();
  });

  test('is checked with the text, the JSON and the exit codes of qemu-img', () => {
    const text = { ours: ours(), theirs: theirs() };
    expect(text.ours.status).toBe(text.theirs.status);
    if (text.theirs.status === 63) {
      expect(text.ours.stdout).toHaveLength(0);
      expect(text.ours.stderr).toMatch(/^qcow2: [^\n]+\n$/);
      return;
    }
    expect(String(text.ours.stdout)).toBe(String(text.theirs.stdout));
    expect(findingLines(text.ours.stderr)).toStrictEqual(findingLines(text.theirs.stderr));

    const json = { ours: ours('--output=json'), theirs: theirs('--output=json') };
    expect(json.ours.status).toBe(json.theirs.status);
    const wanted = parsed(json.theirs.stdout);
    expect(parsed(json.ours.stdout)).toStrictEqual(
      recipe.secret === undefined ? wanted : { ...wanted, filename: file },
    );
  });
});

describe('an image', () => {
  let place: Workspace;
  const ours = (...args: string[]): Ran => cli(['check', ...args], { cwd: place.folder });
  const theirs = (...args: string[]): Ran => qemuImg(['check', ...args], { cwd: place.folder });
  const builder = image({ clusterBits: 12, size: '1M' }).data(0, 8);
  const { layout } = builder.build();
  const entry = layout.l2Offsets.get(0)!;

  /** Writes the image with some 64-bit words overwritten. */
  function damaged(name: string, ...words: (readonly [offset: number, value: bigint])[]): string {
    const bytes = builder.toBuffer();
    for (const [offset, value] of words) bytes.writeBigUInt64BE(value, offset);
    writeFileSync(place.path(name), bytes);
    return name;
  }

  beforeAll(() => {
    place = workspace();
  });
  afterAll(() => {
    place.remove();
  });

  test('with leaks alone exits with 3, one with corruptions with 2, one whose refcounts cannot be read with 1', () => {
    const images = [
      damaged('leaks.qcow2', [entry, 0n], [entry + 8, 0n], [entry + 16, 0n]),
      damaged('corrupt.qcow2', [entry, (1n << 63n) | 0x123000000n]),
      damaged('unreadable.qcow2', [
        layout.refcountTableOffset,
        BigInt(layout.refcountBlockOffsets[0]! + 512),
      ]),
    ];
    for (const [index, name] of images.entries()) {
      const [our, their] = [ours(name), theirs(name)];
      expect(our.status).toBe([3, 2, 1][index]);
      expect(our.status).toBe(their.status);
      expect(String(our.stdout)).toBe(String(their.stdout));
      expect(findingLines(our.stderr)).toStrictEqual(findingLines(their.stderr));
    }
  });

  test('is not changed by a check, nor is anything made beside it', () => {
    const name = damaged('kept.qcow2', [entry, 0n]);
    const before = { bytes: readFileSync(place.path(name)), time: statSync(place.path(name)).mtimeMs };
    ours(name);
    expect(readFileSync(place.path(name))).toEqual(before.bytes);
    expect(statSync(place.path(name)).mtimeMs).toBe(before.time);
  });

  test('that overlaps is told so, apart from the numbers of QEMU', () => {
    const name = damaged('overlap.qcow2', [entry + 8, (1n << 63n) | BigInt(layout.refcountTableOffset)]);
    const [our, their] = [ours(name), theirs(name)];
    expect(our.status).toBe(2);
    const text = String(our.stdout);
    expect(text.startsWith(String(their.stdout))).toBe(true);
    expect(text.slice(their.stdout.length)).toMatch(
      /^\n1 defects were found that qemu-img check does not count:\n {4}overlap: [^\n]*data [^\n]*refcount table[^\n]*\n$/,
    );
    const json = parsed(ours('--output=json', name).stdout);
    expect(json).toMatchObject({ ...parsed(theirs('--output=json', name).stdout), defects: 1 });
    expect(json['defect-list']).toHaveLength(1);
  });

  test('that overlaps is not sound, though its refcounts allow for it and QEMU finds nothing', () => {
    const bytes = builder.toBuffer();
    bytes.writeBigUInt64BE(BigInt(layout.l1Offset), entry + 9 * 8);
    bytes.writeUInt16BE(2, layout.refcountBlockOffsets[0]! + (layout.l1Offset / 4096) * 2);
    writeFileSync(place.path('allowed.qcow2'), bytes);
    expect(theirs('allowed.qcow2').status).toBe(0);
    const our = ours('allowed.qcow2');
    expect(our.status).toBe(2);
    expect(String(our.stdout)).not.toContain('No errors');
  });

  test('with trouble in its chain is told so, and its exit code is its own', () => {
    builder.writeTo(place.path('base.qcow2'));
    copyFileSync(place.path('base.qcow2'), place.path('base.raw'));
    image({ size: '2M', backing: { name: 'base.qcow2' } }).writeTo(place.path('top.qcow2'));
    utimesSync(place.path('top.qcow2'), 1e9, 1e9);
    const probed = ours('top.qcow2');
    expect(probed.status).toBe(0);
    expect(probed.stderr).toMatch(/gives no backing format/);
    expect(probed.stderr).toMatch(/fewer than its overlay/);
    expect(probed.stderr).toMatch(/was changed after its overlay/);
    expect(String(probed.stdout)).toBe(String(theirs('top.qcow2').stdout));

    image({ size: '1M', backing: { name: 'base.raw', format: 'raw' } }).writeTo(place.path('wrong.qcow2'));
    expect(ours('wrong.qcow2').stderr).toMatch(/backing format 'raw', but the content looks like qcow2/);
    // QEMU does not check it at all.
    image({ size: '1M', backing: { name: 'gone.qcow2', format: 'qcow2' } }).writeTo(
      place.path('orphan.qcow2'),
    );
    const orphan = ours('orphan.qcow2');
    expect(orphan.status).toBe(0);
    expect(String(orphan.stdout)).toMatch(/No errors/);
    expect(orphan.stderr).toMatch(/gone\.qcow2: No such file/);
  });

  test('-q says nothing but what is wrong', () => {
    const name = damaged('quiet.qcow2', [entry, 0n]);
    const ran = ours('-q', name);
    expect(ran).toMatchObject({ status: 3 });
    expect(ran.stdout).toHaveLength(0);
    expect(ran.stderr).toMatch(/^Leaked cluster /);
  });

  test('that cannot be opened is one line and exit code 1, and 63 where it is no qcow2', () => {
    writeFileSync(place.path('other.raw'), Buffer.alloc(65536, 7));
    expect(ours('other.raw')).toMatchObject({ status: 63 });
    expect(ours('missing.qcow2')).toMatchObject({
      status: 1,
      stderr: 'qcow2: missing.qcow2: No such file\n',
    });
    expect(ours(damaged('version.qcow2', [0, 0x514649fb00000009n])).status).toBe(1);
    expect(ours('--output=xml', 'leaks.qcow2').status).toBe(64);
  });
});
