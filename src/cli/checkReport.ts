/** What the check of an image prints, of an image as it is or as a repair has left it. */
import { chainFindings } from '../qcow2/chain/chainFindings';
import type { Chain } from '../qcow2/chain/openChain';
import type { CheckReport } from '../qcow2/check/checkReport';
import { checkJson, checkText, type FixedCounts } from '../qcow2/check/checkText';
import { forEachQemuLine, type LineOptions } from '../qcow2/check/qemuLines';
import type { Problem } from '../qcow2/errors';
import type { Qcow2Image } from '../qcow2/image/qcow2Image';
import { describeProblem } from '../qcow2/describeProblem';
import { printable } from '../text/printable';
import { ByteWriter } from '../text/byteWriter';
import { Overview } from '../qcow2/map/overview';
import { qemuJson } from '../text/qemuJson';
import { printError, standardError } from './output';
import type { Arguments } from './verb';

export const EXIT_NOT_CHECKED = 1;
const EXIT_CORRUPT = 2;
const EXIT_LEAKS = 3;

export type Form = 'human' | 'json';

/** To standard error, as QEMU does. */
export function printFindings(image: Qcow2Image, report: CheckReport, options: LineOptions = {}): void {
  const output = new ByteWriter(standardError);
  const visit = (line: string): void => {
    output.text(`${printable(line)}\n`);
  };
  forEachQemuLine(image, report.findings, visit, options);
  output.flush();
  if (options.phases !== undefined && !options.phases.includes('entries')) return;
  const { corruptions, leaks, checkErrors, defects } = report;
  const told = report.findings.reduce((sum, { times }) => sum + times, 0);
  const more = corruptions + leaks + checkErrors + defects - told;
  if (more > 0) printError(`qcow2: ${printable(report.file)}: ${more} more findings are not listed\n`);
}

/** Says on standard error which files are incomplete, so that a copy is made before a repair; QEMU does not look for it. */
export function printIncomplete(chain: Chain, report: CheckReport): void {
  const ofSnapshots = report.incomplete === undefined ? [] : [report.incomplete];
  for (const problem of [...incompleteFiles(chain, report), ...ofSnapshots]) {
    printError(`qcow2: ${printable(problem.file)}: ${describeProblem(problem)}\n`);
  }
}

/** What the disk itself has lost. */
function incompleteFiles({ top }: Chain, report: CheckReport): readonly Problem[] {
  const { dataEnd, hasDataFile, header, size } = top;
  // Walked only where something may be missing: a check of a sound image costs no more for it.
  const mayBe = (report.byKind.beyondFile ?? 0) > 0 || (hasDataFile && dataEnd < size);
  if (!mayBe) return [];
  const overview = new Overview([top], header.clusterSize);
  overview.step(Infinity);
  return overview.incompleteFiles;
}

export function printReport(
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

export function exitCode({ corruptions, leaks, checkErrors, defects }: CheckReport): number {
  if (checkErrors > 0) return EXIT_NOT_CHECKED;
  // An overlap whose refcount allows for it is no image to be trusted, whatever QEMU calls it.
  if (corruptions + defects > 0) return EXIT_CORRUPT;
  return leaks > 0 ? EXIT_LEAKS : 0;
}
