/** `qcow2 check` beside `qemu-img check`: text, JSON, exit codes, and findings that QEMU does not have. */
import { copyFileSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findingLines } from '../support/checkJudge';
import { cli } from '../support/cli';
import { writeCutSnapshot } from '../support/cutSnapshot';
import { image } from '../support/imageBuilder';
import type { Ran } from '../support/process';
import { qemuImg } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';

const parsed = (stdout: Buffer): Record<string, unknown> =>
  JSON.parse(String(stdout)) as Record<string, unknown>;

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
      /^\n1 defects were found that qemu-img check does not count:\n {4}Host cluster at 0x\w+: used twice, by data of [^\n]*refcount table\.\n$/,
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
    expect(probed.stderr).toMatch(/does not name a backing format/);
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

  test('that was cut off is said to be incomplete, apart from what QEMU prints', () => {
    builder.writeTo(place.path('whole.qcow2'));
    const { size } = statSync(place.path('whole.qcow2'));
    const name = 'cut.qcow2';
    writeFileSync(place.path(name), readFileSync(place.path('whole.qcow2')).subarray(0, size - 2 * 4096));
    const [our, their] = [ours(name), theirs(name)];
    expect(our.status).toBe(their.status);
    expect(String(our.stdout)).toBe(String(their.stdout));
    expect(our.stderr).toMatch(
      /^qcow2: cut\.qcow2: This file is incomplete: it ends at .* of the disk are missing\./m,
    );
    expect(ours('whole.qcow2').stderr).toBe('');
  });

  test('of which only a snapshot has lost something is said to be incomplete, and not repaired unasked', () => {
    const name = 'cutSnapshot.qcow2';
    writeCutSnapshot(place.path(name), 2);
    const [our, their] = [ours(name), theirs(name)];
    expect(our.status).toBe(their.status);
    expect(String(our.stdout)).toBe(String(their.stdout));
    const incomplete =
      /cutSnapshot\.qcow2: This file is incomplete: .*; 128 KiB of their disks are missing\. Copy it again/m;
    expect(our.stderr).toMatch(incomplete);
    const before = readFileSync(place.path(name));
    const repair = ours('-r', 'all', name);
    expect(repair.stderr).toMatch(incomplete);
    expect(repair.stderr).toMatch(/add --give-up-missing$/m);
    expect(readFileSync(place.path(name)).equals(before)).toBe(true);
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

describe('a repair', () => {
  let place: Workspace;
  const builder = image({ clusterBits: 12, size: '1M' }).data(0, 8);
  const { layout } = builder.build();
  const entry = layout.l2Offsets.get(0)!;
  const block = layout.refcountBlockOffsets[0]!;
  const COPIED = 1n << 63n;

  beforeAll(() => {
    place = workspace();
  });
  afterAll(() => {
    place.remove();
  });

  /** The same damage for both. */
  function both(change: (bytes: Buffer) => void, ...options: string[]): { our: Ran; their: Ran } {
    const bytes = builder.toBuffer();
    change(bytes);
    writeFileSync(place.path('ours.qcow2'), bytes);
    writeFileSync(place.path('theirs.qcow2'), bytes);
    return {
      our: cli(['check', ...options, 'ours.qcow2'], { cwd: place.folder }),
      their: qemuImg(['check', ...options, 'theirs.qcow2'], { cwd: place.folder }),
    };
  }
  const clean = (): number => qemuImg(['check', '-q', 'ours.qcow2'], { cwd: place.folder }).status;
  const refcount = (bytes: Buffer, host: number, value: number): void => {
    bytes.writeUInt16BE(value, block + (host / 4096) * 2);
  };
  const leaks = (bytes: Buffer): void => {
    bytes.writeBigUInt64BE(0n, entry);
    bytes.writeBigUInt64BE(0n, entry + 16);
  };
  /** A file without the content of the leaked clusters: QEMU punches holes there. */
  const withoutLeaked = (name: string): Buffer => {
    const bytes = readFileSync(place.path(name));
    for (const guest of [0, 2])
      bytes.fill(0, layout.hostOffsets.get(guest), layout.hostOffsets.get(guest)! + 4096);
    return bytes;
  };

  test.each(['leaks', 'all'])('of leaks (-r %s) prints what QEMU prints', (mode) => {
    const { our, their } = both(leaks, '-r', mode);
    expect(our.status).toBe(0);
    expect(String(our.stdout)).toBe(String(their.stdout));
    expect(findingLines(our.stderr)).toStrictEqual(findingLines(their.stderr));
    expect(withoutLeaked('ours.qcow2').equals(withoutLeaked('theirs.qcow2'))).toBe(true);
    const json = both(leaks, '--output=json', '-r', mode);
    expect(parsed(json.our.stdout)).toStrictEqual({ ...parsed(json.their.stdout), filename: 'ours.qcow2' });
  });

  test('of refcounts and flags that are wrong leaves the bytes that QEMU leaves', () => {
    const { our, their } = both(
      (bytes) => {
        leaks(bytes);
        refcount(bytes, layout.hostOffsets.get(3)!, 5);
        bytes.writeBigUInt64BE(BigInt(layout.hostOffsets.get(4)!), entry + 4 * 8);
      },
      '-r',
      'leaks',
    );
    expect([our.status, their.status]).toStrictEqual([0, 0]);
    expect(withoutLeaked('ours.qcow2').equals(withoutLeaked('theirs.qcow2'))).toBe(true);
  });

  test('of leaks where refcounts have to be rebuilt is refused, as by QEMU, and changes nothing', () => {
    const damage = (bytes: Buffer): void => {
      refcount(bytes, layout.hostOffsets.get(3)!, 0);
      bytes[79]! |= 1;
    };
    const { our, their } = both(damage, '-r', 'leaks');
    expect([our.status, their.status]).toStrictEqual([1, 1]);
    expect(our.stdout).toHaveLength(0);
    expect(our.stderr).toMatch(/ERROR need to rebuild refcount structures\n$/);
    // QEMU clears the dirty bit all the same.
    const bytes = builder.toBuffer();
    damage(bytes);
    expect(readFileSync(place.path('ours.qcow2'))).toEqual(bytes);
    expect(readFileSync(place.path('theirs.qcow2'))[79]).toBe(0);
  });

  test('of a snapshot table that no program opens otherwise tells what QEMU tells', () => {
    const snapshots = image({ clusterBits: 12, size: '1M' })
      .data(0, 4)
      .snapshot('one', { extraSize: 2000 })
      .snapshot('two', { extraSize: 1024 });
    for (const name of ['ours.qcow2', 'theirs.qcow2']) snapshots.writeTo(place.path(name));
    const run = (...options: string[]): { our: Ran; their: Ran } => ({
      our: cli(['check', ...options, 'ours.qcow2'], { cwd: place.folder }),
      their: qemuImg(['check', ...options, 'theirs.qcow2'], { cwd: place.folder }),
    });
    for (const options of [[], ['-r', 'leaks']]) {
      const { our, their } = run(...options);
      expect([our.status, their.status]).toStrictEqual([1, 1]);
      expect(our.stderr).toMatch(/^qcow2: ours.qcow2: Too much extra data in snapshot table entry 0/);
    }
    const { our, their } = run('-r', 'all');
    expect([our.status, their.status]).toStrictEqual([0, 0]);
    const numbers = ({ stdout }: Ran): string => String(stdout).replace(/Image end offset: .*/, '');
    expect(numbers(our)).toBe(numbers(their));
    const [line] = their.stderr.split('\n');
    expect(our.stderr.split('\n')).toContain(line);
    expect(clean()).toBe(0);
  });

  test('of an overlap copies data, where QEMU lets it overwrite the refcount table', () => {
    const { our } = both(
      (bytes) => {
        bytes.writeBigUInt64BE(COPIED | BigInt(layout.refcountTableOffset), entry + 8);
      },
      '-r',
      'all',
    );
    expect(our.status).toBe(0);
    expect(String(our.stdout)).toMatch(/inconsistencies were found and repaired[^]*No errors were found/);
    expect(our.stderr).toMatch(
      /^Copy data out of clusters that are used twice: 0x2000, data, guest offset 0x1000: 0x2000 → 0x/m,
    );
    expect(clean()).toBe(0);
    expect(cli(['check', 'ours.qcow2'], { cwd: place.folder }).status).toBe(0);
  });

  test('names what is lost, and its exit code speaks of what is left', () => {
    const { our, their } = both(
      (bytes) => {
        bytes.writeBigUInt64BE(COPIED | 0x200n | BigInt(layout.hostOffsets.get(2)!), entry + 2 * 8);
      },
      '-r',
      'all',
    );
    expect(their.status).toBe(2);
    expect(our.status).toBe(0);
    expect(our.stderr).toMatch(
      /\nLost: 4 KiB at guest offset 0x2000: reads as zero; was not readable before\n/,
    );
    expect(clean()).toBe(0);
  });

  test('of what is sound says so, and writes nothing', () => {
    builder.writeTo(place.path('ours.qcow2'));
    const { mtimeMs } = statSync(place.path('ours.qcow2'));
    const ran = cli(['check', '-r', 'all', 'ours.qcow2'], { cwd: place.folder });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(String(ran.stdout)).toMatch(/^No errors were found/);
    expect(statSync(place.path('ours.qcow2')).mtimeMs).toBe(mtimeMs);
  });

  test('is of leaks or of all', () => {
    expect(cli(['check', '-r', 'some', 'ours.qcow2'], { cwd: place.folder }).status).toBe(64);
  });
});
