/**
 * `qcow2 check`: the numbers, words and exit codes of `qemu-img check`, and what that does not look for; `-r` repairs, as
 * a staged edit that is saved at once.
 */
import { chainFindings } from '../qcow2/chain/chainFindings';
import type { Chain } from '../qcow2/chain/openChain';
import { checkImage, type CheckReport } from '../qcow2/check/checkImage';
import { checkJson, checkText, type FixedCounts } from '../qcow2/check/checkText';
import { forEachQemuLine } from '../qcow2/check/qemuLines';
import { EngineError, isOtherFormat } from '../qcow2/errors';
import type { Qcow2Image } from '../qcow2/image/qcow2Image';
import { describeProblem, printable } from '../qcow2/problemText';
import { ByteWriter } from '../qcow2/scan/byteWriter';
import { qemuJson } from '../qcow2/scan/qemuJson';
import type { RepairMode } from '../qcow2/repair/report';
import { refuseObstacles, saveImage, withEditable } from './editable';
import { printError, standardError } from './output';
import { fixedCounts, forEachRepairLine } from './repairText';
import type { Arguments, Verb } from './verb';
import { outputForm, readArguments, UsageError, withChain } from './verb';

const EXIT_NOT_CHECKED = 1;
const EXIT_CORRUPT = 2;
const EXIT_LEAKS = 3;
const EXIT_NOT_QCOW2 = 63;

/** Findings of each severity that are printed one by one: beyond that they are only counted. */
const MAX_FINDINGS = 100_000;

export const check: Verb = {
  name: 'check',
  usage: '[--output=human|json] [-r leaks|all] FILE',
  run: (argv) => {
    const options = { output: { type: 'string' }, repair: { type: 'string', short: 'r' } } as const;
    const args = readArguments(argv, ['FILE'], options);
    const form = outputForm(args);
    const mode = repairMode(args);
    try {
      return mode === undefined ? checkFile(args, form) : repairFile(args, form, mode);
    } catch (error) {
      if (!(error instanceof EngineError) || !isOtherFormat(error.problem)) throw error;
      printError(`qcow2: ${printable(error.problem.file)}: ${describeProblem(error.problem)}\n`);
      return EXIT_NOT_QCOW2;
    }
  },
};

type Form = 'human' | 'json';

function repairMode(args: Arguments): RepairMode | undefined {
  const mode = args.text('repair');
  if (mode === undefined || mode === 'leaks' || mode === 'all') return mode;
  throw new UsageError(`-r is leaks or all, not '${printable(mode)}'`);
}

const checkFile = (args: Arguments, form: Form): number =>
  withChain(args.operands[0]!, true, (chain) => {
    const report = checked(chain.top, args);
    printFindings(chain.top, report);
    printReport(args, form, report, chain);
    return exitCode(report);
  });

function repairFile(args: Arguments, form: Form, mode: RepairMode): number {
  return withEditable(args.operands[0]!, args, (image, progress) => {
    refuseObstacles(image.repairObstacles());
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

function checked(image: Qcow2Image, args: Arguments): CheckReport {
  const progress = args.progress();
  try {
    return checkImage(image, progress, MAX_FINDINGS);
  } finally {
    progress.clear();
  }
}

/** To standard error, as QEMU does. */
function printFindings(image: Qcow2Image, report: CheckReport): void {
  const output = new ByteWriter(standardError);
  forEachQemuLine(image, report.findings, (line) => {
    output.text(`${printable(line)}\n`);
  });
  output.flush();
  const { corruptions, leaks, checkErrors, defects } = report;
  const told = report.findings.reduce((sum, { times }) => sum + times, 0);
  const more = corruptions + leaks + checkErrors + defects - told;
  if (more > 0) printError(`qcow2: ${printable(report.file)}: ${more} more findings are not listed\n`);
}

function printReport(
  args: Arguments,
  form: Form,
  report: CheckReport,
  chain: Chain,
  fixed?: FixedCounts,
): void {
  // What QEMU does not look for is apart from what it prints.
  for (const { problem } of chainFindings(chain)) {
    printError(`qcow2: ${printable(problem.file)}: ${describeProblem(problem)}\n`);
  }
  const output = new ByteWriter(args.output);
  output.text(form === 'json' ? `${qemuJson(checkJson(report, fixed))}\n` : checkText(report, fixed));
  output.flush();
}

function exitCode({ corruptions, leaks, checkErrors, defects }: CheckReport): number {
  if (checkErrors > 0) return EXIT_NOT_CHECKED;
  // An overlap whose refcount allows for it is no image to be trusted, whatever QEMU calls it.
  if (corruptions + defects > 0) return EXIT_CORRUPT;
  return leaks > 0 ? EXIT_LEAKS : 0;
}
