/**
 * `qcow2 check`: the numbers, words and exit codes of `qemu-img check`, and problems that qemu-img does not look for; `-r`
 * repairs (repair.ts).
 */
import { checkImage } from '../qcow2/check/checkImage';
import type { CheckReport } from '../qcow2/check/checkReport';
import { refuseUnsettled } from '../qcow2/edit/readers';
import { EngineError, isOtherFormat } from '../qcow2/errors';
import type { Qcow2Image } from '../qcow2/image/qcow2Image';
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import type { Surroundings } from './arguments';
import { exitCode, printFindings, printIncomplete, printReport } from './checkReport';
import { printError } from './output';
import type { repairFile } from './repair';
import { type ArgumentsOf, reportFaults, type Run, withChain } from './verb';

const EXIT_NOT_QCOW2 = 63;

/** Findings of each severity that are printed one by one: beyond that they are only counted. */
const MAX_FINDINGS = 100_000;

/** @param repair what `-r` does: it brings much code with it */
export const checkVerb =
  (repair: typeof repairFile): Run<'check'> =>
  (args) => {
    try {
      const { repair: mode } = args.options;
      return mode === undefined ? checkFile(args) : repair(args, mode);
    } catch (error) {
      if (!(error instanceof EngineError) || !isOtherFormat(error.problem)) throw error;
      printError(`qcow2: ${printable(error.problem.file)}: ${describeProblem(error.problem)}\n`);
      return EXIT_NOT_QCOW2;
    }
  };

/** @returns the exit code */
const checkFile = (args: ArgumentsOf<'check'>): number =>
  withChain(args.operands.FILE, true, (chain) => {
    const report = checked(chain.top, args);
    refuseUnsettled(chain, report);
    printFindings(chain.top, report);
    printIncomplete(chain, report);
    printReport(args, report, chain);
    return reportFaults(chain.top, 'check') || exitCode(report);
  });

function checked(image: Qcow2Image, args: Surroundings): CheckReport {
  const progress = args.progress();
  try {
    return checkImage(image, progress, MAX_FINDINGS);
  } finally {
    progress.clear();
  }
}
