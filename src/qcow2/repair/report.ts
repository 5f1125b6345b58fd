/** What a repair does, or did, as plain data: the preview before it is staged and the report afterwards. */
import { isSound, type CheckReport } from '../check/checkReport';
import type { RepairAction, RepairLoss } from '../repairAction';
import type { RepairActionKind } from '../repairText';
import type { ByteLength } from '../units';

/** `leaks`: only what costs space. `all`: everything that can be repaired, entries that cannot be kept among it. */
export type RepairMode = 'leaks' | 'all';

/** `present`: as `all`, but where parts of the file are missing, which a whole copy would bring back, as `leaks`. */
export type RepairRequest = RepairMode | 'present';

/** Plain JSON. */
export interface RepairReport {
  readonly file: string;
  /** What was done: of `present` what it came to. */
  readonly mode: RepairMode;
  /** False where there is nothing to repair: no edit is made then. */
  readonly changed: boolean;
  /** Each kind once, in the order in which it is done. */
  readonly actions: readonly RepairAction[];
  /** The first losses, by layer and guest offset; neighbours of one kind are one. */
  readonly losses: readonly RepairLoss[];
  /** Of all losses. */
  readonly lossCount: number;
  /** Of all losses, bytes. */
  readonly lostBytes: ByteLength;
  readonly before: CheckReport;
  /** The repaired image, checked: what is left could not be repaired. */
  readonly after: CheckReport;
}

const OF_REFCOUNTS: ReadonlySet<RepairActionKind> = new Set([
  'refcountLowered',
  'refcountRaised',
  'refcountsRebuilt',
  'copiedFlag',
  'dirtyCleared',
]);

/** Whether a repair leaves a sound image and changes nothing but refcounts and what follows from them. */
export const concernsRefcountsAlone = ({ actions, lossCount, after }: RepairReport): boolean =>
  lossCount === 0 && isSound(after) && actions.every(({ kind }) => OF_REFCOUNTS.has(kind));
