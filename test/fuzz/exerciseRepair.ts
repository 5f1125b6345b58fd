/**
 * Repairs an image that was not checked. If the check finds the result sound, it can be read and changed, and its save can
 * be planned.
 */
import { isSound } from '../../src/qcow2/check/checkReport';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import type { BlockFile } from '../../src/qcow2/io/blockFile';
import { PageStore } from '../../src/qcow2/io/pageStore';
import { StagedFile } from '../../src/qcow2/io/stagedFile';
import { silent } from '../../src/qcow2/progress';
import { repairImage } from '../../src/qcow2/repair/repairImage';
import type { RepairMode } from '../../src/qcow2/repair/report';
import { makeRepairPlan } from '../../src/qcow2/save/repairPlan';
import { guestOffset } from '../../src/qcow2/units';

/** Guest bytes read at a time, and runs looked at. */
const ENOUGH_RUNS = 10_000;

/** @param ask runs one repair; an error of the engine's own is an answer */
export function exerciseRepair(
  { file: base, dataFile }: { readonly file: BlockFile; readonly dataFile: BlockFile | undefined },
  ask: (question: string, make: () => void) => void,
): void {
  for (const mode of ['leaks', 'all'] as const) {
    ask(`repair ${mode}`, () => {
      repair(base, dataFile, mode);
    });
  }
}

function repair(base: BlockFile, dataFile: BlockFile | undefined, mode: RepairMode): void {
  const store = new PageStore('/nonexistent/scratch');
  try {
    const file = new StagedFile(base, store);
    const original = new StagedFile(base, store);
    const context = { file, original, dataFile, diskSize: base.size, progress: silent };
    const { report } = repairImage(context, mode);
    const again = repairImage({ ...context, original: file }, mode).report;
    if (isSound(report.after) && again.actions.some(({ kind }) => kind !== 'bitmapEntryDirty')) {
      throw new Error(`repaired twice: ${JSON.stringify(again.actions)}`);
    }
    makeRepairPlan(file, undefined, silent);
    if (!isSound(report.after)) return;
    const image = Qcow2Image.open(file, { dataFile });
    let runs = 0;
    image.forEachRun(guestOffset(0), guestOffset(image.size), () => ++runs < ENOUGH_RUNS);
  } finally {
    store.close();
  }
}
