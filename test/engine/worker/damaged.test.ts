/** The editor's worker on damaged images: they open with what can be read and the reasons, and cannot be changed. */
import * as fs from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { ProblemCode } from '../../../src/qcow2/problemText';
import { CELL_KINDS, type KindTotals } from '../../../src/qcow2/map/overview';
import { OpenImage } from '../../../src/worker/openImage';
import { smallImages } from '../../support/damagedImages';
import { workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';

const place = workspace();
afterAll(() => {
  place.remove();
});
const IMAGES = new Map(smallImages(place.folder).map((each) => [each.name, each]));

interface Row {
  readonly name: string;
  readonly image: string;
  readonly damage: (bytes: Buffer, snapshotTable: number) => unknown;
  readonly cuts?: number;
  readonly code: ProblemCode;
  /** Whether the map can be told. */
  readonly hasMap: boolean;
}

const ROWS: readonly Row[] = [
  {
    name: 'too much extra data of a snapshot',
    image: 'snapshots',
    damage: (bytes, table) => bytes.writeUInt32BE(0x9a000000, table + 36),
    code: 'snapshot.extraData',
    hasMap: true,
  },
  {
    name: 'one snapshot too many',
    image: 'snapshots',
    damage: (bytes, table) => bytes.writeBigUInt64BE(BigInt(table) + 2n ** 40n, 64),
    code: 'table.beyondFile',
    hasMap: true,
  },
  {
    name: 'no refcount table',
    image: 'v3',
    damage: (bytes) => bytes.writeUInt32BE(0, 56),
    code: 'header.noRefcountTable',
    hasMap: true,
  },
  {
    name: 'a refcount table beyond the file',
    image: 'v3',
    damage: (bytes) => bytes.writeBigUInt64BE(2n ** 40n, 48),
    code: 'table.beyondFile',
    hasMap: true,
  },
  {
    name: 'no bitmap directory',
    image: 'bitmaps',
    damage: (bytes) => bytes.writeUInt32BE(16, bytes.indexOf('23852875', 0, 'hex') + 4),
    code: 'extension.length',
    hasMap: true,
  },
  {
    name: 'its L1 table cut off',
    image: 'fresh',
    damage: () => undefined,
    cuts: 196_608,
    code: 'table.beyondFile',
    hasMap: true,
  },
  {
    name: 'an L1 table that is not aligned',
    image: 'v3',
    damage: (bytes) => bytes.writeBigUInt64BE(513n, 40),
    code: 'header.tableOffset',
    hasMap: false,
  },
  {
    name: 'an unknown feature',
    image: 'v3',
    damage: (bytes) => bytes.writeBigUInt64BE(1n << 9n, 72),
    code: 'header.incompatibleFeatures',
    hasMap: false,
  },
];

describe.each(ROWS)('an image with $name', ({ image, damage, cuts, code, hasMap }) => {
  const { bytes: sound, built } = IMAGES.get(image)!;
  const bytes = Buffer.from(sound.subarray(0, cuts));
  damage(bytes, built.layout.snapshotTableOffset ?? 0);

  test('opens with its header, its map and the reason, and cannot be changed', () => {
    const path = place.path('disk.qcow2');
    fs.writeFileSync(path, bytes);
    const open = OpenImage.open(path, { followsNames: true, generation: 1 });
    const { state, view, editable } = open;
    try {
      expect(state.problem).toBeUndefined();
      expect(state.header?.fields.length).toBeGreaterThan(10);
      expect(state.summary?.faults?.map(({ problem }) => problem.code)).toContain(code);
      expect(state.summary?.clusterSize).toBe(built.model.clusterSize);
      expect(view?.overview.step(performance.now() + 60_000)).toBe(true);
      const { bytesByKind, total } = kindsOf(
        view?.overview.totals(guestOffset(0), state.summary?.virtualSize ?? 0),
      );
      expect((bytesByKind.get('invalid') ?? 0) < total).toBe(hasMap);
      const refusals = editable?.obstacles().filter(({ severity }) => severity === 'refuse') ?? [];
      expect(refusals.map(({ problem }) => problem.code)).toContain(code);
      expect(() => editable?.check()).not.toThrow();
    } finally {
      open.close();
    }
  });
});

function kindsOf(totals: KindTotals | undefined): { bytesByKind: Map<string, number>; total: number } {
  const bytes = totals?.bytes ?? [];
  const bytesByKind = new Map(CELL_KINDS.map((kind, index) => [kind as string, bytes[index] ?? 0]));
  return { bytesByKind, total: totals?.totalBytes ?? 0 };
}
