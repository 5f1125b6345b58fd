/** What a repair did, as `qcow2 check -r` tells it: in QEMU's words where it does the same. */
import type { CheckReport } from '../qcow2/check/checkImage';
import type { FixedCounts } from '../qcow2/check/checkText';
import type {
  RepairAction,
  RepairActionKind,
  RepairExample,
  RepairLoss,
  RepairReport,
} from '../qcow2/repair/report';
import { hex } from '../qcow2/units';

/** What is gone of what the check had counted. */
export function fixedCounts({ before, after }: RepairReport): FixedCounts {
  const gone = (field: keyof CheckReport & ('leaks' | 'corruptions' | 'checkErrors')): number =>
    Math.max(0, before[field] - after[field]);
  return { leaks: gone('leaks'), corruptions: gone('corruptions') + gone('checkErrors') };
}

/** What was done, a line each. Of many things of a kind the first are told. */
export function forEachRepairLine(
  { actions, losses, lossCount }: RepairReport,
  clusterSize: number,
  visit: (line: string) => void,
): void {
  for (const action of actions) {
    for (const example of action.examples) visit(actionLine(action.kind, example, clusterSize));
    const more = action.count - action.examples.length;
    if (more > 0) visit(`Repairing ${more} more: ${WORDS[action.kind]}`);
  }
  for (const loss of losses) visit(lossLine(loss));
  if (lossCount > losses.length) visit(`Lost: ${lossCount - losses.length} more stretches`);
}

const WORDS: Readonly<Record<RepairActionKind, string>> = {
  refcountLowered: 'refcounts lowered',
  refcountRaised: 'refcounts raised',
  refcountsRebuilt: 'refcount structures made anew',
  copiedFlag: 'OFLAG_COPIED',
  l1EntryCleared: 'L1 entry cleared',
  entryUnallocated: 'L2 entry unallocated',
  entryZeroed: 'L2 entry set to zero',
  reservedBitsCleared: 'reserved bits cleared',
  compressedCut: 'compressed cluster cut at the end of the file',
  dataFileOffsetMended: 'offset in the data file',
  subclustersMended: 'subcluster bitmap',
  dataCopied: 'data copied to a cluster of its own',
  structureCopied: 'copied to a cluster of its own',
  snapshotCompleted: 'snapshot table entry completed',
  snapshotExtraDataCut: 'extra data of a snapshot table entry discarded',
  snapshotRemoved: 'snapshot removed',
  bitmapEntryDirty: 'bitmap table entry set to all dirty',
  dirtyCleared: 'dirty bit cleared',
  corruptCleared: 'corrupt bit cleared',
};

function actionLine(kind: RepairAction['kind'], example: RepairExample, clusterSize: number): string {
  const { host = 0, found, becomes, snapshot } = example;
  switch (kind) {
    case 'refcountLowered':
    case 'refcountRaised':
      return `Repairing cluster ${Math.floor(host / clusterSize)} refcount=${found ?? 0} reference=${becomes ?? 0}`;
    case 'snapshotCompleted':
      return `Repairing snapshot table entry ${snapshot ?? 0} is incomplete`;
    default:
      return `Repairing ${example.structure ?? 'header'}: ${WORDS[kind]}${placeText(example)}`;
  }
}

function placeText({ at, guest, snapshot, found, becomes }: RepairExample): string {
  const text = (value: number | string): string => (typeof value === 'number' ? hex(value) : value);
  const parts = [
    ...(guest === undefined ? [] : [`guest offset ${hex(guest)}`]),
    ...(snapshot === undefined ? [] : [`snapshot ${snapshot + 1}`]),
    ...(at === undefined ? [] : [`at ${hex(at)}`]),
    ...(found === undefined ? [] : [`was ${text(found)}`]),
    ...(becomes === undefined ? [] : [`is ${text(becomes)}`]),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function lossLine({ guest, length, snapshot, reads, wasReadable, why }: RepairLoss): string {
  const layer = snapshot === undefined ? '' : ` of snapshot ${snapshot + 1}`;
  const before = wasReadable ? '' : ', could not be read before';
  const now = reads === 'zeroes' ? 'zeroes' : 'what the backing file has';
  return `Lost: guest offset ${hex(guest)}${layer}, ${length} bytes (${why}${before}): ${now}`;
}
