/** Problems, sizes and shares in the person's language. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { describeProblem } from '../qcow2/problemText';
import { printable } from '../text/printable';
import type { Problem } from '../worker/api';

/** What is wrong, in one line and without the file's name. */
export function describe(problem: Problem): string {
  return describeProblem(problem, (template, args) => vscode.l10n.t(template, args));
}

/** What is wrong, with the file's name in front where it is another file than the one in sight. */
export function describeWithFile(problem: Problem, fileInSight: string): string {
  const text = describe(problem);
  if (problem.file === '' || problem.file === fileInSight) return text;
  return vscode.l10n.t('{0}: {1}', printable(basename(problem.file)), text);
}

/** By the number of fraction digits: making one takes longer than using it a hundred times. */
const numberFormats = new Map<number, Intl.NumberFormat>();

function formatNumber(value: number, digits: number): string {
  let format = numberFormats.get(digits);
  if (format === undefined) {
    format = new Intl.NumberFormat(vscode.env.language, {
      maximumFractionDigits: digits,
      useGrouping: false,
    });
    numberFormats.set(digits, format);
  }
  return format.format(value);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** `64 KiB`, `12.3 GiB`; at most three significant digits and a unit that is not translated. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${formatNumber(value, digits)} ${UNITS[unit] ?? ''}`;
}

/** `31 %`; a share that is not quite nothing or not quite all is not rounded to it. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const percent = (part / whole) * 100;
  if (percent > 0 && percent < 1) return '<1 %';
  if (percent > 99 && percent < 100) return '>99 %';
  return `${Math.round(percent)} %`;
}
