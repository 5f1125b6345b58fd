/** What `qcow2 check -r` prints about a repair: QEMU's words where QEMU does the same. */
import type { CheckReport } from '../qcow2/check/checkReport';
import type { FixedCounts } from '../qcow2/check/checkText';
import type { Finding } from '../qcow2/finding';
import type { RepairReport } from '../qcow2/repair/report';
import type { RepairAction, RepairExample } from '../qcow2/repairAction';
import { REPAIR_TEXT, type RepairActionKind } from '../qcow2/repairText';
import { forEachRefcountRepair } from '../qcow2/check/qemuLines';
import { describeExample, describeLoss } from '../qcow2/describeRepair';
import type { Header } from '../qcow2/format/header';
import type { Qcow2Image } from '../qcow2/image/qcow2Image';
import { hostOffset } from '../qcow2/units';

/**
 * How many of the problems that the check counted are gone. COPIED flags count if they were changed after the refcounts were
 * repaired: QEMU does not count those that are right by then.
 */
export function fixedCounts({ before, after, actions }: RepairReport): FixedCounts {
  const flags = actions.find(({ kind }) => kind === 'copiedFlag')?.count ?? 0;
  const gone = besidesOthers(before) - besidesOthers(after);
  return { leaks: Math.max(0, before.leaks - after.leaks), corruptions: Math.max(0, gone) + flags };
}

/** Without flags, and without problems of the snapshot table, which QEMU repairs but does not count. */
function besidesOthers({ corruptions, byKind, findings }: CheckReport): number {
  const flags = (byKind.l1Copied ?? 0) + (byKind.l2Copied ?? 0);
  const isUncounted = ({ kind, structure }: Finding): boolean =>
    kind === 'beyondFile' && structure === 'snapshot table';
  return corruptions - flags - findings.filter(isUncounted).length;
}

/** Printed as findings already, or not printed by QEMU at all. */
const NOT_PRINTED: ReadonlySet<RepairActionKind> = new Set<RepairActionKind>([
  'snapshotCompleted',
  'snapshotExtraDataCut',
  'dirtyCleared',
  'corruptCleared',
]);
const OF_REFCOUNTS: ReadonlySet<RepairActionKind> = new Set<RepairActionKind>([
  'refcountRaised',
  'refcountLowered',
  'refcountsRebuilt',
]);

/**
 * Visits a line for each action, in QEMU's words and order where QEMU does the same. Of many actions of one kind, the first
 * are listed and the others counted.
 * @param image as it was before the repair
 */
export function forEachRepairLine(
  report: RepairReport,
  image: Qcow2Image,
  visit: (line: string) => void,
): void {
  const { actions, losses, lossCount, before, mode } = report;
  const own = actions.filter(({ kind }) => !NOT_PRINTED.has(kind));
  const visitAction = ({ kind, count, examples }: RepairAction): void => {
    for (const example of examples) visit(actionLine(kind, example, image.header));
    const more = count - examples.length;
    if (more > 0) visit(`${REPAIR_TEXT[kind]}: ${more} more`);
  };
  for (const action of own)
    if (!OF_REFCOUNTS.has(action.kind) && action.kind !== 'copiedFlag') visitAction(action);
  if (mode === 'leaks') {
    const isAny = !before.needsRebuild && before.leaks + besidesOthers(before) > 0;
    if (isAny) forEachRefcountRepair(image, before.findings, visit, mode);
  } else if (before.needsRebuild) visit('Rebuilding refcount structure');
  else {
    for (const action of own) if (action.kind === 'refcountsRebuilt') visitAction(action);
    visitAction(refcountsChanged(own, before, image.header.clusterSize));
  }
  for (const action of own) if (action.kind === 'copiedFlag') visitAction(action);
  for (const loss of losses) visit(`Lost: ${describeLoss(loss)}`);
  if (lossCount > losses.length) visit(`Lost: ${lossCount - losses.length} more ranges`);
}

/**
 * Refcounts that were raised or lowered, in the order of their clusters. Like QEMU, it lists only those that the check has
 * found; the others follow from earlier actions.
 */
function refcountsChanged(
  actions: readonly RepairAction[],
  { findings }: CheckReport,
  clusterSize: number,
): RepairAction {
  const both = actions.filter(({ kind }) => kind === 'refcountRaised' || kind === 'refcountLowered');
  const wrong = findings.filter(({ kind }) => kind === 'refcountTooHigh' || kind === 'refcountTooLow');
  const isFound = ({ host: at = hostOffset(0) }: RepairExample): boolean =>
    wrong.some(({ host = 0, clusters = 1 }) => at >= host && at < host + clusters * clusterSize);
  const listed = both.flatMap(({ examples }) => examples);
  const more = both.reduce((sum, { count }) => sum + count, 0) - listed.length;
  const examples = listed.filter(isFound).sort((one, other) => (one.host ?? 0) - (other.host ?? 0));
  return { kind: 'refcountRaised', count: examples.length + more, examples };
}

function actionLine(kind: RepairAction['kind'], example: RepairExample, header: Header): string {
  const { host = 0, guest = 0, found = 0, becomes, structure, refcount = 0 } = example;
  switch (kind) {
    case 'copiedFlag': {
      const entry = BigInt(found).toString(16);
      if (structure !== 'L2 table')
        return `Repairing OFLAG_COPIED data cluster: l2_entry=${entry} refcount=${refcount}`;
      const index = guest / header.l2Span;
      return `Repairing OFLAG_COPIED L2 cluster: l1_index=${index} l1_entry=${entry} refcount=${refcount}`;
    }
    case 'refcountLowered':
    case 'refcountRaised':
      return `Repairing cluster ${Math.floor(host / header.clusterSize)} refcount=${found} reference=${becomes ?? 0}`;
    default:
      return `${REPAIR_TEXT[kind]}: ${describeExample(example)}`;
  }
}
