/**
 * Times zeroing a terabyte, saved and flushed, on copies of one image: the command beside qemu-io; and, where writing
 * dominates, the engine in this process, warm as in an open editor, beside `dd` writing and flushing as many bytes. All of
 * them include the full check of the image, which comes first.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { EditableImage } from '../../src/qcow2/edit/editableImage';
import type { SaveReport } from '../../src/qcow2/save/save';
import { mustQemuImg } from '../support/qemu';
import { guestOffset } from '../../src/qcow2/units';
import { type Command, median, time, timed } from './measure';
import type { Row } from './report';

const TIB = 2 ** 40;
const GIB = 2 ** 30;
const RUNS = 5;
/** In this process; the first ones find it cold. */
const WARM_RUNS = 7;

interface Job {
  readonly work: string;
  readonly image: keyof Images;
  readonly unmap: boolean;
  readonly hasBacking: boolean;
  /** Times as fast as qemu-io. */
  readonly floor: number;
  /** Writing dominates: at most twice the time that `dd` takes for the same bytes. */
  readonly againstDd?: boolean;
}

const JOBS: readonly Job[] = [
  { work: 'zero 1 TiB, unmap', image: 'contiguous', unmap: true, hasBacking: false, floor: 100 },
  {
    work: 'zero 1 TiB, unmap, over a backing file',
    image: 'contiguous',
    unmap: true,
    hasBacking: true,
    floor: 1,
    againstDd: true,
  },
  {
    work: 'zero 1 TiB, keep',
    image: 'contiguous',
    unmap: false,
    hasBacking: false,
    floor: 1,
    againstDd: true,
  },
  // The writes are spread over thousands of places: `dd` is no comparison.
  {
    work: 'zero 1 TiB as QEMU lays it out, unmap',
    image: 'preallocated',
    unmap: true,
    hasBacking: false,
    floor: 100,
  },
  {
    work: 'zero 1 TiB as QEMU lays it out, unmap, over a backing file',
    image: 'preallocated',
    unmap: true,
    hasBacking: true,
    floor: 1,
  },
];

/** 1 TiB, every cluster allocated; they are copied. */
export interface Images {
  readonly contiguous: string;
  readonly preallocated: string;
}

export interface Programs {
  readonly idle: Command;
  /** The command, which says last of all how long it took without Node's start. */
  readonly ours: (...args: string[]) => Command;
  readonly peakMemory: (command: Command) => number;
}

export function changeRows(images: Images, cache: string, programs: Programs): Row[] {
  const file = path.join(cache, 'changed.qcow2');
  const base = path.join(cache, 'base.qcow2');
  mustQemuImg(['create', '-f', 'qcow2', base, String(TIB)]);
  try {
    return JOBS.flatMap((job) => rowsOf(job, { images, file, base }, programs));
  } finally {
    for (const each of [file, base]) fs.rmSync(each, { force: true });
  }
}

interface Places {
  readonly images: Images;
  readonly file: string;
  readonly base: string;
}

function rowsOf(job: Job, places: Places, { idle, ours, peakMemory }: Programs): Row[] {
  console.log(`measuring: ${job.work}`);
  const { file } = places;
  const our = ours('write-zeroes', ...(job.unmap ? ['--unmap'] : []), file, '0', '1T');
  const once = <T>(action: () => T): T => {
    makeCopy(job, places);
    return action();
  };
  const times = Array.from({ length: RUNS }, () => once(() => timed(our)));
  // It takes a minute and more.
  const judge = once(() => time(qemuIo(job.unmap, file)));
  const memory = once(() => peakMemory(our)) - peakMemory(idle);
  const { bytes, journal } = once(() => zeroInProcess(job, file));
  const written = bytes + journal;
  const row: Row = {
    work: job.work,
    ours: median(times.map(({ engine }) => engine)),
    whole: median(times.map(({ whole }) => whole)),
    theirs: judge,
    floor: { timesFaster: job.floor },
    memory,
    detail: `against qemu-io; ${Math.round(written / 2 ** 20)} MiB written, journal and all`,
  };
  if (job.againstDd !== true) return [row];
  // In turns: both depend on the mood of the disk.
  const pairs = Array.from({ length: WARM_RUNS }, () => [
    once(() => milliseconds(() => zeroInProcess(job, file))),
    time(ddOf(written, file)),
  ]);
  const [warm, dd] = [0, 1].map((side) => median(pairs.map((pair) => pair[side]!)));
  return [
    row,
    {
      work: `${job.work}, in an editor that is open`,
      ...(warm === undefined ? {} : { ours: warm }),
      ...(dd === undefined ? {} : { theirs: dd }),
      floor: { timesFaster: 0.5 },
      detail: 'against dd writing and flushing as many bytes',
    },
  ];
}

function milliseconds(action: () => void): number {
  const started = performance.now();
  action();
  return performance.now() - started;
}

/** A fresh copy, on disk before anything is measured. */
function makeCopy({ hasBacking, image }: Job, { images, file, base }: Places): void {
  fs.rmSync(file, { force: true });
  spawnSync('cp', ['--sparse=always', images[image], file]);
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

/** Opens, checks, zeroes and saves, as the command does. */
function zeroInProcess({ unmap }: Job, file: string): SaveReport {
  const image = EditableImage.open(file, { followsNames: true, scratchPath: `${file}.scratch` });
  try {
    const refusal = image.obstacles().find(({ severity }) => severity === 'refuse');
    if (refusal !== undefined) throw new Error(refusal.problem.code);
    const options = { unmap, fallback: true, policy: 'unallocate', thorough: false } as const;
    image.apply({ kind: 'writeZeroes', start: guestOffset(0), length: TIB, options });
    return image.save({ keepsUndo: false });
  } finally {
    image.close();
  }
}

function ddOf(bytes: number, file: string): Command {
  fs.rmSync(file);
  const count = `count=${Math.ceil(bytes / 2 ** 20)}`;
  return ['dd', 'if=/dev/zero', `of=${file}`, 'bs=1M', count, 'conv=fdatasync', 'status=none'];
}
