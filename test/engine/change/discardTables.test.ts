/** Every cell of the tables for discarding whole clusters, and what discard does not touch. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { discard } from '../../../src/qcow2/change/discard';
import { image } from '../../support/imageBuilder';
import { guestBytes } from '../../support/inProcess';
import { StagedImage } from '../../support/stagedImage';
import { workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';
import { CellBench, cellsOf, CLUSTER, expectCell, TARGET, type CellImage, type OldKind } from './cells';

let bench: CellBench;
beforeAll(() => {
  bench = new CellBench();
});
afterAll(() => {
  bench.remove();
});

/** The old kind; without backing, with backing; full discard of both. `same`: nothing happens. */
const TABLES: readonly {
  readonly name: string;
  readonly image: Omit<CellImage, 'kind'>;
  readonly cells: string;
}[] = [
  {
    name: 'version 3',
    image: {},
    cells: `
      | 0  | 0       | ZP      | 0      | 0      |
      | N  | ZP rc-1 | ZP rc-1 | 0 rc-1 | 0 rc-1 |
      | Ns | ZP rc-1 | ZP rc-1 | 0 rc-1 | 0 rc-1 |
      | C  | ZP rc-1 | ZP rc-1 | 0 rc-1 | 0 rc-1 |
      | ZP | ZP      | ZP      | 0      | 0      |
      | ZA | ZP rc-1 | ZP rc-1 | 0 rc-1 | 0 rc-1 |`,
  },
  {
    name: 'version 2',
    image: { version: 2 },
    cells: `
      | 0  | 0      | same | 0      | 0      |
      | N  | 0 rc-1 | same | 0 rc-1 | 0 rc-1 |
      | Ns | 0 rc-1 | same | 0 rc-1 | 0 rc-1 |
      | C  | 0 rc-1 | same | 0 rc-1 | 0 rc-1 |`,
  },
  {
    name: 'extended L2',
    image: { extendedL2: true },
    cells: `
      | 0  | 0 / 0             | 0 / all zero      | 0 / 0      | 0 / 0      |
      | N  | 0 / all zero rc-1 | 0 / all zero rc-1 | 0 / 0 rc-1 | 0 / 0 rc-1 |
      | Ns | 0 / all zero rc-1 | 0 / all zero rc-1 | 0 / 0 rc-1 | 0 / 0 rc-1 |
      | C  | 0 / all zero rc-1 | 0 / all zero rc-1 | 0 / 0 rc-1 | 0 / 0 rc-1 |
      | ZP | 0 / all zero      | 0 / all zero      | 0 / 0      | 0 / 0      |
      | ZA | 0 / all zero rc-1 | 0 / all zero rc-1 | 0 / 0 rc-1 | 0 / 0 rc-1 |`,
  },
  {
    name: 'external data file',
    image: { dataFile: 'plain' },
    cells: `
      | 0  | 0  | ZP | 0 | 0 |
      | N  | ZP | ZP | 0 | 0 |
      | ZP | ZP | ZP | 0 | 0 |
      | ZA | ZP | ZP | 0 | 0 |`,
  },
];

const COLUMNS = [
  { hasBacking: false, full: false },
  { hasBacking: true, full: false },
  { hasBacking: false, full: true },
  { hasBacking: true, full: true },
] as const;

const CELLS = TABLES.flatMap(({ name, image, cells }) =>
  cellsOf(cells).flatMap(([kind = '', ...row]) =>
    row.map((expected, column) => {
      const { hasBacking, full } = COLUMNS[column]!;
      const title = `${name}, ${hasBacking ? '' : 'no '}backing, ${full ? 'full ' : ''}discard: ${kind} becomes ${expected}`;
      return [title, { image: { ...image, hasBacking, kind: kind as OldKind }, full, expected }] as const;
    }),
  ),
);

describe('discarding a whole cluster', () => {
  test.each(CELLS)('%s', (_title, { image, full, expected }) => {
    const cell = bench.open(image);
    const after = cell.change((context) => discard(context, guestOffset(TARGET), CLUSTER, { full }));
    if (expected === 'same') {
      expect(after.cluster(1)).toStrictEqual(cell.old);
      cell.expectUnchanged();
    } else {
      expectCell(cell, after, expected);
      if (!full || !image.hasBacking) cell.expectZeroed(TARGET, CLUSTER);
    }
    cell.close();
  });

  test('shows what the backing file has after a full discard', () => {
    const cell = bench.open({ hasBacking: true, kind: 'N' });
    cell.change((context) => discard(context, guestOffset(TARGET), CLUSTER, { full: true }));
    const shown = cell.bytes().subarray(TARGET, TARGET + CLUSTER);
    expect(shown.equals(guestBytes(cell.path, TARGET, CLUSTER))).toBe(true);
    expect(shown.every((byte) => byte !== 0)).toBe(true);
    cell.close();
  });

  test('zeroes the bytes of a raw external data file as well', () => {
    const cell = bench.open({ dataFile: 'raw', kind: 'N' });
    cell.change((context) => discard(context, guestOffset(TARGET), CLUSTER));
    expect(
      cell
        .dataFile()
        .subarray(TARGET, TARGET + CLUSTER)
        .every((byte) => byte === 0),
    ).toBe(true);
    expect(
      cell
        .dataFile()
        .subarray(0, TARGET)
        .every((byte) => byte === 0x11),
    ).toBe(true);
    cell.close();
  });
});

describe('what is not discarded', () => {
  test('parts of clusters are left alone, and told', () => {
    const cell = bench.open({ kind: 'N' });
    const staged = new StagedImage(cell.path);
    const { tally } = staged.change((context) => discard(context, guestOffset(512), 3 * CLUSTER));
    expect(tally.notDiscarded.partialCluster).toStrictEqual({ clusters: 2, bytes: CLUSTER });
    expect(tally.becameZero).toStrictEqual({ clusters: 2, bytes: 2 * CLUSTER });
    expect(staged.read(0, CLUSTER).every((byte) => byte === 0x11)).toBe(true);
    staged.close();
    cell.close();
  });

  test('a request within one cluster does nothing at all', () => {
    const cell = bench.open({ kind: 'N' });
    const staged = new StagedImage(cell.path);
    const { tally } = staged.change((context) => discard(context, guestOffset(TARGET + 1), CLUSTER - 1));
    expect(tally.changed).toBe(false);
    expect(tally.notDiscarded.partialCluster).toStrictEqual({ clusters: 1, bytes: CLUSTER - 1 });
    expect(staged.file.isEmpty).toBe(true);
    staged.close();
    cell.close();
  });

  test('version 2 over a backing file is left alone, and told', () => {
    const cell = bench.open({ version: 2, hasBacking: true, kind: 'N' });
    const staged = new StagedImage(cell.path);
    const { tally } = staged.change((context) => discard(context, guestOffset(0), 4 * CLUSTER));
    expect(tally.changed).toBe(false);
    expect(tally.notDiscarded.version2Backing).toStrictEqual({ clusters: 4, bytes: 4 * CLUSTER });
    expect(staged.file.isEmpty).toBe(true);
    staged.close();
    cell.close();
  });

  test('a last cluster that is incomplete counts as whole where the request begins with it', () => {
    const place = workspace();
    const path = place.path('disk.qcow2');
    image({ clusterBits: 12, size: 4096 + 1536 })
      .data(0, 2)
      .writeTo(path);
    const staged = new StagedImage(path);
    const within = staged.change((context) => discard(context, guestOffset(4096 + 512), 1024));
    expect(within.tally.changed).toBe(false);
    const whole = staged.change((context) => discard(context, guestOffset(4096), 1536));
    expect(whole.tally.becameZero).toStrictEqual({ clusters: 1, bytes: 1536 });
    expect(staged.read(4096).every((byte) => byte === 0)).toBe(true);
    staged.close();
    place.remove();
  });
});
