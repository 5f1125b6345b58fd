/**
 * `npm run bench [-- PART… [--only=PATTERN]]`: times the engine beside qemu-img, in one run, on images made here. Prints a
 * table, keeps it as JSON beside the images, and fails if a row misses its floor; with `--only`, runs the rows whose names
 * match. Node's start is listed separately: the floors are for the engine.
 *
 * Parts: `open`, `map`, `read`, `check`, `change`, `space`, `guest`; `frames`, which measures the map in the browser (test/browser/bench);
 * `index` and `host`, which measure inside VS Code's extension host (host/): a workspace of 100,000 files, and terabytes.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { openChain } from '../../src/qcow2/chain/openChain';
import { checkImage } from '../../src/qcow2/check/checkImage';
import { EditableImage } from '../../src/qcow2/edit/editableImage';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { prepareZstd } from '../../src/qcow2/image/zstd';
import { useKoffiOf } from '../../src/qcow2/io/koffi';
import { openLocalFile } from '../../src/qcow2/io/localFile';
import { prepareRelease, zlib } from '../../src/qcow2/io/zlib';
import { readHeaderView } from '../../src/qcow2/report/headerView';
import { Overview } from '../../src/qcow2/map/overview';
import { guestOffset, hostOffset } from '../../src/qcow2/units';
import { useHelpersOf } from '../../src/threads/helperThreads';
import { changeRows } from './change';
import { guestRows } from './guest';
import { hostRows } from './host';
import { benchImages, READ_SIZE } from './images';
import { type Command, median, medians } from './measure';
import { isKept, printTable, type Row } from './report';
import { spaceRows } from './space';

/** Set by run.mjs. */
const ROOT = process.env['QCOW2_ROOT']!;
const CACHE = path.join(ROOT, '.cache/bench');
const CLI = path.join(ROOT, 'dist/cli.js');
const MEMORY_REPORTER = path.join(ROOT, 'test/support/reportPeakMemory.mjs');
const TIME_REPORTER = path.join(ROOT, 'test/support/reportEngineTime.cjs');
const RUNS = 5;

const ours = (...args: string[]): Command => [process.execPath, CLI, ...args];
/** Says last of all how long it took from when Node was up. */
const withTime = ([program, ...args]: Command): Command => [program, '--require', TIME_REPORTER, ...args];
const theirs = (...args: string[]): Command => ['qemu-img', ...args];
const IDLE: Command = [process.execPath, '-e', '0'];

/** Of a part, nothing for those that are not asked for. */
type Rows = readonly (Row | undefined)[];

const PARTS: Readonly<Record<string, () => Rows>> = {
  open,
  map,
  read,
  check,
  change,
  space,
  guest,
  frames,
  index,
  host,
};

useHelpersOf(path.join(ROOT, 'dist'));
useKoffiOf(path.join(ROOT, 'dist'));
void Promise.all([prepareZstd(), prepareRelease()]).then(main);

const { positionals: wanted, values } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' } },
});
const isAskedFor = (work: string): boolean => new RegExp(values.only).test(work);

function main(): void {
  const unknown = wanted.find((part) => !(part in PARTS));
  if (unknown !== undefined) throw new Error(`no part '${unknown}': ${Object.keys(PARTS).join(', ')}`);
  const parts = Object.entries(PARTS).filter(([part]) => wanted.length === 0 || wanted.includes(part));
  const rows = parts.flatMap(([, run]) => run()).filter((row) => row !== undefined);
  printTable(rows);
  fs.writeFileSync(path.join(CACHE, 'results.json'), `${JSON.stringify(rows, undefined, 2)}\n`);
  process.exitCode = rows.every(isKept) ? 0 : 1;
}

/** A command of ours against one of theirs, with memory. */
function compare(
  work: string,
  our: Command,
  their: Command,
  floor?: Row['floor'],
  runs = RUNS,
): Row | undefined {
  if (!isAskedFor(work)) return undefined;
  console.log(`measuring: ${work}`);
  const [ourTimes, theirTimes] = medians([withTime(our), their], runs);
  return {
    work,
    ...(ourTimes && { ours: ourTimes.engine, whole: ourTimes.whole }),
    ...(theirTimes && { theirs: theirTimes.whole }),
    memory: peakMemory(our) - peakMemory(IDLE),
    ...(floor === undefined ? {} : { floor }),
  };
}

/** Milliseconds of something done in this process, where the engine is warm as in an editor that is open. */
function inProcess(work: string, action: () => void, limit?: number): Row | undefined {
  if (!isAskedFor(work)) return undefined;
  console.log(`measuring: ${work}`);
  const times = Array.from({ length: RUNS }, () => {
    const started = performance.now();
    action();
    return performance.now() - started;
  });
  return { work, ours: median(times), ...(limit === undefined ? {} : { floor: { milliseconds: limit } }) };
}

function open(): Rows {
  const { contiguous, random, deflate } = benchImages(CACHE);
  const first = (file: string): void => {
    const chain = openChain(file, { followsNames: true });
    readHeaderView(chain.top.file);
    const overview = new Overview(chain.layers, chain.top.header.clusterSize);
    overview.step(performance.now() + 40);
    overview.cells({
      start: guestOffset(0),
      bytesPerCell: chain.top.header.clusterSize * 2 ** 14,
      count: 1024,
    });
    chain.close();
  };
  const header = (file: string): void => {
    const chain = openChain(file, { followsNames: true });
    readHeaderView(chain.top.file);
    chain.close();
  };
  return [
    inProcess(
      'header and chain of 1 TiB',
      () => {
        header(contiguous);
      },
      100,
    ),
    inProcess(
      'first map of 1 TiB',
      () => {
        first(contiguous);
      },
      500,
    ),
    inProcess(
      'first map of 1 TiB, random order',
      () => {
        first(random);
      },
      500,
    ),
    compare('info of 1 TiB', ours('info', contiguous), theirs('info', contiguous), { milliseconds: 100 }),
    compare('info of a compressed GiB', ours('info', deflate), theirs('info', deflate), {
      milliseconds: 100,
    }),
  ];
}

function map(): Rows {
  const { contiguous, random, extents } = benchImages(CACHE);
  const json = ['map', '--output=json'] as const;
  return [
    compare('map of 1 TiB', ours(...json, contiguous), theirs(...json, contiguous), { timesFaster: 10 }),
    // A line for each of 16.8 million clusters: it takes QEMU most of a minute.
    compare(
      'JSON map of 1 TiB, random order',
      ours(...json, random),
      theirs(...json, random),
      { timesFaster: 6 },
      1,
    ),
    compare('JSON map of 2.1 million extents', ours(...json, extents), theirs(...json, extents), {
      timesFaster: 6,
    }),
  ];
}

function read(): Rows {
  const { plain, deflate, zstd } = benchImages(CACHE);
  const row = (work: string, file: string, floor?: Row['floor']): Row | undefined =>
    compare(
      work,
      ours('read', file, '0', String(READ_SIZE)),
      theirs('convert', '-n', '--target-image-opts', file, `driver=null-co,size=${READ_SIZE}`),
      floor,
    );
  const asFast = { timesFaster: 1 };
  const hasZstd = zlib().zstdDecompressSync !== undefined;
  return [
    // QEMU reads with several threads, which are not worth their start here.
    row('read 1 GiB of data', plain),
    row('read 1 GiB, deflate', deflate, asFast),
    row('read 1 GiB, zstd', zstd, hasZstd ? asFast : undefined),
  ];
}

/** The command line beside qemu-img, and the engine in this process beside only reading the metadata. */
function check(): Rows {
  const { contiguous, preallocated, random, extents, snapshots, uncounted, compressed } = benchImages(CACHE);
  const row = (work: string, file: string, floor?: Row['floor'], runs = RUNS): Row | undefined =>
    compare(work, ours('check', file), theirs('check', file), floor, runs);
  const warm = inProcess('check of 1 TiB, in an editor that is open', () => {
    const image = Qcow2Image.open(openLocalFile(contiguous));
    checkImage(image);
    image.close();
  });
  const reading = inProcess('only reading its metadata', () => {
    readMetadata(contiguous);
  });
  return [
    row('check of 1 TiB', contiguous, { timesFaster: 6 }),
    row('check of 1 TiB as QEMU lays it out', preallocated, { timesFaster: 6 }),
    // Minutes for QEMU.
    row('check of 1 TiB, random order', random, { timesFaster: 4 }, 1),
    row('check of 1 TiB with 20 snapshots', snapshots, { timesFaster: 6 }, 1),
    // So little metadata that loading a program counts: there is no floor.
    row('check of 100 GiB, compressed', compressed),
    row('check of 2.1 million extents', extents),
    warm && { ...warm, ...(reading?.ours && { floor: { milliseconds: 5 * reading.ours } }) },
    reading,
    inProcess('all refcounts of 1 TiB rebuilt, in a preview', () => {
      previewRepair(uncounted);
    }),
  ];
}

function previewRepair(path: string): void {
  const image = EditableImage.open(path, { followsNames: false, scratchPath: `${path}.scratch` });
  image.previewRepair('all');
  image.close();
}

/** Every table of an image, once: the least that a check can cost. */
function readMetadata(path: string): void {
  const image = Qcow2Image.open(openLocalFile(path));
  const { file, header } = image;
  const buffer = new Uint8Array(2 ** 20);
  // Tables and refcount blocks lie together at the start of these images.
  const end = header.l1TableOffset + header.clusterSize * (1 + Math.ceil(header.size / header.l2Span));
  for (let at = 0; at < end; at += buffer.length) file.read(buffer, hostOffset(at));
  image.close();
}

function change(): Row[] {
  const told = (...args: string[]): Command => withTime(ours(...args));
  return changeRows(benchImages(CACHE), CACHE, { idle: IDLE, ours: told, peakMemory });
}

function space(): Rows {
  const told = (...args: string[]): Command => withTime(ours(...args));
  return spaceRows(benchImages(CACHE), CACHE, { idle: IDLE, ours: told, peakMemory }, isAskedFor);
}

function guest(): Rows {
  const told = (...args: string[]): Command => withTime(ours(...args));
  return guestRows(CACHE, { idle: IDLE, ours: told, peakMemory }, isAskedFor);
}

function index(): Row[] {
  return hostRows('index', ROOT, CACHE);
}

function host(): Row[] {
  return hostRows('host', ROOT, CACHE);
}

/** Measured by vitest in the installed extension; it leaves its rows in a file. */
function frames(): Row[] {
  const file = path.join(CACHE, 'frames.json');
  fs.mkdirSync(CACHE, { recursive: true });
  fs.rmSync(file, { force: true });
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.frames.config.mts'];
  spawnSync(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, QCOW2_FRAMES: file },
  });
  if (!fs.existsSync(file)) throw new Error('the frames were not measured');
  return JSON.parse(fs.readFileSync(file, 'utf8')) as Row[];
}

/** Peak resident memory of a Node program, bytes. */
function peakMemory([program, ...args]: Command): number {
  const { stderr } = spawnSync(program, ['--import', MEMORY_REPORTER, ...args], {
    stdio: ['ignore', fs.openSync('/dev/null', 'w'), 'pipe'],
  });
  const match = /peak memory (\d+) KiB\n$/.exec(String(stderr));
  if (match === null) throw new Error(`${args.join(' ')}: ${String(stderr)}`);
  return Number(match[1]) * 1024;
}
