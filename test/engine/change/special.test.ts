/** Special images: backing files that are zero or missing, encryption, missing data files. */
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ZeroOptions } from '../../../src/qcow2/change/context';
import { writeGuest } from '../../../src/qcow2/change/write';
import { writeZeroes } from '../../../src/qcow2/change/writeZeroes';
import { RawView } from '../../support/changes/rawView';
import { image } from '../../support/imageBuilder';
import { Kitchen } from '../../support/matrix/recipe';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';

const UNMAP: ZeroOptions = { unmap: true, fallback: true, policy: 'unallocate', thorough: false };
const CLUSTER = 65536;

let place: Workspace;
let kitchen: Kitchen;
let path: string;
beforeEach(() => {
  place = workspace();
  kitchen = new Kitchen(place.folder);
  path = place.path('disk.qcow2');
});
afterEach(() => {
  place.remove();
});

const withCode = (code: string): Error =>
  expect.objectContaining({ problem: expect.objectContaining({ code }) as unknown }) as Error;

describe('thorough', () => {
  test.each(['1.1', '0.10'])('unmap leaves 0 where all that shows through is zero (compat %s)', (compat) => {
    // Clusters 0 and 1: data; 2: zero flag in the middle layer; 3: nowhere; 4: past the end of the base.
    kitchen
      .create('base', String(4 * CLUSTER))
      .io('base', `write -P 1 0 ${2 * CLUSTER}`, `write -P 1 ${2 * CLUSTER} 512`);
    kitchen
      .overlay('middle', 'base', 'qcow2', String(5 * CLUSTER))
      .io('middle', `write -z ${2 * CLUSTER} ${CLUSTER}`);
    kitchen
      .overlay('disk.qcow2', 'middle', 'qcow2', '', `compat=${compat}`)
      .io('disk.qcow2', `write -P 9 0 ${5 * CLUSTER}`);
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) =>
      writeZeroes(context, guestOffset(CLUSTER), 4 * CLUSTER, { ...UNMAP, thorough: true }),
    );
    const isOld = compat === '0.10';
    expect(tally.becameUnallocated).toStrictEqual({ clusters: 3, bytes: 3 * CLUSTER });
    expect(tally.becameZero.clusters).toBe(isOld ? 0 : 1);
    expect(tally.writtenExplicitly.version2.clusters).toBe(isOld ? 1 : 0);
    expect(staged.read(CLUSTER).every((byte) => byte === 0)).toBe(true);
    staged.flush();
    staged.close();
    const view = new RawView(path);
    expect([2, 3, 4].map((index) => view.cluster(index).entry)).toStrictEqual([0n, 0n, 0n]);
    expect(view.cluster(1).hasZeroFlag).toBe(!isOld);
  });

  test('changes nothing under policy zero-flag, nor where allocation is kept', () => {
    kitchen.create('base', String(CLUSTER)).overlay('disk.qcow2', 'base', 'qcow2');
    for (const options of [
      { ...UNMAP, policy: 'zero-flag' as const },
      { ...UNMAP, unmap: false },
    ]) {
      const staged = new StagedImage(path);
      staged.change((context) =>
        writeZeroes(context, guestOffset(0), CLUSTER, { ...options, thorough: true }),
      );
      staged.flush();
      staged.close();
      expect(new RawView(path).cluster(0).entry).toBe(1n);
    }
  });
});

describe('a backing file that is not there', () => {
  beforeEach(() => {
    kitchen.raw('base', 4 * CLUSTER, [[0, 4 * CLUSTER]]).overlay('disk.qcow2', 'base', 'raw');
    fs.rmSync(place.path('base'));
  });

  test('is not needed to zero or write whole clusters', () => {
    const staged = new StagedImage(path);
    const zeroed = staged.change((context) =>
      writeZeroes(context, guestOffset(0), CLUSTER, { ...UNMAP, thorough: true }),
    );
    expect(zeroed.tally.becameZero).toStrictEqual({ clusters: 1, bytes: CLUSTER });
    const written = staged.change((context) =>
      writeGuest(context, Buffer.alloc(CLUSTER, 7), guestOffset(CLUSTER)),
    );
    expect(written.tally.written.clusters).toBe(1);
    staged.close();
  });

  test('is needed for parts of clusters, and then refused by name', () => {
    const staged = new StagedImage(path);
    expect(() => staged.change((context) => writeGuest(context, Uint8Array.of(1), guestOffset(5)))).toThrow(
      withCode('backing.notOpen'),
    );
    expect(() => staged.change((context) => writeZeroes(context, guestOffset(0), 512, UNMAP))).toThrow(
      withCode('backing.notOpen'),
    );
    expect(staged.file.isEmpty).toBe(true);
    staged.close();
  });
});

describe('an encrypted image', () => {
  test('takes zero flags, but no data, not even zeroes', () => {
    image({ crypt: 'luks' }).data(0, 4).writeTo(path);
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) => writeZeroes(context, guestOffset(0), CLUSTER, UNMAP));
    expect(tally.becameUnallocated.clusters).toBe(1);
    const { state } = staged.file;
    expect(() => staged.change((context) => writeGuest(context, Uint8Array.of(1), guestOffset(5)))).toThrow(
      withCode('encrypted.write'),
    );
    expect(() => staged.change((context) => writeZeroes(context, guestOffset(CLUSTER), 512, UNMAP))).toThrow(
      withCode('encrypted.write'),
    );
    expect(staged.file.state).toStrictEqual(state);
    staged.close();
  });
});

describe('an external data file that is not there', () => {
  test('is refused where data is written, not where entries say it all', () => {
    image({ dataFile: { name: 'data' } })
      .data(0, 4)
      .writeTo(path);
    fs.rmSync(place.path('data'));
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) => writeZeroes(context, guestOffset(0), CLUSTER, UNMAP));
    expect(tally.becameUnallocated.clusters).toBe(1);
    expect(() =>
      staged.change((context) => writeGuest(context, Buffer.alloc(CLUSTER), guestOffset(0))),
    ).toThrow(withCode('dataFile.notOpen'));
    staged.close();
  });
});

describe('explicit zeroes', () => {
  test('over gigabytes take no memory but for tables', () => {
    const size = 4 * 2 ** 30;
    kitchen.raw('base', size, [[0, 512]]);
    kitchen.create('disk.qcow2', String(size), 'compat=0.10', ['-b', 'base', '-F', 'raw']);
    const staged = new StagedImage(path);
    const { tally } = staged.change((context) => writeZeroes(context, guestOffset(0), size, UNMAP));
    expect(tally.writtenExplicitly.version2).toStrictEqual({ clusters: 65536, bytes: size });
    const { pieces, bytes } = staged.staged();
    // Eight L2 tables, two refcount blocks, and what surrounds them.
    expect(bytes).toBeLessThan(12 * CLUSTER);
    expect(pieces).toBeLessThan(300);
    expect(staged.read(0, CLUSTER).every((byte) => byte === 0)).toBe(true);
    staged.close();
  });
});
