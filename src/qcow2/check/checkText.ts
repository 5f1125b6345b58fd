/** The report of a check as `qemu-img check` prints it to standard output, for people and as JSON. */
import { describeFinding } from '../describeFinding';
import type { CheckReport } from './checkReport';

/** What a repair has repaired before the check, as QEMU counts it. */
export interface FixedCounts {
  readonly leaks: number;
  readonly corruptions: number;
}

/**
 * QEMU's summary, with what it does not count apart from it.
 * @param fixed where the image was repaired before
 */
export function checkText(report: CheckReport, fixed?: FixedCounts): string {
  const { corruptions, leaks, checkErrors, defects, imageEndOffset } = report;
  const parts: string[] = [];
  if (fixed !== undefined && fixed.leaks + fixed.corruptions > 0) {
    parts.push(
      'The following inconsistencies were found and repaired:\n\n' +
        `    ${fixed.leaks} leaked clusters\n    ${fixed.corruptions} corruptions\n\n` +
        'Double checking the fixed image now...\n',
    );
  }
  if (corruptions + leaks + checkErrors + defects === 0) parts.push('No errors were found on the image.\n');
  if (corruptions > 0) {
    parts.push(
      `\n${corruptions} errors were found on the image.\n` +
        'Data may be corrupted, or further writes to the image may corrupt it.\n',
    );
  }
  if (leaks > 0) {
    parts.push(
      `\n${leaks} leaked clusters were found on the image.\n` +
        'This means waste of disk space, but no harm to data.\n',
    );
  }
  if (checkErrors > 0) parts.push(`\n${checkErrors} internal errors have occurred during the check.\n`);
  parts.push(shares(report));
  if (imageEndOffset > 0) parts.push(`Image end offset: ${imageEndOffset}\n`);
  parts.push(defectsText(report));
  return parts.join('');
}

function shares(report: CheckReport): string {
  const { totalClusters, allocatedClusters, fragmentedClusters, compressedClusters } = report;
  if (totalClusters === 0 || allocatedClusters === 0) return '';
  return (
    `${allocatedClusters}/${totalClusters} = ${percent(allocatedClusters, totalClusters)} allocated, ` +
    `${percent(fragmentedClusters, allocatedClusters)} fragmented, ` +
    `${percent(compressedClusters, allocatedClusters)} compressed clusters\n`
  );
}

/** As printf's `%0.2f` has it: halves go to the even digit. */
function percent(part: number, whole: number): string {
  const value = (part * 100) / whole;
  // Only eighths of an odd number lie exactly between two such fractions.
  const isHalf = Number.isInteger(value * 8) && (value * 8) % 2 !== 0;
  const text = isHalf ? (2 * Math.round((value * 100) / 2)) / 100 : value;
  return `${text.toFixed(2)}%`;
}

/** What breaks the specification although QEMU's check does not count it. */
function defectsText({ defects, findings }: CheckReport): string {
  if (defects === 0) return '';
  const lines = findings
    .filter(({ severity }) => severity === 'defect')
    .map((each) => `    ${describeFinding(each)}\n`);
  const more = defects - lines.length;
  const rest = more > 0 ? `    and ${more} more\n` : '';
  return `\n${defects} defects were found that qemu-img check does not count:\n${lines.join('')}${rest}`;
}

/** Numbers that are left out where they are 0, by QEMU's names. */
const OPTIONAL = [
  ['image-end-offset', 'imageEndOffset'],
  ['total-clusters', 'totalClusters'],
  ['allocated-clusters', 'allocatedClusters'],
  ['fragmented-clusters', 'fragmentedClusters'],
  ['compressed-clusters', 'compressedClusters'],
  ['corruptions', 'corruptions'],
  ['leaks', 'leaks'],
] as const satisfies readonly (readonly [string, keyof CheckReport])[];

/** The members of QEMU's JSON, and `defects` where there are some. */
export function checkJson(
  report: CheckReport,
  fixed: FixedCounts = { leaks: 0, corruptions: 0 },
): Readonly<Record<string, number | string | readonly string[]>> {
  const json: Record<string, number | string | readonly string[]> = {};
  for (const [key, field] of OPTIONAL) if (report[field] !== 0) json[key] = report[field];
  if (fixed.corruptions !== 0) json['corruptions-fixed'] = fixed.corruptions;
  if (fixed.leaks !== 0) json['leaks-fixed'] = fixed.leaks;
  const defects = report.findings
    .filter(({ severity }) => severity === 'defect')
    .map((each) => describeFinding(each));
  return {
    ...json,
    'check-errors': report.checkErrors,
    filename: report.file,
    format: 'qcow2',
    ...(report.defects === 0 ? {} : { defects: report.defects, 'defect-list': defects }),
  };
}
