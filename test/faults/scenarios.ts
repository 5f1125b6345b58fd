/**
 * Saves to interrupt: an image, and what it is to become. QEMU changes a copy of the image, so that what is saved does not
 * depend on how the engine changes images.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { checkImage } from '../../src/qcow2/check/checkImage';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { RunKind } from '../../src/qcow2/image/layer';
import { EngineError } from '../../src/qcow2/errors';
import type { BlockFile } from '../../src/qcow2/io/blockFile';
import { Fill } from '../../src/qcow2/io/fill';
import { MemoryFile } from '../../src/qcow2/io/memoryFile';
import { PAGE_SIZE, PageStore } from '../../src/qcow2/io/pageStore';
import { StagedFile } from '../../src/qcow2/io/stagedFile';
import { silent } from '../../src/qcow2/progress';
import { makePlan } from '../../src/qcow2/save/plan';
import { SECTOR } from '../../src/qcow2/save/role';
import type { Random } from '../support/builder/random';
import {
  changeBacking,
  type EngineChange,
  growAgain,
  markBitmaps,
  shrinkWithMovedBlock,
  writeRuns,
} from './engineChanges';
import { repairedImage } from './repairs';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import { guestOffset, hostOffset } from '../../src/qcow2/units';

export interface Files {
  readonly image: Uint8Array;
  readonly dataFile: Uint8Array | undefined;
}

export interface Scenario {
  readonly name: string;
  readonly before: Files;
  readonly after: Files;
  /** One of them is damaged: of promise B, the save keeps only the mark. */
  readonly isRepair?: boolean;
}

interface Kind {
  readonly name: string;
  /** `-o` of `qemu-img create`. */
  readonly options: string;
  readonly size: number;
  /** Longest random write, in bytes. */
  readonly longest: number;
  readonly prepares?: (file: string, random: Random) => void;
  /** Number of writes before and after the image is copied. */
  readonly writes: readonly [before: number, after: number];
  /** Used instead of QEMU's changes. */
  readonly changes?: EngineChange;
}

const KINDS: readonly Kind[] = [
  {
    name: 'many tables',
    options: 'cluster_size=1k,compat=1.1',
    size: 4 << 20,
    longest: 3 << 10,
    writes: [40, 12],
  },
  {
    name: 'growth of refcounts',
    options: 'cluster_size=512,refcount_bits=64',
    size: 6 << 20,
    longest: 1 << 10,
    // A refcount table of one cluster covers 2 MiB.
    prepares: (file, random) => {
      mustQemuIo(file, [`write -P 3 0 ${1700 + random.below(200)}k`]);
    },
    writes: [2, 10],
  },
  {
    name: 'growth of the refcount table',
    options: 'cluster_size=512,refcount_bits=64',
    size: 6 << 20,
    longest: 48 << 10,
    prepares: (file, random) => {
      mustQemuIo(file, [`write -P 3 0 ${1840 + random.below(40)}k`]);
    },
    writes: [1, 10],
  },
  {
    name: 'snapshots',
    options: 'cluster_size=4k',
    size: 2 << 20,
    longest: 20 << 10,
    prepares: (file) => {
      mustQemuIo(file, ['write -P 1 0 300k', 'write -P 2 1m 100k']);
      mustQemuImg(['snapshot', '-c', 'first', file]);
      mustQemuIo(file, ['write -P 3 64k 64k']);
      mustQemuImg(['snapshot', '-c', 'second', file]);
    },
    writes: [2, 6],
  },
  {
    name: 'version 2',
    options: 'cluster_size=2k,compat=0.10',
    size: 2 << 20,
    longest: 9 << 10,
    writes: [10, 8],
  },
  {
    name: 'version 2 with snapshots',
    options: 'cluster_size=512,compat=0.10',
    size: 512 << 10,
    longest: 4 << 10,
    prepares: (file) => {
      mustQemuIo(file, ['write -P 1 0 100k']);
      mustQemuImg(['snapshot', '-c', 'first', file]);
    },
    writes: [3, 8],
  },
  {
    name: 'extended L2',
    options: 'cluster_size=16k,extended_l2=on',
    size: 4 << 20,
    longest: 40 << 10,
    writes: [12, 8],
  },
  {
    name: '512-byte clusters',
    options: 'cluster_size=512',
    size: 1 << 20,
    longest: 5 << 10,
    writes: [12, 10],
  },
  {
    name: 'narrow refcounts',
    options: 'cluster_size=512,refcount_bits=1',
    size: 1 << 20,
    longest: 5 << 10,
    writes: [8, 10],
  },
  {
    name: '4-bit refcounts with snapshots',
    options: 'cluster_size=1k,refcount_bits=4',
    size: 1 << 20,
    longest: 5 << 10,
    prepares: (file) => {
      mustQemuIo(file, ['write -P 1 0 200k']);
      mustQemuImg(['snapshot', '-c', 'first', file]);
    },
    writes: [3, 8],
  },
  {
    name: 'external data file',
    options: 'cluster_size=4k,data_file=data.raw',
    size: 1 << 20,
    longest: 20 << 10,
    writes: [6, 6],
  },
  {
    name: 'raw external data file',
    options: 'cluster_size=4k,data_file=data.raw,data_file_raw=on',
    size: 1 << 20,
    longest: 20 << 10,
    writes: [6, 6],
  },
  {
    name: 'growth of refcounts, taken back, and other growth',
    options: 'cluster_size=512,refcount_bits=64',
    size: 6 << 20,
    longest: 1 << 10,
    prepares: (file) => {
      mustQemuIo(file, ['write -P 3 0 1600k']);
    },
    writes: [2, 0],
    changes: growAgain,
  },
  {
    name: 'a smaller refcount table, with a block elsewhere',
    options: 'cluster_size=512,refcount_bits=64',
    size: 6 << 20,
    longest: 1 << 10,
    prepares: (file) => {
      mustQemuIo(file, ['write -P 3 0 1700k', 'discard 64k 64k'], {}, ['-d', 'unmap']);
    },
    writes: [0, 0],
    changes: shrinkWithMovedBlock,
  },
  {
    name: 'runs of new clusters',
    options: 'cluster_size=512,refcount_bits=64',
    size: 6 << 20,
    longest: 1 << 10,
    prepares: (file, random) => {
      mustQemuIo(file, [`write -P 3 0 ${100 + random.below(900)}k`]);
    },
    writes: [2, 0],
    changes: writeRuns,
  },
  {
    name: 'dirty bitmaps',
    options: 'cluster_size=512',
    size: 1 << 20,
    longest: 5 << 10,
    prepares: (file) => {
      mustQemuImg(['bitmap', '--add', '-g', '512', file, 'fine']);
      mustQemuImg(['bitmap', '--add', '-g', '64k', file, 'coarse']);
    },
    writes: [6, 0],
    changes: markBitmaps,
  },
  {
    name: 'another backing file',
    options: 'cluster_size=4k',
    size: 64 << 10,
    longest: 4 << 10,
    // The whole disk: nothing is read from the backing file, which only QEMU can open.
    prepares: (file, random) => {
      mustQemuIo(file, ['write -P 3 0 64k']);
      if (random.below(2) === 0) mustQemuImg(['bitmap', '--add', '-g', '4k', file, 'kept']);
    },
    writes: [0, 0],
    changes: changeBacking,
  },
  {
    name: 'another backing file, version 2',
    options: 'cluster_size=2k,compat=0.10',
    size: 64 << 10,
    longest: 4 << 10,
    prepares: (file) => {
      mustQemuIo(file, ['write -P 3 0 64k']);
    },
    writes: [0, 0],
    changes: changeBacking,
  },
  {
    name: 'whole tables and refcount blocks',
    options: 'cluster_size=4k,refcount_bits=64,preallocation=metadata',
    // Two tables; one of the blocks has refcounts of data only.
    size: 4 << 20,
    longest: 4 << 10,
    writes: [3, 0],
    changes: (file, random, between) => {
      between();
      const unmap = random.below(3) === 0 ? '' : '-u ';
      mustQemuIo(file, [`write -z ${unmap}0 4M`], {}, ['-d', 'unmap']);
    },
  },
];

/** Several, since there are many kinds of damage. */
const REPAIRS = ['a repair', 'another repair', 'a third repair'];

export const SCENARIO_NAMES: readonly string[] = [...KINDS.map(({ name }) => name), ...REPAIRS];

/**
 * A save of one kind; with `goesBack`, the save that undoes the change.
 * @param folder is emptied
 */
export function makeScenario(index: number, random: Random, folder: string, goesBack: boolean): Scenario {
  const name = SCENARIO_NAMES[index % SCENARIO_NAMES.length]!;
  const kind = KINDS.find((each) => each.name === name);
  if (kind === undefined) return makeRepair(name, random, goesBack);
  for (let attempt = 0; attempt < 20; attempt++) {
    const files = makeTwins(kind, random, folder);
    const [before, after] = goesBack ? [files[1], files[0]] : files;
    // Before a save the engine never reuses a cluster for something else; QEMU does.
    if (!reusesClusters(before, after)) return { name: titleOf(name, goesBack), before, after };
  }
  throw new Error(`${kind.name}: QEMU always reuses clusters`);
}

const titleOf = (name: string, goesBack: boolean): string => (goesBack ? `${name}, undone` : name);

function makeRepair(name: string, random: Random, goesBack: boolean): Scenario {
  const { before, after } = repairedImage(random);
  const damaged = { image: before, dataFile: undefined };
  const repaired = { image: after, dataFile: undefined };
  const files = goesBack ? { before: repaired, after: damaged } : { before: damaged, after: repaired };
  return { name: titleOf(name, goesBack), ...files, isRepair: true };
}

function makeTwins(kind: Kind, random: Random, folder: string): [Files, Files] {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'image.qcow2');
  const run = { cwd: folder };
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', kind.options, file, String(kind.size)], run);
  kind.prepares?.(file, random);
  const [atFirst, then] = kind.writes;
  mustQemuIo(file, writes(kind, random, atFirst), run);
  let before = readFiles(folder);
  if (kind.changes !== undefined) {
    kind.changes(file, random, () => (before = readFiles(folder)));
    return [before, readFiles(folder)];
  }
  // Allocating changes come first and freeing ones second, so that no cluster is freed and reused.
  const freed = frees(kind, random, Math.ceil(then / 2));
  const changes = [...writes(kind, random, then), ...freed.flatMap(({ touches }) => touches)];
  mustQemuIo(file, [...changes, ...freed.map(({ command }) => command)], run, ['-d', 'unmap']);
  return [before, readFiles(folder)];
}

function readFiles(folder: string): Files {
  const data = path.join(folder, 'data.raw');
  return {
    image: new Uint8Array(fs.readFileSync(path.join(folder, 'image.qcow2'))),
    dataFile: fs.existsSync(data) ? new Uint8Array(fs.readFileSync(data)) : undefined,
  };
}

function writes(kind: Kind, random: Random, count: number): string[] {
  return Array.from({ length: count }, () => {
    const { start, length } = range(kind, random);
    return `write -P ${1 + random.below(254)} ${start} ${length}`;
  });
}

interface Freeing {
  readonly command: string;
  /** Writes that create all L2 tables that it needs. */
  readonly touches: readonly string[];
}

function frees(kind: Kind, random: Random, count: number): Freeing[] {
  return Array.from({ length: count }, () => {
    const { start, length } = range(kind, random);
    const aligned = start - (start % 65536);
    const end = Math.min(kind.size, aligned + 65536 * (1 + random.below(3)));
    const touches: string[] = [];
    for (let at = aligned; at < end; at += 32768) touches.push(`write -P 9 ${at} 512`);
    const command = random.pick([
      `write -z -u ${aligned} ${end - aligned}`,
      `write -z ${start} ${Math.min(length, end - start)}`,
      `discard ${aligned} ${end - aligned}`,
    ]);
    return { command, touches };
  });
}

function range(kind: Kind, random: Random): { start: number; length: number } {
  const length = 512 * (1 + random.below(kind.longest / 512));
  const start = 512 * random.below((kind.size - length) / 512);
  return { start, length };
}

/** Whether a cluster that both images use holds something else in each. */
function reusesClusters(before: Files, after: Files): boolean {
  const owners = ownersOf(before.image);
  for (const [host, guest] of ownersOf(after.image)) {
    if ((owners.get(host) ?? guest) !== guest) return true;
  }
  return isRefused(before.image, after.image);
}

/** Whether the save refuses it because data becomes metadata, or metadata data (S7). */
function isRefused(before: Uint8Array, after: Uint8Array): boolean {
  const image = new StagedFile(new MemoryFile('image', before), new PageStore('/nowhere/scratch'));
  stage(image, before, after);
  try {
    makePlan(image, undefined, silent);
    return false;
  } catch (error) {
    if (error instanceof EngineError && error.problem.code === 'save.overlap') return true;
    throw error;
  }
}

/**
 * Stages over `file`, whose base is `before`, what turns it into `after`; uniform pages are staged as fills. The fills that
 * the check finds are already known, as in the editor.
 */
export function stage(file: StagedFile, before: Uint8Array, after: Uint8Array): void {
  const clusterSize = lookAt(file.base);
  for (let at = 0; at < after.length; at += PAGE_SIZE) {
    const page = after.subarray(at, at + PAGE_SIZE);
    const fill = page.length === PAGE_SIZE ? Fill.found(page, hostOffset(at), clusterSize) : undefined;
    if (fill === undefined) stageSectors(file, before, page, at);
    else if (Buffer.compare(page, before.subarray(at, at + PAGE_SIZE)) !== 0) {
      file.fill(hostOffset(at), PAGE_SIZE, fill.high, fill.low, fill.step);
    }
  }
  if (after.length < before.length) file.state = { ...file.state, size: after.length };
}

function stageSectors(file: StagedFile, before: Uint8Array, after: Uint8Array, offset: number): void {
  for (let done = 0; done < after.length; done += SECTOR) {
    const [bytes, at] = [after.subarray(done, done + SECTOR), offset + done];
    const isNew = at >= before.length || Buffer.compare(bytes, before.subarray(at, at + SECTOR)) !== 0;
    if (isNew) file.write(bytes, hostOffset(at));
  }
}

/** Checks an image and returns its cluster size; for a data file, which is not an image, the page size. */
function lookAt(base: BlockFile): number {
  try {
    const image = Qcow2Image.open(base);
    checkImage(image);
    return image.header.clusterSize;
  } catch (error) {
    // An image to repair may be impossible to open.
    if (error instanceof EngineError) return PAGE_SIZE;
    throw error;
  }
}

/** Guest cluster by host cluster. */
function ownersOf(bytes: Uint8Array): Map<number, number> {
  const image = Qcow2Image.open(new MemoryFile('image', bytes));
  const { clusterSize } = image.header;
  const owners = new Map<number, number>();
  if (image.hasDataFile) return owners;
  image.forEachRun(guestOffset(0), guestOffset(image.size), (start, length, kind, host) => {
    if (kind !== RunKind.data && kind !== RunKind.zeroAllocated) return undefined;
    for (let done = 0; done < length; done += Math.min(clusterSize, length - done)) {
      owners.set(Math.floor((host + done) / clusterSize), Math.floor((start + done) / clusterSize));
    }
    return undefined;
  });
  return owners;
}
