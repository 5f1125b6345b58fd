/** `qcow2 check -r`: repairs, as a staged edit that is saved at once. */
import type { CheckReport } from '../qcow2/check/checkReport';
import { EngineError } from '../qcow2/errors';
import type { RepairMode, RepairRequest } from '../qcow2/repair/report';
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { EXIT_NOT_CHECKED, exitCode, printFindings, printIncomplete, printReport } from './checkReport';
import { refuseObstacles, saveImage, warn, warnOfOverlays, withEditable } from './editable';
import { printError } from './output';
import type { ProgressBar } from './progressBar';
import { fixedCounts, forEachRepairLine } from './repairText';
import type { ArgumentsOf } from './verb';

/** @returns the exit code of a check of the repaired image */
export function repairFile(args: ArgumentsOf<'check'>, mode: RepairMode): number {
  const path = args.operands.FILE;
  return withEditable(path, args, (image, progress) => {
    refuseObstacles(image.repairObstacles(), 'unwritten');
    warnOfOverlays(path);
    try {
      const request = mode === 'all' && !args.options['give-up-missing'] ? 'present' : mode;
      return repair(image, progress, args, request);
    } catch (error) {
      if (!(error instanceof EngineError) || error.problem.code !== 'repair.l1TableMissing') throw error;
      return printUnrepaired(image, progress, args, error);
    }
  });
}

function repair(
  image: EditableImage,
  progress: ProgressBar,
  args: ArgumentsOf<'check'>,
  request: RepairRequest,
): number {
  const { top } = image.onDisk;
  const report = image.applyRepair(request, '', progress);
  const { before, after, mode } = report;
  progress.clear();
  printFindings(top, before, { phases: ['snapshots', 'entries', 'refcounts'], repairs: mode });
  if (request === 'leaks' && before.needsRebuild) {
    printError('ERROR need to rebuild refcount structures\n');
    return EXIT_NOT_CHECKED;
  }
  forEachRepairLine(report, top, (line) => {
    printError(`${printable(line)}\n`);
  });
  if (report.changed) saveImage(image, progress);
  const fixed = fixedCounts(report);
  const isCheckedAgain = fixed.leaks + fixed.corruptions > 0;
  // As QEMU does: remaining flags first, then all remaining findings if it checks again.
  printFindings(image.onDisk.top, after, { phases: ['flags'] });
  if (isCheckedAgain) printFindings(image.onDisk.top, after);
  if (request === 'present' && mode === 'leaks') warnOfMissing(image, after);
  printReport(args, after, image.onDisk, fixed);
  return exitCode(after);
}

/** Names the way on for an image with missing parts. */
function warnOfMissing({ onDisk }: EditableImage, after: CheckReport): void {
  printIncomplete(onDisk, after);
  const way = 'To give up the missing parts and repair the rest, add --give-up-missing';
  warn(onDisk.top.file.name, `Only leaks are repaired because parts of the file are missing. ${way}`);
}

/** Prints the check of an image that cannot be repaired, and why it cannot. */
function printUnrepaired(
  image: EditableImage,
  progress: ProgressBar,
  args: ArgumentsOf<'check'>,
  { problem }: EngineError,
): number {
  const report = image.check(progress);
  progress.clear();
  printFindings(image.onDisk.top, report);
  printReport(args, report, image.onDisk);
  warn(problem.file, describeProblem(problem));
  return report.needsRebuild ? EXIT_NOT_CHECKED : exitCode(report);
}
