/** `qcow2 check -r`: repairs, as a staged edit that is saved at once. */
import type { RepairMode } from '../qcow2/repair/report';
import { printable } from '../qcow2/problemText';
import { EXIT_NOT_CHECKED, exitCode, printFindings, printReport, type Form } from './checkReport';
import { refuseObstacles, saveImage, warnOfOverlays, withEditable } from './editable';
import { printError } from './output';
import { fixedCounts, forEachRepairLine } from './repairText';
import type { Arguments } from './verb';

/** @returns the exit code, which speaks of what is left */
export function repairFile(args: Arguments, form: Form, mode: RepairMode): number {
  const path = args.operands[0]!;
  return withEditable(path, args, (image, progress) => {
    refuseObstacles(image.repairObstacles());
    warnOfOverlays(path);
    const report = image.applyRepair(mode, '', progress);
    progress.clear();
    printFindings(image.onDisk.top, report.before);
    if (mode === 'leaks' && report.before.needsRebuild) {
      printError('ERROR need to rebuild refcount structures\n');
      return EXIT_NOT_CHECKED;
    }
    const { clusterSize } = image.chain.top.header;
    if (report.changed) saveImage(image, progress);
    forEachRepairLine(report, clusterSize, (line) => {
      printError(`${printable(line)}\n`);
    });
    if (report.changed) printFindings(image.onDisk.top, report.after);
    printReport(args, form, report.after, image.onDisk, fixedCounts(report));
    return exitCode(report.after);
  });
}
