/** `qcow2 check -r`: repairs, as a staged edit that is saved at once. */
import type { CheckReport } from '../qcow2/check/checkReport';
import { EngineError } from '../qcow2/errors';
import type { RepairMode, RepairRequest } from '../qcow2/repair/report';
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import type { EditableImage } from '../qcow2/edit/editableImage';
import {
  EXIT_NOT_CHECKED,
  exitCode,
  type Form,
  printFindings,
  printIncomplete,
  printReport,
} from './checkReport';
import { refuseObstacles, saveImage, warn, warnOfOverlays, withEditable } from './editable';
import { printError } from './output';
import type { ProgressBar } from './progressBar';
import { fixedCounts, forEachRepairLine } from './repairText';
import type { Arguments } from './verb';

/** @returns the exit code, which speaks of what is left */
export function repairFile(args: Arguments, form: Form, mode: RepairMode): number {
  const path = args.operands[0]!;
  return withEditable(path, args, (image, progress) => {
    refuseObstacles(image.repairObstacles(), 'unwritten');
    warnOfOverlays(path);
    try {
      const request = mode === 'all' && !args.flag('give-up-missing') ? 'present' : mode;
      return repair(image, progress, args, form, request);
    } catch (error) {
      if (!(error instanceof EngineError) || error.problem.code !== 'repair.l1TableMissing') throw error;
      return tellWhatIsThere(image, progress, args, form, error);
    }
  });
}

function repair(
  image: EditableImage,
  progress: ProgressBar,
  args: Arguments,
  form: Form,
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
  // What is left of the flags is told as QEMU comes to them, and again with everything else where it looks again.
  printFindings(image.onDisk.top, after, { phases: ['flags'] });
  if (isCheckedAgain) printFindings(image.onDisk.top, after);
  if (request === 'present' && mode === 'leaks') tellOfMissing(image, after);
  printReport(args, form, after, image.onDisk, fixed);
  return exitCode(after);
}

/** What else there is to do with an image of which parts are missing. */
function tellOfMissing({ onDisk }: EditableImage, after: CheckReport): void {
  printIncomplete(onDisk, after);
  const way = 'To give up what is missing, and repair the rest, add --give-up-missing';
  warn(onDisk.top.file.name, `Only leaks are repaired as long as parts of the file are missing. ${way}`);
}

/** The check of an image that cannot be repaired, and why. */
function tellWhatIsThere(
  image: EditableImage,
  progress: ProgressBar,
  args: Arguments,
  form: Form,
  { problem }: EngineError,
): number {
  const report = image.check(progress);
  progress.clear();
  printFindings(image.onDisk.top, report);
  printReport(args, form, report, image.onDisk);
  warn(problem.file, describeProblem(problem));
  return report.needsRebuild ? EXIT_NOT_CHECKED : exitCode(report);
}
