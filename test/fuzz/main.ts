/**
 * `npm run fuzz -- [--seed S] [--count N] [--from I]`: mutated images through everything that reads them. Fails on
 * any error that is not the engine's own, on a case of more than two seconds, on more than 256 MiB of memory; each
 * failure comes with the command that repeats it, `npm run fuzz -- --seed S --case I [--save FILE]`.
 *
 * The cases run in a worker thread. This thread watches: a hang is seen although the worker can say nothing.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { prepareZstd } from '../../src/qcow2/image/zstd';
import { useKoffiOf } from '../../src/qcow2/io/koffi';
import { type Fault, Fuzzer, TIME_LIMIT } from './cases';

const MEMORY_LIMIT = 256 * 1024 * 1024;
/** Milliseconds between two looks at the worker. */
const WATCH_EVERY = 50;
/** Cases in one worker: what the allocator keeps of many cases must not count as the memory of one. */
const CASES_PER_WORKER = 20_000;
/** Cases after which garbage is collected: nor must what earlier cases left behind. */
const COLLECT_EVERY = 20;
/** After so many faults a run gives up. */
const ENOUGH_FAULTS = 100;
/** Cases between two reports of the worker. */
const REPORT_EVERY = 500;

interface Job {
  readonly seed: number;
  readonly from: number;
  readonly end: number;
  readonly folder: string;
  /** One 32-bit number: the case that is running. */
  readonly current: SharedArrayBuffer;
}

type Message = { readonly fault: Fault } | { readonly done: number };

// The bundle is two folders below the project.
useKoffiOf(path.resolve(__dirname, '../..'));
if (isMainThread) void main();
else {
  void prepareZstd().then(() => {
    work(workerData as Job);
  });
}

function work({ seed, from, end, folder, current }: Job): void {
  const fuzzer = new Fuzzer(seed, folder);
  const running = new Int32Array(current);
  const send = (message: Message): void => {
    parentPort?.postMessage(message);
  };
  for (let index = from; index < end; index++) {
    Atomics.store(running, 0, index);
    const fault = fuzzer.run(index);
    if (fault !== undefined) send({ fault });
    if (index % COLLECT_EVERY === 0) globalThis.gc?.();
    if (index % REPORT_EVERY === 0) send({ done: index - from });
  }
}

async function main(): Promise<void> {
  await prepareZstd();
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      count: { type: 'string', default: '20000' },
      from: { type: 'string', default: '0' },
      case: { type: 'string' },
      save: { type: 'string' },
    },
  });
  const folder = fs.mkdtempSync(
    path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'qcow2-fuzz-'),
  );
  try {
    const seed = Number(values.seed);
    const isSound =
      values.case === undefined
        ? await fuzz(seed, Number(values.from), Number(values.count), folder)
        : repeat(seed, Number(values.case), folder, values.save);
    process.exitCode = isSound ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs one case in this thread and says what came of every question. */
function repeat(seed: number, index: number, folder: string, save: string | undefined): boolean {
  const fuzzer = new Fuzzer(seed, folder);
  const { seedName, bytes, isFile } = fuzzer.make(index);
  console.log(`case ${index}: from "${seedName}", ${bytes.length} bytes, ${isFile ? 'a file' : 'in memory'}`);
  if (save !== undefined) fs.writeFileSync(save, bytes);
  const fault = fuzzer.run(index, (question, answer) => {
    console.log(`  ${question}: ${answer}`);
  });
  if (fault !== undefined) console.log(`FAULT ${fault.what}`);
  console.log(`memory ${mebibytes(process.memoryUsage.rss())} MiB`);
  return fault === undefined;
}

async function fuzz(seed: number, from: number, count: number, folder: string): Promise<boolean> {
  const started = performance.now();
  const end = from + count;
  const faults: Fault[] = [];
  let peak = 0;
  // Here, too: what is wrong with the corpus itself must not look like a fault of every case.
  new Fuzzer(seed, folder).make(from);
  for (let next = from; next < end && faults.length < ENOUGH_FAULTS;) {
    const stretch = await runStretch({
      seed,
      from: next,
      end: Math.min(end, next + CASES_PER_WORKER),
      folder,
    });
    faults.push(...stretch.faults);
    peak = Math.max(peak, stretch.peak);
    next = stretch.next;
  }
  for (const { index, seedName, what } of faults) {
    console.error(`FAULT in case ${index} (from "${seedName}"): ${what}`);
    console.error(`  npm run fuzz -- --seed ${seed} --case ${index}\n`);
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${count} cases, seed ${seed}: ${faults.length} faults, ${seconds.toFixed(1)} s ` +
      `(${Math.round(count / seconds)} a second), memory at most ${mebibytes(peak)} MiB`,
  );
  console.log(`  npm run fuzz -- --seed ${seed} --from ${from} --count ${count}`);
  return faults.length === 0;
}

interface Stretch {
  /** The case to go on with: all before it were run. */
  readonly next: number;
  readonly faults: readonly Fault[];
  /** Resident memory of the whole process, bytes. */
  readonly peak: number;
}

/** Runs cases in one worker until they are done, one hangs, or memory goes over the limit. */
function runStretch(job: Omit<Job, 'current'>): Promise<Stretch> {
  const current = new SharedArrayBuffer(4);
  const running = new Int32Array(current);
  const worker = new Worker(process.argv[1]!, { workerData: { ...job, current } satisfies Job });
  const faults: Fault[] = [];
  let peak = 0;
  let [seen, since] = [-1, performance.now()];
  return new Promise((resolve) => {
    const finish = (next: number): void => {
      clearInterval(watch);
      void worker.terminate().then(() => {
        resolve({ next, faults, peak });
      });
    };
    const stop = (what: string): void => {
      const index = Atomics.load(running, 0);
      faults.push({ index, seedName: '?', what });
      finish(index + 1);
    };
    const watch = setInterval(() => {
      const index = Atomics.load(running, 0);
      if (index !== seen) [seen, since] = [index, performance.now()];
      peak = Math.max(peak, process.memoryUsage.rss());
      if (performance.now() - since > TIME_LIMIT * 2) stop(`hangs for more than ${TIME_LIMIT * 2} ms`);
      else if (peak > MEMORY_LIMIT) stop(`memory reached ${mebibytes(peak)} MiB`);
    }, WATCH_EVERY);
    worker.on('message', (message: Message) => {
      if ('fault' in message) faults.push(message.fault);
      else if (process.stderr.isTTY) process.stderr.write(`\rcase ${job.from + message.done} `);
    });
    worker.on('error', (error) => {
      stop(`the thread died: ${error.stack ?? error.message}`);
    });
    worker.on('exit', (code) => {
      if (code === 0) finish(job.end);
    });
  });
}

const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
