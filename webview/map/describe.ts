/** Describes cells and selections for the tooltip and for screen readers. */
import { hex } from '../../src/text/hex';
import type { KindTotals } from '../../src/editor/page/messages';
import type { KindSet } from './kinds';
import type { Disk } from './geometry';
import type { Source } from './tiles';
import { shareText } from '../../src/text/shareText';
import { sizeText } from '../../src/text/sizeText';
import { formatCount } from '../base/numbers';
import { t } from '../base/strings';

export interface KindShare {
  readonly kind: string;
  /** Any unit; only the proportion to the sum counts. */
  readonly amount: number;
}

/** "Cluster 31", or "Clusters 4,096 to 8,191". */
export function nameClusters(start: number, length: number, disk: Disk): string {
  const first = Math.floor(start / disk.clusterSize);
  const last = Math.max(first, Math.ceil((start + length) / disk.clusterSize) - 1);
  return first === last
    ? t('Cluster {0}', formatCount(first))
    : t('Clusters {0} to {1}', formatCount(first), formatCount(last));
}

/** "0x1f0000, 64 KiB". */
export const placeOf = (start: number, length: number): string => `${hex(start)}, ${sizeText(length)}`;

/** The kinds in a cell, largest first; undefined until the cell is loaded. */
export function sharesOf(
  source: Source | undefined,
  cell: number,
  { kinds }: KindSet,
): readonly KindShare[] | undefined {
  if (source?.cellsPerCell !== 1) return undefined;
  const at = (cell - source.tile.firstCell) * kinds.length;
  const shares = kinds.map((kind, index) => ({ kind, amount: source.tile.shares[at + index] ?? 0 }));
  const present = shares.filter(({ amount }) => amount > 0);
  return present.length === 0 ? undefined : present.sort((a, b) => b.amount - a.amount);
}

/** Share of a cell of the file that lies in holes, 0 to 255. */
export function holeShareOf(source: Source | undefined, cell: number, { kinds }: KindSet): number {
  if (source?.cellsPerCell !== 1 || source.tile.holes === undefined) return 0;
  const at = (cell - source.tile.firstCell) * kinds.length;
  return source.tile.holes.subarray(at, at + kinds.length).reduce((sum, share) => sum + share, 0);
}

export function sharesOfTotals(totals: KindTotals, { kinds }: KindSet): readonly KindShare[] {
  return kinds
    .map((kind, index) => ({ kind, amount: totals.bytes[index] ?? 0 }))
    .filter(({ amount }) => amount > 0);
}

/** "Data 75 %, Unallocated 25 %"; a single kind without its share. */
export function nameShares(shares: readonly KindShare[], set: KindSet): string {
  const sum = shares.reduce((total, { amount }) => total + amount, 0);
  const [only, ...others] = shares;
  if (only && others.length === 0) return nameOfKind(set, only.kind);
  return shares.map(({ kind, amount }) => `${nameOfKind(set, kind)} ${shareText(amount, sum)}`).join(', ');
}

export const nameOfKind = (set: KindSet, kind: string): string => set.words[kind]?.name ?? kind;
