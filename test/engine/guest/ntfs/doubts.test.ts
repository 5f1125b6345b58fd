/** When the map of free clusters is not believed. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GuestError } from '../../../../src/guest/errors';
import { openNtfs } from '../../../../src/guest/ntfs/ntfs';
import { silent } from '../../../../src/qcow2/progress';
import { MemoryDevice } from '../../../support/guest/devices';
import { makeVolume } from '../../../support/guest/ntfs';
import { PatchedVolume, restartPage, type RestartPage } from '../../../support/guest/ntfsPatch';
import { freeOf } from '../../../support/guest/tree';
import { run } from '../../../support/process';
import { type Workspace, workspace } from '../../../support/workspace';

let place: Workspace;
let empty: Buffer;
beforeAll(() => {
  place = workspace();
  makeVolume(place.path('i.img'), { size: 12 * 1024 * 1024, cluster: 4096 });
  empty = fs.readFileSync(place.path('i.img'));
});
afterAll(() => {
  place.remove();
});

const fresh = (): PatchedVolume => new PatchedVolume(Uint8Array.from(empty));
const opened = ({ bytes }: PatchedVolume) => openNtfs(new MemoryDevice(bytes));
const codesOf = (volume: PatchedVolume): string[] => opened(volume).doubts.map(({ code }) => code);

/** Whether NTFS-3G agrees to write to the volume. */
function isWritable({ bytes }: PatchedVolume): boolean {
  const image = place.path('write.img');
  fs.writeFileSync(image, bytes);
  fs.writeFileSync(place.path('file'), 'contents');
  return run('ntfscp', [image, place.path('file'), 'file']).status === 0;
}

const INFORMATION = 0x70;

describe('The flags of $Volume', () => {
  test.each([
    [0x0001, ['ntfs.dirty'], false],
    [0x8001, ['ntfs.dirty'], false],
    [0x0002, ['ntfs.flags'], false],
    [0x0004, ['ntfs.flags'], false],
    [0x4000, ['ntfs.flags'], false],
    [0x0008, [], true],
    [0x0080, [], true],
  ])('%i: the doubts are %j', (flags, codes, isAccepted) => {
    const volume = fresh();
    volume.patchValue(3, INFORMATION, (view, at) => {
      view.setUint16(at + 10, flags, true);
    });
    expect(codesOf(volume)).toEqual(codes);
    if (isAccepted) expect(isWritable(volume)).toBe(true);
    expect(opened(volume).list(5).entries).toHaveLength(11);
  });

  test('and an unknown version are doubts; version 3.0 is known', () => {
    const volume = fresh();
    const setMinor = (minor: number): void => {
      volume.patchValue(3, INFORMATION, (view, at) => {
        view.setUint8(at + 9, minor);
      });
    };
    setMinor(0);
    expect(codesOf(volume)).toEqual([]);
    setMinor(2);
    expect(opened(volume).doubts).toEqual([{ code: 'ntfs.version', value: '3.2', limit: '3.0, 3.1' }]);
  });

  test('are a doubt where they are missing', () => {
    const volume = fresh();
    volume.patchAttribute(3, INFORMATION, (view, at) => {
      view.setUint32(at, 0x78, true);
    });
    expect(codesOf(volume)).toEqual(['guest.value']);
  });
});

describe('The log', () => {
  const withPages = (...pages: readonly RestartPage[]): PatchedVolume => {
    const volume = fresh();
    const at = volume.placeOf(2);
    pages.forEach((page, index) => {
      volume.bytes.set(restartPage(page), at + index * 4096);
    });
    return volume;
  };
  const IN_USE = { clientInUse: 0 };

  test.each<[string, RestartPage[], string[]]>([
    ['closed', [{}, {}], []],
    ['in use', [IN_USE, IN_USE], ['ntfs.logOpen']],
    [
      'in use, but marked as clean',
      [
        { ...IN_USE, flags: 2 },
        { ...IN_USE, flags: 2 },
      ],
      [],
    ],
    ['in use in the first page only, which is older', [IN_USE, { lsn: 2000 }], []],
    ['in use in the second page, which is newer', [{}, { lsn: 2000, ...IN_USE }], ['ntfs.logOpen']],
    [
      'of version 2.0, which Windows uses while the volume is open',
      [{ version: [2, 0] }, { version: [2, 0] }],
      ['ntfs.logCached'],
    ],
    ['as chkdsk leaves it', [{ magic: 'CHKD' }, { magic: 'CHKD' }], ['ntfs.logUnreadable']],
    ['of no known form', [{ magic: 'WHAT' }, { magic: 'WHAT' }], ['ntfs.logUnreadable']],
  ])('%s: the doubts are as NTFS-3G has them', (_, pages, codes) => {
    const volume = withPages(...pages);
    expect(codesOf(volume)).toEqual(codes);
    expect(isWritable(volume) || codes.includes('ntfs.logUnreadable')).toBe(
      codes.length === 0 || codes.includes('ntfs.logUnreadable'),
    );
  });

  test('is judged by its second page where the first was written in part', () => {
    const volume = withPages({ lsn: 3000 }, IN_USE);
    volume.bytes[volume.placeOf(2) + 1022]! ^= 1;
    expect(codesOf(volume)).toEqual(['ntfs.logOpen']);
    volume.bytes[volume.placeOf(2) + 4096 + 1022]! ^= 1;
    expect(codesOf(volume)).toEqual(['ntfs.logUnreadable']);
  });

  test('is a doubt where its first page is empty and the second is not', () => {
    const volume = fresh();
    volume.bytes.set(restartPage(IN_USE), volume.placeOf(2) + 4096);
    expect(codesOf(volume)).toEqual(['ntfs.logOpen']);
  });
});

describe('The mirror of the master file table', () => {
  test('is a doubt where it differs', () => {
    const volume = fresh();
    const copy = volume.copiesOf(1)[1]!;
    volume.bytes[copy + 0x12]! ^= 1;
    expect(opened(volume).doubts).toEqual([{ code: 'ntfs.mirror', offset: copy, value: 1 }]);
    expect(isWritable(volume)).toBe(false);
  });

  test('stands in for a torn first record, which is a doubt', () => {
    const volume = fresh();
    const [first] = volume.copiesOf(0);
    volume.bytes[first! + 510]! ^= 1;
    expect(codesOf(volume)).toContain('guest.checksum');
    expect(opened(volume).list(5).entries).toHaveLength(11);
  });

  test('cannot help where both are torn', () => {
    const volume = fresh();
    for (const copy of volume.copiesOf(0)) volume.bytes[copy + 510]! ^= 1;
    expect(() => opened(volume)).toThrow(GuestError);
  });
});

describe('The map of clusters', () => {
  const BITMAP = 6;
  const DATA = 0x80;

  function expectNoMap(volume: PatchedVolume): void {
    const system = opened(volume);
    const told: unknown[] = [];
    expect(() => {
      system.forEachFree((start) => told.push(start), silent);
    }).toThrow(GuestError);
  }

  test('is not believed where its record is torn, not in use, or not a record', () => {
    for (const [at, value] of [
      [510, 0x55],
      [0x16, 0],
      [0, 0x42],
    ] as const) {
      const volume = fresh();
      volume.bytes[volume.copiesOf(BITMAP)[0]! + at] = value;
      expectNoMap(volume);
    }
  });

  test('is not believed where it is too short, not written to its end, or has holes', () => {
    for (const field of [0x30, 0x38]) {
      const volume = fresh();
      volume.patchAttribute(BITMAP, DATA, (view, at) => {
        view.setUint32(at + field, 300, true);
      });
      expectNoMap(volume);
    }
    const volume = fresh();
    volume.patchAttribute(BITMAP, DATA, (view, at) => {
      const pairs = at + view.getUint16(at + 0x20, true);
      // A run without a place.
      view.setUint8(pairs, 1);
      view.setUint8(pairs + 2, 0);
    });
    expectNoMap(volume);
  });

  test('is not believed where it has the table of records as free', () => {
    const volume = fresh();
    volume.bytes[volume.placeOf(BITMAP)]! &= ~(1 << 5);
    expectNoMap(volume);
  });

  test('says nothing behind the last cluster', () => {
    const volume = fresh();
    const clusters = Math.floor(opened(volume).size / 4096);
    const before = freeOf(opened(volume));
    volume.bytes.fill(0, volume.placeOf(BITMAP) + Math.ceil(clusters / 8), volume.placeOf(BITMAP) + 512);
    expect(clusters % 8).toBe(7);
    volume.bytes[volume.placeOf(BITMAP) + (clusters >> 3)]! &= 0x7f;
    expect(freeOf(opened(volume))).toEqual(before);
    expect(before.at(-1)![1]).toBe(clusters * 4096);
  });

  test('leaves the copy of the boot sector at the end alone', () => {
    const runs = freeOf(opened(fresh()));
    expect(empty.subarray(-512, -500)).toEqual(empty.subarray(0, 12));
    expect(runs.at(-1)![1]).toBeLessThanOrEqual(empty.length - 512);
  });
});

test('A volume that is larger than its device is not believed, and is listed all the same', () => {
  const system = openNtfs(new MemoryDevice(Uint8Array.from(empty.subarray(0, -4096))));
  expect(system.doubts[0]).toEqual({
    code: 'guest.beyond',
    what: 'volume',
    offset: 0x28,
    value: empty.length - 512,
    limit: empty.length - 4096,
  });
  expect(system.list(5).entries).toHaveLength(11);
});
