/** What a repair does, or did, as plain data: the preview before it is staged and the report afterwards. */
import { isSound, type CheckReport } from '../check/checkReport';
import type { FindingKind, Structure } from '../check/findings';

/** `leaks`: only what costs space. `all`: everything that can be mended, entries that cannot be kept among it. */
export type RepairMode = 'leaks' | 'all';

/** `present`: as `all`, but where parts of the file are missing, which a whole copy would bring back, as `leaks`. */
export type RepairRequest = RepairMode | 'present';

export type RepairActionKind =
  /** Refcounts that were higher than the references. */
  | 'refcountLowered'
  /** Refcounts that were lower than the references. */
  | 'refcountRaised'
  /** Refcount table and blocks made anew, in clusters that nothing else uses. */
  | 'refcountsRebuilt'
  /** COPIED flags of L1 and L2 entries set or cleared, as the refcounts say. */
  | 'copiedFlag'
  /** An L1 entry that cannot be kept: 0 now, and all guest clusters of its table with it. */
  | 'l1EntryCleared'
  /** An L2 entry that cannot be kept: unallocated, what a backing file has shows through. */
  | 'entryUnallocated'
  /** An L2 entry whose host cluster cannot be kept, and that read as zero all along: still does. */
  | 'entryZeroed'
  /** Bits cleared that no reader looks at. */
  | 'reservedBitsCleared'
  /** The length of a compressed cluster that led past the end of the file, where there was nothing of it. */
  | 'compressedCut'
  /** An offset in an external data file, which can only be that of the guest. */
  | 'dataFileOffsetMended'
  /** The subcluster bitmap of an extended L2 entry. */
  | 'subclustersMended'
  /** A cluster of data that something else used, too: the entry has a copy of its own now. */
  | 'dataCopied'
  /** An L1 or L2 table, or another structure, that something else used, too: moved to a cluster of its own. */
  | 'structureCopied'
  /** A snapshot's table entry, to which fields were added. */
  | 'snapshotCompleted'
  /** Extra data of a snapshot's table entry, beyond what is allowed. */
  | 'snapshotExtraDataCut'
  /** A snapshot that cannot be kept. */
  | 'snapshotRemoved'
  /** A bitmap table entry that cannot be kept: the bitmap has the range as dirty now. */
  | 'bitmapEntryDirty'
  /** The feature bits of the header. */
  | 'dirtyCleared'
  | 'corruptCleared';

/** One of the places; offsets are bytes. */
export interface RepairExample {
  /** Of the entry that changes: bytes from the start of the image file. */
  readonly at?: number;
  /** Of the cluster concerned: bytes from the start of the image file. */
  readonly host?: number;
  /** Clusters from `host` on; one unless told. */
  readonly clusters?: number;
  readonly guest?: number;
  /** Place in the snapshot table; absent for the active layer. */
  readonly snapshot?: number;
  readonly structure?: Structure;
  /** A number (a refcount, a host offset), or a raw entry as `0x…`. */
  readonly found?: number | string;
  readonly becomes?: number | string;
  /** Of the cluster that an entry with a wrong COPIED flag leads to. */
  readonly refcount?: number;
}

export interface RepairAction {
  readonly kind: RepairActionKind;
  /** How often: clusters for refcounts, entries otherwise. */
  readonly count: number;
  /** The first ones. */
  readonly examples: readonly RepairExample[];
}

/** Guest bytes that read differently after the repair, or that could not be read before. */
export interface RepairLoss {
  /** First byte. */
  readonly guest: number;
  /** Bytes. */
  readonly length: number;
  /** The snapshot in which it is so, by its place in the snapshot table; absent for the active layer. */
  readonly snapshot?: number;
  /** The finding behind it. */
  readonly why: FindingKind;
  /** False where reading them was an error. */
  readonly wasReadable: boolean;
  /** What they read as now. */
  readonly reads: 'zeroes' | 'backing';
}

/** Plain JSON. */
export interface RepairReport {
  readonly file: string;
  /** What was done: of `present` what it came to. */
  readonly mode: RepairMode;
  /** False where there is nothing to mend: no edit is made then. */
  readonly changed: boolean;
  /** Each kind once, in the order in which it is done. */
  readonly actions: readonly RepairAction[];
  /** The first losses, by layer and guest offset; neighbours of one kind are one. */
  readonly losses: readonly RepairLoss[];
  /** Of all losses. */
  readonly lossCount: number;
  /** Of all losses, bytes. */
  readonly lostBytes: number;
  readonly before: CheckReport;
  /** The repaired image, checked: what is left could not be mended. */
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
