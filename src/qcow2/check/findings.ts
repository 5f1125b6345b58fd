/**
 * What the check finds, as data. Findings are bounded in number; totals count on. `corruptions`, `leaks` and
 * `checkErrors` are the numbers that `qemu-img check` prints; what breaks the specification although QEMU's check
 * does not count it is a `defect`.
 */

import type { Problem } from '../errors';
import type { ByteLength, ClusterCount, GuestOffset, HostOffset } from '../units';

export type Severity = 'corruption' | 'leak' | 'checkError' | 'defect';

/**
 * What mends a finding: `leaks` and `all` as the two kinds of repair are called, `rebuild` for new refcount
 * structures (part of `all`), `none` where nothing is known to.
 */
export type Repair = 'leaks' | 'all' | 'rebuild' | 'none';

/** Structures that refer to host clusters, by their names in the specification. */
export type Structure =
  | 'header'
  | 'L1 table'
  | 'L2 table'
  | 'snapshot table'
  | 'refcount table'
  | 'refcount block'
  | 'encryption header'
  | 'bitmap directory'
  | 'bitmap table'
  | 'bitmap data'
  | 'data'
  | 'compressed data';

export type FindingKind =
  | 'refcountTooHigh'
  | 'refcountTooLow'
  | 'refcountOverflow'
  | 'refcountUnreadable'
  | 'refcountBlockReserved'
  | 'refcountBlockMisaligned'
  | 'refcountBlockBeyondFile'
  | 'refcountBlockShared'
  | 'beyondFile'
  | 'l1Reserved'
  | 'l1Misaligned'
  | 'l1Copied'
  | 'l2Reserved'
  | 'l2Copied'
  | 'dataMisaligned'
  | 'preallocatedMisaligned'
  | 'compressedCopied'
  | 'compressedInDataFile'
  | 'compressedSubclusters'
  | 'subclustersBoth'
  | 'subclustersUnallocated'
  | 'snapshotL1Misaligned'
  | 'snapshotL1TooLarge'
  | 'snapshotIncomplete'
  | 'snapshotExtraData'
  | 'snapshotsTooMany'
  | 'snapshotTableTooBig'
  | 'snapshotsWithDataFile'
  | 'bitmapEntry'
  | 'unreadable'
  | 'zeroFlagInVersion2'
  | 'zeroFlagReserved'
  | 'dataFileOffset'
  | 'overlap';

interface Rule {
  readonly severity: Severity;
  readonly repair: Repair;
}

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

/** Who refers to a cluster. Offsets are bytes. */
export interface Claim {
  readonly structure: Structure;
  /** Where in the image file the reference is; absent for the header, which nothing refers to. */
  readonly at?: HostOffset;
  /** The first guest byte of what it is for: data, or an L2 table of the active layer. */
  readonly guest?: GuestOffset;
  /** The snapshot whose tables have the reference, by its place in the snapshot table; absent for the active layer. */
  readonly snapshot?: number;
}

export interface FindingFacts {
  /** Of the cluster concerned: bytes from the start of the image file. */
  readonly host?: HostOffset;
  /** Clusters from `host` on that it is true of; one unless told. */
  readonly clusters?: ClusterCount;
  /** Bytes from `host` on that are referred to, where that is not a cluster. */
  readonly size?: ByteLength;
  /** First guest byte concerned. */
  readonly guest?: GuestOffset;
  /** Of the entry at fault: bytes from the start of the image file. */
  readonly at?: HostOffset;
  readonly structure?: Structure;
  /** A number, or a raw entry as `0x…`. */
  readonly found?: number | string;
  readonly expected?: number | string;
  /** The snapshot concerned, by its place in the snapshot table. */
  readonly snapshot?: number;
  readonly claims?: readonly Claim[];
  /** Why a part of the image could not be read, and so was not checked. */
  readonly problem?: Problem;
}

export interface Finding extends FindingFacts, Rule {
  readonly kind: FindingKind;
  /** How often it counts: a table that is named several times has its faults as often. */
  readonly times: number;
}

/** Findings of one severity that are kept, unless told; the others are only counted. */
export const MAX_KEPT = 1000;

export class Findings {
  readonly kept: Finding[] = [];
  readonly byKind: Partial<Record<FindingKind, number>> = {};
  readonly bySeverity: Record<Severity, number> = { corruption: 0, leak: 0, checkError: 0, defect: 0 };

  readonly #kept: Record<Severity, number> = { corruption: 0, leak: 0, checkError: 0, defect: 0 };
  /** A cluster that is referred to has a refcount of 0: QEMU raises none from there, it makes all anew. */
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
