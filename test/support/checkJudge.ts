/** QEMU judges the check: compares the numbers of its JSON with ours. */
import { EngineError } from '../../src/qcow2/errors';
import { checkImage } from '../../src/qcow2/check/checkImage';
import type { CheckReport } from '../../src/qcow2/check/checkReport';
import { forEachQemuLine } from '../../src/qcow2/check/qemuLines';
import { MemoryFile } from '../../src/qcow2/io/memoryFile';
import { silent } from '../../src/qcow2/progress';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { qemuImg } from './qemu';

/** More findings than any image of the tests has. */
const ALL = 1_000_000;

/** What `qemu-img check --output=json` says; absent numbers are 0. */
export interface CheckNumbers {
  readonly corruptions: number;
  readonly leaks: number;
  readonly checkErrors: number;
  readonly totalClusters: number;
  readonly allocatedClusters: number;
  readonly fragmentedClusters: number;
  readonly compressedClusters: number;
  readonly imageEndOffset: number;
}

export interface Judgement {
  /** Absent where QEMU could not check the image. */
  readonly numbers?: CheckNumbers;
  /** 0 sound, 1 not checked or check errors, 2 corruptions, 3 leaks. */
  readonly status: number;
  readonly stderr: string;
}

/** @param options more of them, for encrypted images say; the last one names the image */
export function qemuCheck(options: readonly string[], cwd: string): Judgement {
  const { status, stdout, stderr } = qemuImg(['check', '--output=json', ...options], { cwd });
  if (stdout.length === 0) return { status, stderr };
  const json = JSON.parse(String(stdout)) as Record<string, number | undefined>;
  const number = (key: string): number => json[key] ?? 0;
  return {
    status,
    stderr,
    numbers: {
      corruptions: number('corruptions'),
      leaks: number('leaks'),
      checkErrors: number('check-errors'),
      totalClusters: number('total-clusters'),
      allocatedClusters: number('allocated-clusters'),
      fragmentedClusters: number('fragmented-clusters'),
      compressedClusters: number('compressed-clusters'),
      imageEndOffset: number('image-end-offset'),
    },
  };
}

export function numbersOf(report: CheckReport): CheckNumbers {
  const { corruptions, leaks, checkErrors, totalClusters, imageEndOffset } = report;
  const { allocatedClusters, fragmentedClusters, compressedClusters } = report;
  return {
    corruptions,
    leaks,
    checkErrors,
    totalClusters,
    allocatedClusters,
    fragmentedClusters,
    compressedClusters,
    imageEndOffset,
  };
}

/** What QEMU says of findings, sorted: a table that is named twice has its faults told in another order here. */
export const findingLines = (stderr: string): string[] =>
  stderr
    .split('\n')
    .filter((line) => line !== '' && !/^(?:qcow2|qemu-img): /.test(line))
    .sort();

/** What our check says in QEMU's words, sorted. */
export function ourLines(bytes: Uint8Array, report: CheckReport): string[] {
  const lines: string[] = [];
  const image = Qcow2Image.open(new MemoryFile('disk.qcow2', bytes));
  forEachQemuLine(image, report.findings, (line) => lines.push(line));
  return lines.sort();
}

/** Our check of bytes; the problem where they are no image that can be opened. */
export function checkBytes(bytes: Uint8Array): CheckReport | EngineError {
  try {
    return checkImage(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes)), silent, ALL);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
}
