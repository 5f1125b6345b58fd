/**
 * The full check of an image: what `qemu-img check` finds, with its numbers, and what it does not tell. Tables are
 * read once, in large pieces; references are counted in a byte for each cluster that is referred to.
 */
import { hex } from '../../text/hex';
import { UnsupportedError } from '../errors';
import {
  MAX_L1_SIZE,
  MAX_SNAPSHOT_EXTRA_SIZE,
  MAX_SNAPSHOT_TABLE_SIZE,
  MAX_SNAPSHOTS,
} from '../format/limits';
import { l1TableFault } from '../format/snapshotTable';
import type { Qcow2Image } from '../image/qcow2Image';
import { silent, type Progress } from '../progress';
import { type ClusterCount, hostCluster, type HostCluster, hostOffset } from '../units';
import { ClaimCollector, MAX_CLAIMED } from './claims';
import type { CheckReport } from './checkReport';
import { RefcountComparison } from './compareRefcounts';
import { ReferenceCounter } from './countReferences';
import { DiskRefcounts } from './diskRefcounts';
import { Findings, MAX_KEPT } from './findings';
import { References } from './references';

/** As QEMU has it: more clusters than this are not checked. */
export const MAX_CLUSTERS = 2 ** 31 - 1;

/** References counted, and what was found on the way. */
export interface CountedImage {
  readonly image: Qcow2Image;
  /** Clusters of the file. */
  readonly clusters: ClusterCount;
  readonly findings: Findings;
  /** Refcounts as the image has them. */
  readonly disk: DiskRefcounts;
  readonly counter: ReferenceCounter;
  /** Can be walked again after `rewind`. */
  readonly references: References;
}

/**
 * The first part of a check: everything but the comparison of refcounts with the references that were counted.
 * @throws UnsupportedError `check.clusters`, `check.memory`; FileError; CancelledError
 */
export function countImage(image: Qcow2Image, progress: Progress, maxFindings = MAX_KEPT): CountedImage {
  const { file, header } = image;
  const clusters = Math.ceil(file.size / header.clusterSize);
  if (clusters > MAX_CLUSTERS) {
    throw new UnsupportedError(file.name, 'check.clusters', { value: clusters, limit: MAX_CLUSTERS });
  }
  const findings = new Findings(maxFindings);
  const disk = new DiskRefcounts(file, header, clusters, image.hasReadableRefcounts);
  const counter = new ReferenceCounter(image, disk, clusters, findings);
  const references = new References(image, disk, clusters, progress);
  for (const { problem, blocks } of image.faults) {
    if (blocks === 'repair') findings.add('unreadable', { problem, at: hostOffset(problem.offset ?? 0) });
  }
  checkSnapshots(image, findings);
  references.forEach(counter);
  return { image, clusters, findings, disk, counter, references };
}

/**
 * Checks the image file with all its tables; backing files are not its business.
 * @param maxFindings of each severity that are told one by one
 * @throws UnsupportedError `check.clusters`, `check.memory`; FileError; CancelledError
 */
export function checkImage(
  image: Qcow2Image,
  progress: Progress = silent,
  maxFindings = MAX_KEPT,
): CheckReport {
  return reportOn(countImage(image, progress, maxFindings), progress);
}

/**
 * The second part of a check.
 * @throws FileError, CancelledError
 */
export function reportOn(counted: CountedImage, progress: Progress): CheckReport {
  const { image, findings, disk, counter, references } = counted;
  const { file, header } = image;
  const known = counter.knownClusters;
  const comparison = new RefcountComparison(counter.counts, disk, known, header.clusterSize, findings);
  // Where a part of the image cannot be read, what it refers to would pass for leaked.
  const isWhole = image.faultFor('repair') === undefined;
  if (isWhole) comparison.run(progress);

  const suspects = isWhole ? suspectClusters(counter, references, findings) : [];
  if (suspects.length > 0) {
    const claims = new ClaimCollector(image, disk, suspects);
    references.rewind();
    references.forEach(claims);
    claims.report(findings);
  }
  const incomplete = counter.snapshotLosses.problem;
  return {
    file: file.name,
    corruptions: findings.bySeverity.corruption,
    leaks: findings.bySeverity.leak,
    checkErrors: findings.bySeverity.checkError,
    defects: findings.bySeverity.defect,
    totalClusters: image.clusterCount,
    ...counter.statistics,
    imageEndOffset: hostOffset(isWhole ? (comparison.highest + 1) * header.clusterSize : 0),
    findings: findings.kept,
    byKind: findings.byKind,
    needsRebuild: findings.needsRebuild,
    ...(incomplete === undefined ? {} : { incomplete }),
  };
}

function checkSnapshots({ header, snapshots, hasDataFile }: Qcow2Image, findings: Findings): void {
  if (hasDataFile && snapshots.length > 0) {
    findings.add('snapshotsWithDataFile', { structure: 'snapshot table', found: snapshots.length });
  }
  checkSnapshotCount(header.snapshotCount, snapshots.length, findings);
  snapshots.forEach((each, snapshot) => {
    const { offset, l1TableOffsetField, l1Size, virtualSize, excessExtraData } = each;
    const facts = { at: offset, snapshot, structure: 'snapshot table' } as const;
    const l1Fault = l1TableFault(each, header.clusterSize);
    if (l1Fault === 'misaligned') {
      const found = hex(l1TableOffsetField);
      findings.add('snapshotL1Misaligned', { ...facts, found, expected: header.clusterSize });
    } else if (l1Fault === 'tooLarge') {
      findings.add('snapshotL1TooLarge', { ...facts, found: l1Size, expected: MAX_L1_SIZE / 8 });
    }
    // Version 3 asks for the size of the VM state and of the disk (qcow2.txt, "Snapshots").
    if (header.version === 3 && virtualSize === undefined) findings.add('snapshotIncomplete', facts);
    if (excessExtraData !== undefined) {
      const found = MAX_SNAPSHOT_EXTRA_SIZE + excessExtraData;
      findings.add('snapshotExtraData', { ...facts, found, expected: MAX_SNAPSHOT_EXTRA_SIZE });
    }
  });
}

/** Snapshots that are read over, since there are too many, or too many to fit in a table. */
function checkSnapshotCount(declared: number, read: number, findings: Findings): void {
  const structure = 'snapshot table';
  const tooMany = Math.max(0, declared - MAX_SNAPSHOTS);
  if (tooMany > 0) {
    findings.add(
      'snapshotsTooMany',
      { structure, at: hostOffset(60), found: declared, expected: MAX_SNAPSHOTS },
      tooMany,
    );
  }
  const unread = declared - tooMany - read;
  if (unread > 0) {
    const facts = {
      structure,
      at: hostOffset(60),
      found: declared,
      expected: read,
      size: MAX_SNAPSHOT_TABLE_SIZE,
    } as const;
    findings.add('snapshotTableTooBig', facts, unread);
  }
}

/**
 * Clusters that have more references than they may have, whatever their refcount says: those whose refcount is too
 * low, and those of metadata that something else refers to.
 */
function suspectClusters(counter: ReferenceCounter, references: References, findings: Findings): number[] {
  const { counts } = counter;
  const { clusterSize } = counter.image.header;
  const suspects: number[] = [];
  const isFull = (): boolean => suspects.length >= MAX_CLAIMED;
  const add = (cluster: HostCluster): void => {
    if (!isFull()) suspects.push(cluster);
  };
  for (const { kind, host, clusters = 1 } of findings.kept) {
    if (kind !== 'refcountTooLow' && kind !== 'refcountOverflow') continue;
    const first = hostCluster((host ?? 0) / clusterSize);
    for (let cluster = first; cluster < first + clusters && !isFull(); cluster++) {
      if (kind === 'refcountOverflow' || counts.of(cluster) > 1) add(cluster);
    }
  }
  for (const [first, count] of counter.exclusive) {
    for (let cluster = hostCluster(first); cluster < first + count && !isFull(); cluster++) {
      if (counts.of(cluster) > 1) add(cluster);
    }
  }
  references.allTables.forEachCounted(1, (cluster, named) => {
    const isNamedTwice = references.activeTables.of(cluster) > 1;
    if (isNamedTwice || counts.of(cluster) > Math.min(named, counts.largest)) add(cluster);
  });
  return suspects;
}
