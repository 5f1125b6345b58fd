/**
 * Images whose header or snapshot table has a field changed: `info`, `map`, `check` and `check -r all` end with the exit
 * codes and the numbers of qemu-img, except for the cases listed here. Where QEMU refuses, ours prints what it can read.
 */
import * as fs from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { smallImages, type SmallImage } from '../../support/damagedImages';
import { command } from '../../support/command';
import { judgeDamaged, VERBS, type Verb } from '../../support/damagedJudge';
import { workspace } from '../../support/workspace';

const place = workspace();
afterAll(() => {
  place.remove();
});
const IMAGES = new Map(smallImages(place.folder).map((each) => [each.name, each]));

interface Change {
  readonly name: string;
  readonly image: string;
  readonly damage: (bytes: Buffer, image: SmallImage) => unknown;
  /** All of them unless told otherwise. */
  readonly verbs?: readonly Verb[];
  /** Why a verb differs from QEMU's on purpose. */
  readonly differs?: Readonly<Partial<Record<Verb, string>>>;
}

const set32 =
  (at: number, value: number): Change['damage'] =>
  (bytes) =>
    bytes.writeUInt32BE(value, at);
const set64 =
  (at: number, value: bigint): Change['damage'] =>
  (bytes) =>
    bytes.writeBigUInt64BE(value, at);
const inSnapshot =
  (at: number, value: number): Change['damage'] =>
  (bytes, { built }) =>
    bytes.writeUInt32BE(value, built.layout.snapshotTableOffset! + at);
/** A field of a header extension; −4 is its length. */
const inExtension =
  (type: number, at: number, value: number): Change['damage'] =>
  (bytes) => {
    const marker = Buffer.alloc(4);
    marker.writeUInt32BE(type);
    bytes.writeUInt32BE(value, bytes.indexOf(marker) + 8 + at);
  };

const FAR = 1n << 40n;
const BITMAPS = 0x23852875;
const NO_FILE_IS_SO_LONG = 'an offset beyond 2^53 is refused by name; QEMU reads zeroes there';
const MORE_IS_REPAIRED =
  'what leads past the end of the file, or is no L1 table, is given up; QEMU leaves it';

const CHANGES: readonly Change[] = [
  {
    name: 'extra data of 2.6 GB',
    image: 'snapshots',
    damage: inSnapshot(36, 0x9a000000),
    differs: { repair: 'QEMU counts the extra data of an entry that it discards, too, as a corruption' },
  },
  { name: 'extra data of 2048 bytes', image: 'snapshots', damage: inSnapshot(36, 2048) },
  { name: 'one snapshot too many', image: 'snapshots', damage: set32(60, 3) },
  { name: 'one snapshot too many in version 2', image: 'snapshotsV2', damage: set32(60, 2) },
  // Writing 65536 entries takes QEMU half a minute.
  { name: '70000 snapshots', image: 'snapshots', damage: set32(60, 70_000), verbs: ['info', 'map', 'check'] },
  { name: 'a snapshot table beyond the file', image: 'snapshots', damage: set64(64, FAR) },
  { name: 'a snapshot table that is not aligned', image: 'snapshots', damage: set64(64, 513n) },
  {
    name: 'a snapshot table on the header',
    image: 'v3',
    damage: set32(60, 1),
    differs: { repair: MORE_IS_REPAIRED },
  },
  { name: 'no refcount table', image: 'v3', damage: set32(56, 0) },
  { name: 'no refcount table in version 2', image: 'v2', damage: set32(56, 0) },
  { name: 'a refcount table beyond the file', image: 'v3', damage: set64(48, FAR) },
  { name: 'a refcount table that is not aligned', image: 'v3', damage: set64(48, 513n) },
  { name: 'a refcount table of 16 MiB', image: 'v3', damage: set32(56, 256) },
  {
    name: 'a refcount table beyond 2^53',
    image: 'v3',
    damage: set64(48, 1n << 54n),
    differs: {
      info: NO_FILE_IS_SO_LONG,
      map: NO_FILE_IS_SO_LONG,
      check: NO_FILE_IS_SO_LONG,
      repair: NO_FILE_IS_SO_LONG,
    },
  },
  {
    name: 'an L1 table beyond the file',
    image: 'v3',
    damage: set64(40, FAR),
    differs: { repair: 'nothing is changed, since a repair would make the loss final; QEMU frees all data' },
  },
  { name: 'an L1 table that is not aligned', image: 'v3', damage: set64(40, 513n) },
  { name: 'an L1 table of 2^23 entries', image: 'v3', damage: set32(36, 2 ** 23) },
  { name: 'an L1 table without entries', image: 'v3', damage: set32(36, 0) },
  { name: 'a disk too large for its L1 table', image: 'v3', damage: set64(24, 2n ** 40n) },
  { name: 'a disk of 2^64 − 1 bytes', image: 'v3', damage: set64(24, 2n ** 64n - 1n) },
  { name: 'a header of 96 bytes', image: 'v3', damage: set32(100, 96) },
  { name: 'a header longer than a cluster', image: 'v3', damage: set32(100, 70_000) },
  { name: 'refcounts of 128 bits', image: 'v3', damage: set32(96, 7) },
  { name: 'an unknown incompatible feature', image: 'v3', damage: set64(72, 1n << 7n) },
  { name: 'an unknown compression type', image: 'compressed', damage: (bytes) => bytes.writeUInt8(9, 104) },
  { name: 'an unknown encryption method', image: 'v3', damage: set32(32, 3) },
  { name: 'a backing name beyond its cluster', image: 'overlay', damage: set64(8, FAR) },
  { name: 'a backing name of 2000 bytes', image: 'overlay', damage: set32(16, 2000) },
  { name: 'an extension longer than its cluster', image: 'bitmaps', damage: inExtension(BITMAPS, -4, 5000) },
  { name: 'a bitmaps extension of 16 bytes', image: 'bitmaps', damage: inExtension(BITMAPS, -4, 16) },
  { name: 'no bitmaps where there are two', image: 'bitmaps', damage: inExtension(BITMAPS, 0, 0) },
  { name: 'a bitmap directory beyond the file', image: 'bitmaps', damage: inExtension(BITMAPS, 16, 16) },
  { name: 'one bitmap too many', image: 'bitmaps', damage: inExtension(BITMAPS, 0, 3) },
];

describe.each(CHANGES)('an image with $name', ({ image, damage, verbs = VERBS, differs }) => {
  const small = IMAGES.get(image)!;
  const bytes = Buffer.from(small.bytes);
  damage(bytes, small);

  test.each(verbs)('gets from %s what qemu-img says', async (verb) => {
    const difference = await judgeDamaged(place.folder, bytes, verb);
    if (differs?.[verb] === undefined) expect(difference).toBeUndefined();
    else expect(difference).toBeDefined();
  });

  test('is told of: its header is printed, with the reason', async () => {
    const path = place.path('disk.qcow2');
    fs.writeFileSync(path, bytes);
    const { stdout, stderr, status } = await command(place.folder, 'info', '--output=json', path);
    expect(JSON.parse(String(stdout))).toMatchObject({
      format: 'qcow2',
      'cluster-size': small.built.model.clusterSize,
    });
    if (status !== 0) expect(stderr).toMatch(/^qcow2: [^\n]*disk\.qcow2: [^\n]+\n/);
  });
});
