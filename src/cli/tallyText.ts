/** What a change did, in one line. */
import { hex } from '../text/hex';
import type { Amount, ChangeTally, Rebased } from '../qcow2/change/tally';
import type { NewBacking } from '../qcow2/format/backingLayout';
import { printable } from '../text/printable';
import { sizeText } from '../text/sizeText';

const VERB_NAMES: Readonly<Record<ChangeTally['operation'], string>> = {
  writeZeroes: 'write-zeroes',
  discard: 'discard',
  write: 'write',
  rebase: 'rebase',
  shrink: 'shrink',
};

/** `write-zeroes at 0x10000, 64 KiB: 1 cluster (64 KiB) unallocated; 1 host cluster (64 KiB) freed`. */
export function tallyText(tally: ChangeTally): string {
  if (tally.rebased !== undefined) return rebasedText(tally.rebased);
  const what = `${VERB_NAMES[tally.operation]} at ${hex(tally.start)}, ${sizeText(tally.length)}`;
  const parts = [...guestParts(tally), ...hostParts(tally)];
  return `${what}: ${parts.length === 0 ? 'nothing to do' : parts.join('; ')}`;
}

/** `rebase: backing file base.qcow2 (qcow2), was old.qcow2 (qcow2); …`. */
function rebasedText({ before, after, showsThrough }: Rebased): string {
  const named = (backing: NewBacking | undefined): string =>
    backing === undefined ? 'none' : `${printable(backing.name)} (${backing.format ?? 'format not given'})`;
  const shown =
    after === undefined ? 'read as zeroes' : 'come from that file, whose content was not compared';
  return [
    `rebase: backing file ${named(after)}, was ${named(before)}`,
    ...part(showsThrough, `that the image does not hold now ${shown}`),
  ].join('; ');
}

function guestParts(tally: ChangeTally): string[] {
  const { version2, partialCluster, compressed } = tally.writtenExplicitly;
  return [
    ...part(tally.becameUnallocated, 'unallocated'),
    ...part(tally.becameZero, 'zero'),
    ...part(tally.keptAllocation, 'zero, allocation kept'),
    ...part(tally.written, 'written'),
    ...part(version2, 'written as zeroes (version 2 has no zero flag)'),
    ...part(partialCluster, 'written as zeroes (the rest of the cluster is not zero)'),
    ...part(compressed, 'written as zeroes (compressed, and zeroed in part)'),
    ...part(tally.notDiscarded.partialCluster, 'left alone (only whole clusters are discarded)'),
    ...part(
      tally.notDiscarded.version2Backing,
      'left alone (version 2 cannot hide the data of its backing file)',
    ),
    ...part(tally.unchanged, 'unchanged'),
  ];
}

function hostParts(tally: ChangeTally): string[] {
  const parts: string[] = [];
  if (tally.freedClusters > 0)
    parts.push(`${count(tally.freedClusters, 'host cluster')} (${sizeText(tally.freedBytes)}) freed`);
  if (tally.allocatedClusters > 0)
    parts.push(
      `${count(tally.allocatedClusters, 'host cluster')} (${sizeText(tally.allocatedBytes)}) allocated`,
    );
  if (tally.bitmapsMarked.length > 0)
    parts.push(`marked in ${count(tally.bitmapsMarked.length, 'dirty bitmap')}`);
  return parts;
}

function part({ clusters, bytes }: Amount, became: string): string[] {
  return clusters === 0 ? [] : [`${count(clusters, 'cluster')} (${sizeText(bytes)}) ${became}`];
}

/** The sum of writes that follow each other and share no cluster. */
export function sumOf(tallies: readonly ChangeTally[]): ChangeTally {
  return tallies.reduce((sum, next) => ({
    ...sum,
    length: sum.length + next.length,
    written: addAmounts(sum.written, next.written),
    freedClusters: sum.freedClusters + next.freedClusters,
    freedBytes: sum.freedBytes + next.freedBytes,
    allocatedClusters: sum.allocatedClusters + next.allocatedClusters,
    allocatedBytes: sum.allocatedBytes + next.allocatedBytes,
    bitmapsMarked: [...new Set([...sum.bitmapsMarked, ...next.bitmapsMarked])],
  }));
}

const addAmounts = (one: Amount, other: Amount): Amount => ({
  clusters: one.clusters + other.clusters,
  bytes: one.bytes + other.bytes,
});

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
