/**
 * Every cell of the tables for zeroing whole clusters: the old entry made by QEMU, the operation, and afterwards the raw
 * entry, the refcounts and the guest's bytes. The tables are part of the test.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ZeroOptions } from '../../../src/qcow2/change/context';
import { writeZeroes } from '../../../src/qcow2/change/writeZeroes';
import { StagedImage } from '../../support/stagedImage';
import { guestOffset } from '../../../src/qcow2/units';
import { CellBench, cellsOf, CLUSTER, expectCell, TARGET, type CellImage, type OldKind } from './cells';

let bench: CellBench;
beforeAll(() => {
  bench = new CellBench();
});
afterAll(() => {
  bench.remove();
});

const COLUMNS = [
  { hasBacking: false, unmap: false },
  { hasBacking: false, unmap: true },
  { hasBacking: true, unmap: false },
  { hasBacking: true, unmap: true },
] as const;

interface TableOfCells {
  readonly name: string;
  readonly image: Omit<CellImage, 'kind' | 'hasBacking'>;
  readonly policy: ZeroOptions['policy'];
  /** The old kind, then a cell for each of `COLUMNS` (the first two where there are no more). */
  readonly cells: string;
}

const TABLES: readonly TableOfCells[] = [
  {
    name: 'version 3',
    image: {},
    policy: 'unallocate',
    cells: `
      | 0  | ZP        | 0      | ZP        | ZP      |
      | N  | ZA        | 0 rc-1 | ZA        | ZP rc-1 |
      | Ns | ZA shared | 0 rc-1 | ZA shared | ZP rc-1 |
      | C  | 0 rc-1    | 0 rc-1 | ZP rc-1   | ZP rc-1 |
      | ZP | ZP        | 0      | ZP        | ZP      |
      | ZA | ZA        | 0 rc-1 | ZA        | ZP rc-1 |`,
  },
  {
    name: 'version 3',
    image: {},
    policy: 'zero-flag',
    cells: `
      | 0  | ZP        | ZP      | ZP        | ZP      |
      | N  | ZA        | ZP rc-1 | ZA        | ZP rc-1 |
      | Ns | ZA shared | ZP rc-1 | ZA shared | ZP rc-1 |
      | C  | ZP rc-1   | ZP rc-1 | ZP rc-1   | ZP rc-1 |
      | ZP | ZP        | ZP      | ZP        | ZP      |
      | ZA | ZA        | ZP rc-1 | ZA        | ZP rc-1 |`,
  },
  {
    name: 'version 2',
    image: { version: 2 },
    policy: 'unallocate',
    cells: `
      | 0  | N new      | 0      | N new      | N new      |
      | N  | N in place | 0 rc-1 | N in place | N in place |
      | Ns | N new rc-1 | 0 rc-1 | N new rc-1 | N new rc-1 |
      | C  | N new rc-1 | 0 rc-1 | N new rc-1 | N new rc-1 |`,
  },
  {
    name: 'version 2',
    image: { version: 2 },
    policy: 'zero-flag',
    cells: `
      | 0  | 0      | 0      | N new      | N new      |
      | N  | 0 rc-1 | 0 rc-1 | N in place | N in place |
      | Ns | 0 rc-1 | 0 rc-1 | N new rc-1 | N new rc-1 |
      | C  | 0 rc-1 | 0 rc-1 | N new rc-1 | N new rc-1 |`,
  },
  {
    name: 'extended L2',
    image: { extendedL2: true },
    policy: 'unallocate',
    cells: `
      | 0  | 0 / all zero    | 0 / 0      | 0 / all zero      | 0 / all zero      |
      | N  | kept / all zero | 0 / 0 rc-1 | kept / all zero   | 0 / all zero rc-1 |
      | Ns | kept / all zero | 0 / 0 rc-1 | kept / all zero   | 0 / all zero rc-1 |
      | C  | 0 / 0 rc-1      | 0 / 0 rc-1 | 0 / all zero rc-1 | 0 / all zero rc-1 |
      | ZP | 0 / all zero    | 0 / 0      | 0 / all zero      | 0 / all zero      |
      | ZA | kept / all zero | 0 / 0 rc-1 | kept / all zero   | 0 / all zero rc-1 |`,
  },
  {
    name: 'extended L2',
    image: { extendedL2: true },
    policy: 'zero-flag',
    cells: `
      | 0  | 0 / all zero      | 0 / all zero      | 0 / all zero      | 0 / all zero      |
      | N  | kept / all zero   | 0 / all zero rc-1 | kept / all zero   | 0 / all zero rc-1 |
      | Ns | kept / all zero   | 0 / all zero rc-1 | kept / all zero   | 0 / all zero rc-1 |
      | C  | 0 / all zero rc-1 | 0 / all zero rc-1 | 0 / all zero rc-1 | 0 / all zero rc-1 |
      | ZP | 0 / all zero      | 0 / all zero      | 0 / all zero      | 0 / all zero      |
      | ZA | kept / all zero   | 0 / all zero rc-1 | kept / all zero   | 0 / all zero rc-1 |`,
  },
  {
    name: 'external data file',
    image: { dataFile: 'plain' },
    policy: 'unallocate',
    cells: `
      | 0  | ZP | 0 | ZP | ZP |
      | N  | ZA | 0 | ZA | ZP |
      | ZP | ZP | 0 | ZP | ZP |
      | ZA | ZA | 0 | ZA | ZP |`,
  },
  {
    name: 'external data file',
    image: { dataFile: 'plain' },
    policy: 'zero-flag',
    cells: `
      | 0  | ZP | ZP | ZP | ZP |
      | N  | ZA | ZP | ZA | ZP |
      | ZP | ZP | ZP | ZP | ZP |
      | ZA | ZA | ZP | ZA | ZP |`,
  },
  {
    name: 'raw external data file',
    image: { dataFile: 'raw' },
    policy: 'unallocate',
    cells: `
      | 0  | ZP | 0 |
      | N  | ZA | 0 |
      | ZP | ZP | 0 |
      | ZA | ZA | 0 |`,
  },
  {
    name: 'raw external data file',
    image: { dataFile: 'raw' },
    policy: 'zero-flag',
    cells: `
      | 0  | ZP | ZP |
      | N  | ZA | ZP |
      | ZP | ZP | ZP |
      | ZA | ZA | ZP |`,
  },
];

interface ZeroCell {
  readonly name: string;
  readonly image: CellImage;
  readonly options: Omit<ZeroOptions, 'fallback'>;
  readonly expected: string;
}

const CELLS: readonly ZeroCell[] = TABLES.flatMap(({ name, image, policy, cells }) =>
  cellsOf(cells).flatMap(([kind = '', ...row]) =>
    row.map((expected, column) => {
      const { hasBacking, unmap } = COLUMNS[column]!;
      return {
        name: `${name}, policy ${policy}, ${hasBacking ? '' : 'no '}backing, ${unmap ? 'unmap' : 'keep'}: ${kind} becomes ${expected}`,
        image: { ...image, hasBacking, kind: kind as OldKind },
        options: { policy, unmap, thorough: false },
        expected,
      };
    }),
  ),
);

const named = (cells: readonly ZeroCell[]): [string, ZeroCell][] => cells.map((cell) => [cell.name, cell]);

describe('zeroing a whole cluster', () => {
  test.each(named(CELLS))('%s', (_name, { image, options, expected }) => {
    const cell = bench.open(image);
    const after = cell.change((context) =>
      writeZeroes(context, guestOffset(TARGET), CLUSTER, { ...options, fallback: true }),
    );
    expectCell(cell, after, expected);
    cell.expectZeroed(TARGET, CLUSTER);
    if (image.dataFile === 'raw') {
      expect(
        cell
          .dataFile()
          .subarray(TARGET, TARGET + CLUSTER)
          .every((byte) => byte === 0),
      ).toBe(true);
    }
    cell.close();
  });
});

describe('zeroing a whole cluster without fallback', () => {
  // On version 2, policy `zero-flag` is refused, as in QEMU, whatever the entry allows.
  const isRefused = ({ expected, image, options }: ZeroCell): boolean =>
    expected.startsWith('N') || (image.version === 2 && options.policy === 'zero-flag');
  const refused = CELLS.filter(isRefused);
  const allowed = CELLS.filter((cell) => !isRefused(cell));

  test.each(named(refused))('refuses, and changes nothing: %s', (_name, { image, options }) => {
    const cell = bench.open(image);
    const staged = new StagedImage(cell.path);
    expect(() =>
      staged.change((context) =>
        writeZeroes(context, guestOffset(TARGET), CLUSTER, { ...options, fallback: false }),
      ),
    ).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'zero.version2' }) as unknown }),
    );
    expect(staged.file.isEmpty).toBe(true);
    staged.close();
    cell.close();
  });

  test.each(named(allowed))('%s', (_name, { image, options, expected }) => {
    const cell = bench.open(image);
    const after = cell.change((context) =>
      writeZeroes(context, guestOffset(TARGET), CLUSTER, { ...options, fallback: false }),
    );
    expectCell(cell, after, expected);
    cell.expectZeroed(TARGET, CLUSTER);
    cell.close();
  });
});
