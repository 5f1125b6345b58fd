/**
 * Tries single cells of the decision tables: an image whose cluster 1 is of one kind, an operation on it, and the state of
 * the files afterwards.
 */
import * as fs from 'node:fs';
import { expect } from 'vitest';
import type { Change, ChangeContext } from '../../../src/qcow2/change/context';
import { Kitchen } from '../../support/matrix/recipe';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { RawView, type RawCluster } from '../../support/changes/rawView';
import { StagedImage } from '../../support/stagedImage';
import { type Workspace, workspace } from '../../support/workspace';

export const CLUSTER = 65536;
/** The cluster that the operation is for; its neighbours have data. */
export const TARGET = CLUSTER;
export const CLUSTERS = 4;

/** As the tables name them. */
export type OldKind = '0' | 'N' | 'Ns' | 'C' | 'ZP' | 'ZA';

export interface CellImage {
  readonly version?: 2 | 3;
  readonly extendedL2?: boolean;
  readonly dataFile?: 'plain' | 'raw';
  readonly hasBacking?: boolean;
  readonly kind: OldKind;
}

/** Commands that leave an entry of each kind. */
const COMMANDS: Readonly<Record<OldKind, readonly string[]>> = {
  '0': [],
  N: [`write -P 0x42 ${TARGET} ${CLUSTER}`],
  Ns: [`write -P 0x42 ${TARGET} ${CLUSTER}`],
  C: [`write -c -P 0x42 ${TARGET} ${CLUSTER}`],
  ZP: [`write -z -u ${TARGET} ${CLUSTER}`],
  ZA: [`write -P 0x42 ${TARGET} ${CLUSTER}`, `write -z ${TARGET} ${CLUSTER}`],
};

const DISK = 'disk.qcow2';

/** Makes the images with QEMU, once each, and hands out copies. */
export class CellBench {
  readonly #place: Workspace = workspace();
  readonly #made = new Map<string, string>();

  open(image: CellImage): Cell {
    const key = JSON.stringify(image);
    const from = this.#made.get(key) ?? this.#make(image, this.#made.size);
    this.#made.set(key, from);
    const place = workspace();
    fs.cpSync(from, place.folder, { recursive: true });
    return new Cell(place, image);
  }

  remove(): void {
    this.#place.remove();
  }

  #make(image: CellImage, index: number): string {
    const folder = this.#place.path(String(index));
    fs.mkdirSync(folder);
    const kitchen = new Kitchen(folder);
    const { version = 3, extendedL2, dataFile, hasBacking, kind } = image;
    if (hasBacking === true) kitchen.raw('base', CLUSTERS * CLUSTER, [[0, CLUSTERS * CLUSTER]]);
    const options = [
      version === 2 ? 'compat=0.10' : 'compat=1.1',
      ...(extendedL2 === true ? ['extended_l2=on'] : []),
      ...(dataFile === undefined ? [] : ['data_file=data.raw']),
      ...(dataFile === 'raw' ? ['data_file_raw=on'] : []),
    ].join(',');
    const backing = hasBacking === true ? ['-b', 'base', '-F', 'raw'] : [];
    kitchen.create(DISK, String(CLUSTERS * CLUSTER), options, backing);
    kitchen.io(
      DISK,
      `write -P 0x11 0 ${CLUSTER}`,
      ...COMMANDS[kind],
      `write -P 0x33 ${2 * CLUSTER} ${CLUSTER}`,
    );
    // QEMU preallocates such images.
    if (kind === '0' && dataFile === 'raw') clearEntry(kitchen.path(DISK));
    if (kind === 'Ns') kitchen.img(['snapshot', '-c', 'before', DISK]);
    return folder;
  }
}

/** Makes cluster 1 unallocated. */
function clearEntry(path: string): void {
  const bytes = fs.readFileSync(path);
  const table = bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n;
  bytes.fill(0, Number(table) + 8, Number(table) + 16);
  fs.writeFileSync(path, bytes);
}

export class Cell {
  readonly path: string;
  readonly before: RawView;
  readonly old: RawCluster;
  readonly #content: Buffer;
  readonly #snapshot: Buffer | undefined;

  constructor(
    readonly place: Workspace,
    readonly image: CellImage,
  ) {
    this.path = place.path(DISK);
    this.before = new RawView(this.path);
    this.old = this.before.cluster(1);
    this.#content = this.bytes();
    this.#snapshot = image.kind === 'Ns' ? this.bytes(['-l', 'before']) : undefined;
  }

  /** Makes a change and writes it to the files. @returns their state afterwards */
  change(make: (context: ChangeContext) => Change): RawView {
    const staged = new StagedImage(this.path);
    staged.change(make);
    staged.flush();
    staged.close();
    const check = qemuImg(['check', DISK], { cwd: this.place.folder });
    expect(`${check.status} ${check.stderr}`, String(check.stdout)).toBe('0 ');
    if (this.#snapshot !== undefined) expect(this.bytes(['-l', 'before']).equals(this.#snapshot)).toBe(true);
    return new RawView(this.path);
  }

  /** What the guest is to see when the bytes from `start` on were zeroed. */
  expectZeroed(start: number, length: number): void {
    const expected = Buffer.from(this.#content).fill(0, start, start + length);
    expect(this.bytes().equals(expected)).toBe(true);
  }

  expectUnchanged(): void {
    expect(this.bytes().equals(this.#content)).toBe(true);
  }

  bytes(extra: readonly string[] = []): Buffer {
    mustQemuImg(['convert', ...extra, '-O', 'raw', DISK, 'judge.raw'], { cwd: this.place.folder });
    return fs.readFileSync(this.place.path('judge.raw'));
  }

  dataFile(): Buffer {
    return fs.readFileSync(this.place.path('data.raw'));
  }

  close(): void {
    this.place.remove();
  }
}

/** A table in Markdown without its head: rows of cells, the old kind first. */
export const cellsOf = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim())
        .filter((cell) => cell !== ''),
    );

/**
 * Checks the entry of cluster 1 against a cell of a table.
 * @param expected `0`, `ZP`, `ZA`, `ZA shared`, `N new`, `N in place`; ` rc-1` after it where the old host cluster's
 *   refcount drops. With extended L2 the bitmap after a slash: `0 / all zero`, `kept / all zero`, `0 / 0`
 */
export function expectCell(cell: Cell, after: RawView, expected: string): void {
  const { old, before } = cell;
  const now = after.cluster(1);
  const drops = expected.endsWith('rc-1');
  const [entry = '', bitmap] = expected.replace(/ *rc-1$/, '').split(' / ');
  const hasHost = old.host !== 0 && cell.image.dataFile === undefined;
  if (hasHost) expect(after.refcountAt(old.host)).toBe(before.refcountAt(old.host) - (drops ? 1 : 0));
  if (bitmap !== undefined) {
    expect(now.bitmap).toBe(
      { 'all zero': 0xffff_ffff_0000_0000n, '0': 0n, 'all data': 0xffff_ffffn }[bitmap],
    );
  }
  const COPIED = 1n << 63n;
  const isNew = now.host !== 0 && now.host !== old.host;
  switch (entry) {
    case '0':
      expect(now.entry).toBe(0n);
      break;
    case 'ZP':
      expect(now.entry).toBe(1n);
      break;
    case 'kept':
      expect(now.entry).toBe(old.entry);
      break;
    case 'ZA':
      expect(now.entry).toBe(BigInt(old.host) | COPIED | 1n);
      break;
    case 'ZA shared':
      expect(now.entry).toBe(BigInt(old.host) | 1n);
      break;
    case 'N in place':
      expect(now.entry).toBe(BigInt(old.host) | COPIED);
      break;
    case 'N new':
      expect({ isNew, entry: now.entry }).toStrictEqual({ isNew: true, entry: BigInt(now.host) | COPIED });
      expect(after.refcountAt(now.host)).toBe(1);
      break;
    default:
      throw new Error(`unknown cell: ${expected}`);
  }
}
