/** What a check prints, before or after a repair. */
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
import type { ArgumentsOf } from './verb';

export const EXIT_NOT_CHECKED = 1;
const EXIT_CORRUPT = 2;
const EXIT_LEAKS = 3;

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
  const listed = report.findings.reduce((sum, { times }) => sum + times, 0);
  const more = corruptions + leaks + checkErrors + defects - listed;
  if (more > 0) printError(`qcow2: ${printable(report.file)}: ${more} more findings are not listed\n`);
}

/** Names incomplete files on standard error, so that they can be copied again before a repair. QEMU does not look for them. */
export function printIncomplete(chain: Chain, report: CheckReport): void {
  const ofSnapshots = report.incomplete === undefined ? [] : [report.incomplete];
  for (const problem of [...incompleteFiles(chain, report), ...ofSnapshots]) {
    printError(`qcow2: ${printable(problem.file)}: ${describeProblem(problem)}\n`);
  }
}

/** Files that lack data of the guest disk. */
function incompleteFiles({ top }: Chain, report: CheckReport): readonly Problem[] {
  const { dataEnd, hasDataFile, header, size } = top;
  // The disk is walked only if something may be missing: the check of a sound image stays as fast.
  const mayBe = (report.byKind.beyondFile ?? 0) > 0 || (hasDataFile && dataEnd < size);
  if (!mayBe) return [];
  const overview = new Overview([top], header.clusterSize);
  overview.step(Infinity);
  return overview.incompleteFiles;
}

export function printReport(
  { options, output: sink }: ArgumentsOf<'check'>,
  report: CheckReport,
  chain: Chain,
  fixed?: FixedCounts,
): void {
  // QEMU does not look for these: they go to standard error, apart from its lines.
  for (const { problem } of chainFindings(chain)) {
    printError(`qcow2: ${printable(problem.file)}: ${describeProblem(problem)}\n`);
  }
  const output = new ByteWriter(sink);
  output.text(
    options.output === 'json' ? `${qemuJson(checkJson(report, fixed))}\n` : checkText(report, fixed),
  );
  output.flush();
}

export function exitCode({ corruptions, leaks, checkErrors, defects }: CheckReport): number {
  if (checkErrors > 0) return EXIT_NOT_CHECKED;
  // QEMU does not count an overlap that the refcount allows for, but such an image is not safe to use.
  if (corruptions + defects > 0) return EXIT_CORRUPT;
  return leaks > 0 ? EXIT_LEAKS : 0;
}
