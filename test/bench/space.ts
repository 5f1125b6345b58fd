/**
 * Finding what need not be stored, beside what else reads the same bytes; compaction beside copying what it moves; and a
 * whole shrink beside `qemu-img convert`, which makes a small image of a large one as well.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { EditableImage } from '../../src/qcow2/edit/editableImage';
import { toEnd } from '../../src/qcow2/progress';
import type { BenchImages } from './images';
import { type Command, median, time, timed } from './measure';
import type { Row } from './report';

const RUNS = 5;
const MIB = 2 ** 20;
/** Bytes between two flushes of a compaction by the command. */
const BATCH = 256 * MIB;

export interface Programs {
  readonly idle: Command;
  /** The command, which says last of all how long it took without Node's start. */
  readonly ours: (...args: string[]) => Command;
  readonly peakMemory: (command: Command) => number;
}

/**
 * @param cache a folder for copies of the images
 * @param isAskedFor whether a row is to be measured
 */
export function spaceRows(
  images: BenchImages,
  cache: string,
  { idle, ours, peakMemory }: Programs,
  isAskedFor: (work: string) => boolean,
): (Row | undefined)[] {
  const memoryOf = (command: Command): number => peakMemory(command) - peakMemory(idle);
  const { plain, zeroes, copied, bloated, holey, subclusters } = images;

  /** @param times how often the peer reads the bytes */
  const scanned = (work: string, file: string, peer: Command, times: number, least: number) => {
    if (!isAskedFor(work)) return undefined;
    console.log(`measuring: ${work}`);
    const own: number[] = [];
    const theirs: number[] = [];
    // The first run warms the caches.
    for (let run = 0; run <= RUNS; run++) {
      theirs.push(times * time(peer));
      own.push(scanTime(file));
    }
    return {
      work,
      ours: median(own.slice(1)),
      theirs: median(theirs.slice(1)),
      floor: { timesFaster: least },
      memory: memoryOf(ours('shrink', '--zeroes', '--dry-run', file)),
      detail: `beside ${peer[0]}, not qemu-img`,
    };
  };

  /** In turns, on fresh copies: both depend on the mood of the disk. */
  const changed = (work: string, job: ChangingJob): Row | undefined => {
    if (!isAskedFor(work)) return undefined;
    console.log(`measuring: ${work}`);
    const [file, other] = [path.join(cache, 'changed.qcow2'), path.join(cache, 'other')];
    const our = ours(...job.args, file);
    const once = <T>(action: () => T): T => {
      for (const each of [file, other]) fs.rmSync(each, { force: true });
      fs.copyFileSync(job.image, file);
      spawnSync('sync');
      return action();
    };
    const pairs = Array.from({ length: RUNS }, () => [
      once(() => timed(our)),
      once(() => timed(job.peer(file, other))),
    ]);
    const memory = once(() => memoryOf(our));
    const [own, theirs] = [0, 1].map((side) => pairs.map((pair) => pair[side]!));
    for (const each of [file, other]) fs.rmSync(each, { force: true });
    return {
      work,
      ours: median(own!.map(({ engine }) => engine)),
      whole: median(own!.map(({ whole }) => whole)),
      theirs: median(theirs!.map(({ whole }) => whole)),
      floor: { timesFaster: job.least },
      memory,
      detail: job.detail,
    };
  };

  return [
    scanned('scan of 1 GiB of data', plain, ['cat', plain], 1, 0.8),
    scanned('scan of 1 GiB of zeroes', zeroes, ['cat', zeroes], 1, 0.6),
    scanned('scan of 1 GiB of the backing file', copied, ['fallocate', '--dig-holes', plain], 2, 1),
    changed('compact, 256 MiB moved', {
      image: holey,
      args: ['compact'],
      peer: (file, other) => copyOf(file, other, 256 * MIB),
      // 1.5 times as long, at most.
      least: 0.67,
      detail: `beside dd of the same bytes, flushed every ${BATCH / MIB} MiB`,
    }),
    changed('shrink of 1 GiB, half of it zeroes', {
      image: bloated,
      args: ['shrink', '--zeroes', '--compact'],
      peer: (file, other) => ['qemu-img', 'convert', '-O', 'qcow2', file, other],
      least: 1,
      detail: 'beside qemu-img convert, which flushes nothing',
    }),
    isAskedFor(SUBCLUSTERS)
      ? {
          work: SUBCLUSTERS,
          ours: scanTime(subclusters),
          memory: memoryOf(ours('shrink', '--zeroes', '--dry-run', subclusters)),
        }
      : undefined,
  ];
}

const SUBCLUSTERS = 'scan of 1 TiB of 512-byte subclusters';

interface ChangingJob {
  readonly image: string;
  readonly args: readonly string[];
  readonly peer: (file: string, other: string) => Command;
  readonly least: number;
  readonly detail: string;
}

/** Milliseconds. */
function scanTime(file: string): number {
  const started = performance.now();
  const image = EditableImage.open(file, { followsNames: true, scratchPath: `${file}.scratch` });
  toEnd(image.scanContents());
  image.close();
  return performance.now() - started;
}

/** Copies the first bytes of a file, and flushes as often as a compaction does. */
function copyOf(file: string, other: string, bytes: number): Command {
  const pieces = Array.from({ length: bytes / BATCH }, (_, index) => {
    const at = `skip=${index * (BATCH / MIB)} seek=${index * (BATCH / MIB)}`;
    return `dd if="$0" of="$1" bs=1M count=${BATCH / MIB} ${at} conv=notrunc,fsync status=none`;
  });
  return ['sh', '-c', pieces.join(' && '), file, other];
}
