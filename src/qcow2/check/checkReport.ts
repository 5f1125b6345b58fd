/** What a check has found out about an image. */
import type { Problem } from '../errors';
import type { ClusterCount, HostOffset } from '../units';
import type { Finding } from '../finding';
import type { FindingKind } from '../findingText';

/** Plain JSON. */
export interface CheckReport {
  readonly file: string;
  /** As `qemu-img check` counts them. */
  readonly corruptions: number;
  readonly leaks: number;
  readonly checkErrors: number;
  /** What breaks the specification although `qemu-img check` does not count it; overlaps among them. */
  readonly defects: number;
  /** Clusters of the guest's disk. */
  readonly totalClusters: ClusterCount;
  /** Of the active layer; a host cluster that is named twice counts twice. */
  readonly allocatedClusters: ClusterCount;
  readonly fragmentedClusters: ClusterCount;
  readonly compressedClusters: ClusterCount;
  /** Bytes; 0 where it cannot be told. */
  readonly imageEndOffset: HostOffset;
  /** The first findings; `byKind` has the numbers of all. */
  readonly findings: readonly Finding[];
  readonly byKind: Readonly<Partial<Record<FindingKind, number>>>;
  /** A repair has to rebuild the refcount structures. */
  readonly needsRebuild: boolean;
  /** The file was cut off, and internal snapshots have lost what only they have; the scan tells of the disk itself. */
  readonly incomplete?: Problem;
}

/** Nothing wrong but leaks, which cost space and no data. */
export const isSound = (report: CheckReport): boolean =>
  report.corruptions === 0 && report.checkErrors === 0 && report.defects === 0;
