/**
 * The kinds of findings, and those that are kept. Findings are bounded in number; totals count on. `corruptions`, `leaks`
 * and `checkErrors` are the numbers that `qemu-img check` prints; what breaks the specification although QEMU's check
 * does not count it is a `defect`.
 */
import type { Finding, FindingFacts, Repair, Rule, Severity } from '../finding';
import type { FindingKind } from '../findingText';

const corruption = (repair: Repair): Rule => ({ severity: 'corruption', repair });
const defect: Rule = { severity: 'defect', repair: 'none' };

/** Severity and repair of each kind, as QEMU has them where it knows the kind. */
export const RULES: Readonly<Record<FindingKind, Rule>> = {
  refcountTooHigh: { severity: 'leak', repair: 'leaks' },
  refcountTooLow: corruption('all'),
  refcountOverflow: corruption('none'),
  refcountUnreadable: { severity: 'checkError', repair: 'rebuild' },
  refcountBlockReserved: corruption('rebuild'),
  refcountBlockMisaligned: corruption('rebuild'),
  refcountBlockBeyondFile: corruption('all'),
  refcountBlockShared: corruption('rebuild'),
  beyondFile: corruption('none'),
  l1Reserved: corruption('none'),
  l1Misaligned: corruption('none'),
  l1Copied: corruption('all'),
  l2Reserved: corruption('none'),
  l2Copied: corruption('all'),
  dataMisaligned: corruption('none'),
  preallocatedMisaligned: corruption('all'),
  compressedCopied: corruption('none'),
  compressedInDataFile: corruption('none'),
  compressedSubclusters: corruption('none'),
  subclustersBoth: corruption('none'),
  subclustersUnallocated: corruption('none'),
  snapshotL1Misaligned: corruption('none'),
  snapshotL1TooLarge: corruption('none'),
  snapshotIncomplete: corruption('all'),
  snapshotExtraData: corruption('all'),
  snapshotsTooMany: corruption('all'),
  snapshotTableTooBig: corruption('all'),
  snapshotsWithDataFile: corruption('none'),
  bitmapEntry: corruption('none'),
  unreadable: { severity: 'checkError', repair: 'none' },
  zeroFlagInVersion2: defect,
  zeroFlagReserved: defect,
  dataFileOffset: defect,
  overlap: defect,
};

/** Findings of one severity that are kept, unless told; the others are only counted. */
export const MAX_KEPT = 1000;

export class Findings {
  readonly kept: Finding[] = [];
  readonly byKind: Partial<Record<FindingKind, number>> = {};
  readonly bySeverity: Record<Severity, number> = { corruption: 0, leak: 0, checkError: 0, defect: 0 };

  readonly #kept: Record<Severity, number> = { corruption: 0, leak: 0, checkError: 0, defect: 0 };
  /** A cluster that is referred to has a refcount of 0: QEMU raises none from there, it rebuilds all. */
  #isUncounted = false;

  constructor(readonly maxKept = MAX_KEPT) {}

  /** No further one of this kind would be kept: it need only be counted. */
  isFull(kind: FindingKind): boolean {
    return this.#kept[RULES[kind].severity] >= this.maxKept;
  }

  /** Counts one without keeping it. */
  count(kind: FindingKind, times: number): void {
    this.byKind[kind] = (this.byKind[kind] ?? 0) + times;
    this.bySeverity[RULES[kind].severity] += times;
  }

  /** @param times how often it counts */
  add(kind: FindingKind, facts: FindingFacts, times = 1): void {
    const rule = RULES[kind];
    this.count(kind, times);
    this.#isUncounted ||= kind === 'refcountTooLow' && facts.found === 0;
    if (this.#kept[rule.severity]++ < this.maxKept) this.kept.push({ kind, ...rule, times, ...facts });
  }

  get needsRebuild(): boolean {
    const kinds = Object.keys(this.byKind) as FindingKind[];
    return this.#isUncounted || kinds.some((kind) => RULES[kind].repair === 'rebuild');
  }
}
