/**
 * What zeroing a terabyte costs, saved and flushed, on copies of one image: side by side with qemu-io, and with `dd`
 * writing and flushing as many bytes.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { EditableImage } from '../../src/qcow2/edit/editableImage';
import { mustQemuImg } from '../support/qemu';
import { type Command, median, time } from './measure';
import type { Row } from './report';

const TIB = 2 ** 40;
const GIB = 2 ** 30;
const RUNS = 3;

interface Job {
  readonly work: string;
  readonly unmap: boolean;
  readonly hasBacking: boolean;
  /** Times as fast as qemu-io. */
  readonly floor: number;
  /** The bytes written are what it costs: at most twice what `dd` takes for them. */
  readonly againstDd: boolean;
}

const JOBS: readonly Job[] = [
  { work: 'zero 1 TiB, unmap', unmap: true, hasBacking: false, floor: 100, againstDd: false },
  {
    work: 'zero 1 TiB, unmap, over a backing file',
    unmap: true,
    hasBacking: true,
    floor: 1,
    againstDd: true,
  },
  { work: 'zero 1 TiB, keep', unmap: false, hasBacking: false, floor: 1, againstDd: true },
];

export interface Programs {
  readonly idle: Command;
  readonly ours: (...args: string[]) => Command;
  readonly peakMemory: (command: Command) => number;
}

/** @param image 1 TiB, every cluster allocated; it is copied */
export function changeRows(image: string, cache: string, programs: Programs): Row[] {
  const file = path.join(cache, 'changed.qcow2');
  const base = path.join(cache, 'base.qcow2');
  mustQemuImg(['create', '-f', 'qcow2', base, String(TIB)]);
  try {
    return JOBS.flatMap((job) => rowsOf(job, { image, file, base }, programs));
  } finally {
    for (const each of [file, base]) fs.rmSync(each, { force: true });
  }
}

interface Places {
  readonly image: string;
  readonly file: string;
  readonly base: string;
}

function rowsOf(job: Job, places: Places, { idle, ours, peakMemory }: Programs): Row[] {
  console.log(`measuring: ${job.work}`);
  const { file } = places;
  const our = ours('write-zeroes', ...(job.unmap ? ['--unmap'] : []), file, '0', '1T');
  const once = (action: () => number): number => {
    makeCopy(job, places);
    return action();
  };
  const repeated = (action: () => number): number => median(Array.from({ length: RUNS }, () => once(action)));
  const started = median(Array.from({ length: RUNS }, () => time(idle)));
  const engine = Math.max(0.1, repeated(() => time(our)) - started);
  // It takes a minute and more.
  const judge = once(() => time(qemuIo(job.unmap, file)));
  const memory = once(() => peakMemory(our)) - peakMemory(idle);
  const bytes = once(() => bytesWritten(job, file));
  const row: Row = {
    work: job.work,
    ours: engine,
    theirs: judge,
    floor: { timesFaster: job.floor },
    memory,
    detail: `against qemu-io; ${Math.round(bytes / 2 ** 20)} MiB written, journal and all`,
  };
  if (!job.againstDd) return [row];
  const dd = repeated(() => time(ddOf(bytes, file)));
  return [row, { work: `${job.work}, against dd`, ours: engine, theirs: dd, floor: { timesFaster: 0.5 } }];
}

/** A fresh copy, on disk before anything is measured. */
function makeCopy({ hasBacking }: Job, { image, file, base }: Places): void {
  spawnSync('cp', ['--sparse=always', image, file]);
  if (hasBacking) mustQemuImg(['rebase', '-u', '-b', base, '-F', 'qcow2', file]);
  spawnSync('sync');
}

/** QEMU takes at most two gigabytes at a time. */
function qemuIo(unmap: boolean, file: string): Command {
  const commands = Array.from({ length: TIB / GIB }, (_, index) => [
    '-c',
    `write -z ${unmap ? '-u ' : ''}${index * GIB} 1G`,
  ]);
  return ['qemu-io', '-f', 'qcow2', ...commands.flat(), '-c', 'flush', file];
}

function bytesWritten({ unmap }: Job, file: string): number {
  const image = EditableImage.open(file, { followsNames: true, scratchPath: `${file}.scratch` });
  try {
    const options = { unmap, fallback: true, policy: 'unallocate', thorough: false } as const;
    image.apply({ kind: 'writeZeroes', start: 0, length: TIB, options });
    const { bytes, journal } = image.save({ keepsUndo: false });
    return bytes + journal;
  } finally {
    image.close();
  }
}

function ddOf(bytes: number, file: string): Command {
  fs.rmSync(file);
  const count = `count=${Math.ceil(bytes / 2 ** 20)}`;
  return ['dd', 'if=/dev/zero', `of=${file}`, 'bs=1M', count, 'conv=fdatasync', 'status=none'];
}
