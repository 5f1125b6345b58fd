/**
 * `qcow2 check`: the numbers, words and exit codes of `qemu-img check`, and what that does not look for; `-r`
 * repairs (repair.ts).
 */
import { checkImage } from '../qcow2/check/checkImage';
import type { CheckReport } from '../qcow2/check/checkReport';
import { refuseUnsettled } from '../qcow2/edit/readers';
import { EngineError, isOtherFormat } from '../qcow2/errors';
import type { Qcow2Image } from '../qcow2/image/qcow2Image';
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import type { RepairMode } from '../qcow2/repair/report';
import { exitCode, printFindings, printIncomplete, printReport, type Form } from './checkReport';
import { printError } from './output';
import type { Arguments, Verb } from './verb';
import { outputForm, readArguments, reportFaults, UsageError, withChain } from './verb';

const EXIT_NOT_QCOW2 = 63;

/** Findings of each severity that are printed one by one: beyond that they are only counted. */
const MAX_FINDINGS = 100_000;

export const CHECK_OPTIONS = {
  output: { type: 'string' },
  repair: { type: 'string', short: 'r' },
  'give-up-missing': { type: 'boolean' },
} as const;

export const check: Verb = {
  name: 'check',
  usage: '[--output=human|json] [-r leaks|all [--give-up-missing]] FILE',
  run: async (argv) => {
    const args = readArguments(argv, ['FILE'], CHECK_OPTIONS);
    const form = outputForm(args);
    const mode = repairMode(args);
    if (args.flag('give-up-missing') && mode !== 'all')
      throw new UsageError('--give-up-missing is for -r all');
    try {
      if (mode === undefined) return checkFile(args, form);
      // Loaded when asked for, like other verbs.
      const { repairFile } = await import('./repair');
      return repairFile(args, form, mode);
    } catch (error) {
      if (!(error instanceof EngineError) || !isOtherFormat(error.problem)) throw error;
      printError(`qcow2: ${printable(error.problem.file)}: ${describeProblem(error.problem)}\n`);
      return EXIT_NOT_QCOW2;
    }
  },
};

function repairMode(args: Arguments): RepairMode | undefined {
  const mode = args.text('repair');
  if (mode === undefined || mode === 'leaks' || mode === 'all') return mode;
  throw new UsageError(`-r is leaks or all, not '${printable(mode)}'`);
}

/** @returns the exit code */
export const checkFile = (args: Arguments, form: Form): number =>
  withChain(args.operands[0]!, true, (chain) => {
    const report = checked(chain.top, args);
    refuseUnsettled(chain, report);
    printFindings(chain.top, report);
    printIncomplete(chain, report);
    printReport(args, form, report, chain);
    return reportFaults(chain.top, 'check') || exitCode(report);
  });

function checked(image: Qcow2Image, args: Arguments): CheckReport {
  const progress = args.progress();
  try {
    return checkImage(image, progress, MAX_FINDINGS);
  } finally {
    progress.clear();
  }
}
