/**
 * `npm run soak -- [--minutes N] [--seed S] [--kinds=a,b] [--jobs N]`: runs the kinds of random cases (kinds.ts) in turn
 * until the time is up, each turn in a separate process with new seeds. For a violation it prints the command that repeats
 * the case, `npm run soak -- --kinds=KIND --case SEED`, and continues. Exit code 1 if there was a violation, 64 for wrong
 * usage. `--results FILE` writes as JSON how many kinds passed, and which did not.
 */
import { fork } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { useKoffiOf } from '../../src/qcow2/io/koffi';
import { seededRandom } from '../support/builder/random';
import type { Kind } from './kind';
import { KINDS } from './kinds';
import { takeTurn, type Message, type Turn } from './turn';

/** Milliseconds of a turn; less where there would not be time for two of each kind. */
const LONGEST_TURN = 20_000;
/** Milliseconds that one case may take; most take seconds, but many times that on a busy machine. */
const HANGS_AFTER = 900_000;
const EXIT_USAGE = 64;

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly kinds: readonly Kind[];
  readonly jobs: number;
  readonly case: number | undefined;
  readonly results: string | undefined;
}

/** What one kind has done so far. */
interface Sum {
  cases: number;
  images: number;
  operations: number;
  killPoints: number;
  violations: number;
}

const newSum = (): Sum => ({ cases: 0, images: 0, operations: 0, killPoints: 0, violations: 0 });

class Soak {
  readonly #options: Options;
  /** For the turns' files, each in a folder of its own. */
  readonly #folder: string;
  readonly #sums = new Map<string, Sum>();
  /** By kind: the command that repeats its first violation. */
  readonly #repeats = new Map<string, string>();
  /** By kind and job: the next seed. */
  readonly #seeds = new Map<string, number>();
  readonly #running = new Set<ReturnType<typeof fork>>();
  #turns = 0;
  #isOver = false;

  constructor(options: Options, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  async run(): Promise<boolean> {
    const { minutes, kinds, jobs } = this.#options;
    const started = performance.now();
    const end = started + minutes * 60_000;
    const turn = Math.min(LONGEST_TURN, (minutes * 60_000 * jobs) / (2 * kinds.length));
    const work = async (job: number): Promise<void> => {
      for (;;) {
        const left = end - performance.now();
        // Every kind has a turn, however little time there is.
        if (this.#isOver || (left <= 0 && this.#turns >= kinds.length)) return;
        const kind = kinds[this.#turns++ % kinds.length]!;
        await this.#turn(kind, job, Math.max(0, Math.min(turn, left)));
      }
    };
    await Promise.all(Array.from({ length: jobs }, (_, job) => work(job)));
    return this.#report(performance.now() - started);
  }

  /** Stops at once. */
  stop(): void {
    this.#isOver = true;
    for (const child of this.#running) child.kill('SIGKILL');
  }

  async #turn(kind: Kind, job: number, time: number): Promise<void> {
    const { seed, jobs } = this.#options;
    const key = `${kind.name} ${job}`;
    const first = this.#seeds.get(key) ?? firstSeed(seed, kind) + job;
    const started = performance.now();
    const folder = fs.mkdtempSync(path.join(this.#folder, `${kind.name}-`));
    const sum = newSum();
    const next = await this.#inProcess({ kind: kind.name, seed: first, step: jobs, time, folder }, sum);
    this.#seeds.set(key, next);
    fs.rmSync(folder, { recursive: true, force: true });
    const total = this.#sums.get(kind.name) ?? newSum();
    this.#sums.set(kind.name, total);
    for (const name of Object.keys(sum) as (keyof Sum)[]) total[name] += sum[name];
    console.log(
      `${kind.name}, seeds from ${first}: ${describe(sum)}, ${seconds(performance.now() - started)}`,
    );
  }

  /** @returns the seed to go on with */
  #inProcess(turn: Turn, sum: Sum): Promise<number> {
    const child = fork(process.argv[1]!, ['--turn', JSON.stringify(turn)], { execArgv: ['--expose-gc'] });
    this.#running.add(child);
    let current = turn.seed;
    let isHanging = false;
    const violate = (seed: number, what: string): void => {
      sum.violations++;
      const command = repeatCommand(turn.kind, seed);
      if (!this.#repeats.has(turn.kind)) this.#repeats.set(turn.kind, command);
      console.error(`VIOLATION: ${turn.kind}, seed ${seed}: ${what}\n  ${command}\n`);
    };
    const hang = (): void => {
      isHanging = true;
      child.kill('SIGKILL');
    };
    let watch = setTimeout(hang, HANGS_AFTER);
    child.on('message', (message: Message) => {
      current = message.seed;
      clearTimeout(watch);
      watch = setTimeout(hang, HANGS_AFTER);
      if (message.kind === 'started') return;
      sum.cases++;
      if (message.kind === 'violated') {
        violate(message.seed, message.what);
        return;
      }
      const { images = 0, operations = 0, killPoints = 0 } = message.counts;
      sum.images += images;
      sum.operations += operations;
      sum.killPoints += killPoints;
    });
    return new Promise((resolve) => {
      // Behind it no message comes any more.
      child.on('close', (code, signal) => {
        clearTimeout(watch);
        this.#running.delete(child);
        if (isHanging) violate(current, `takes more than ${HANGS_AFTER / 1000} s`);
        else if (code !== 0 && !this.#isOver) violate(current, `its process ended with ${signal ?? code}`);
        resolve(current + turn.step);
      });
    });
  }

  #report(took: number): boolean {
    const { kinds, minutes, seed, results } = this.#options;
    const all = newSum();
    console.log('');
    for (const { name } of kinds) {
      const sum = this.#sums.get(name) ?? newSum();
      for (const key of Object.keys(all) as (keyof Sum)[]) all[key] += sum[key];
      console.log(`${name}: ${describe(sum)}`);
    }
    console.log(`all: ${describe(all)}, ${seconds(took)}`);
    const chosen = kinds.length === KINDS.length ? '' : ` --kinds=${kinds.map(({ name }) => name).join(',')}`;
    console.log(`  npm run soak -- --minutes ${minutes} --seed ${seed}${chosen}`);
    const failures = kinds.flatMap(({ name }) => {
      const { cases, violations } = this.#sums.get(name) ?? newSum();
      if (violations > 0) return [`${name}, ${violations} violations: ${this.#repeats.get(name) ?? ''}`];
      return cases > 0 ? [] : [`${name}: no case was run`];
    });
    const passed = kinds.length - failures.length;
    if (results !== undefined)
      fs.writeFileSync(results, JSON.stringify({ passed, failures, totals: describe(all) }));
    return failures.length === 0;
  }
}

/** Different for every kind, and so are the cases; smaller than 2^31, with room for those that follow. */
function firstSeed(seed: number, { name }: Kind): number {
  let mixed = seed;
  for (const letter of Buffer.from(name)) mixed = Math.imul(mixed ^ letter, 0x01000193);
  return seededRandom(mixed).below(2 ** 30);
}

const repeatCommand = (kind: string, seed: number): string =>
  `npm run soak -- --kinds=${kind} --case ${seed}`;

const describe = ({ cases, images, operations, killPoints, violations }: Sum): string =>
  `${cases} cases, ${images} images, ${operations} operations, ${killPoints} kill points, ${violations} violations`;

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** Runs one case in a separate process and prints what happens; its files are kept. */
async function repeat(kind: Kind, seed: number): Promise<boolean> {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), `qcow2-soak-${kind.name}-`)));
  let isGood = true;
  await takeTurn({ kind: kind.name, seed, step: 1, folder }, kind, (message) => {
    if (message.kind === 'done') console.log(`no violation: ${JSON.stringify(message.counts)}`);
    if (message.kind !== 'violated') return;
    isGood = false;
    console.error(`VIOLATION: ${message.what}`);
  });
  console.log(`Its files are in ${folder}`);
  return isGood;
}

/** @throws Error for an invalid argument */
function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      kinds: { type: 'string', default: KINDS.map(({ name }) => name).join(',') },
      jobs: { type: 'string', default: String(Math.min(2, os.availableParallelism())) },
      case: { type: 'string' },
      results: { type: 'string' },
    },
  });
  const kinds = values.kinds.split(',').map((name) => {
    const kind = KINDS.find((each) => each.name === name);
    if (kind !== undefined) return kind;
    throw new Error(`no kind '${name}': ${KINDS.map((each) => each.name).join(', ')}`);
  });
  if (values.case !== undefined && kinds.length > 1)
    throw new Error('--case needs --kinds=KIND, one of them');
  const number = (name: string, text: string, least: number): number => {
    const value = Number(text);
    const isValid = text !== '' && value >= least && value < 2 ** 31;
    if (isValid && (name === 'minutes' || Number.isInteger(value))) return value;
    throw new Error(`--${name} ${text}: not a number from ${least} to ${2 ** 31 - 1}`);
  };
  return {
    minutes: number('minutes', values.minutes, 0),
    seed: number('seed', values.seed, 0),
    kinds,
    jobs: number('jobs', values.jobs, 1),
    case: values.case === undefined ? undefined : number('case', values.case, 0),
    results: values.results,
  };
}

/** Where there is memory to spare, which is faster than a disk. */
function temporaryFolder(): string {
  const memory = '/dev/shm';
  const base = fs.existsSync(memory) && hasRoom(memory) ? memory : os.tmpdir();
  return fs.realpathSync(fs.mkdtempSync(path.join(base, 'qcow2-soak-')));
}

function hasRoom(folder: string): boolean {
  const { bavail, bsize } = fs.statfsSync(folder);
  return bavail * bsize > 2 ** 30;
}

async function main(argv: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(argv);
  } catch (error) {
    console.error(`soak: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_USAGE;
  }
  if (options.case !== undefined) return (await repeat(options.kinds[0]!, options.case)) ? 0 : 1;
  const folder = temporaryFolder();
  const soak = new Soak(options, folder);
  let signal: NodeJS.Signals | undefined;
  for (const each of ['SIGINT', 'SIGTERM'] as const) {
    process.on(each, () => {
      signal = each;
      soak.stop();
    });
  }
  try {
    const isGood = await soak.run();
    if (signal !== undefined) return 128 + os.constants.signals[signal];
    return isGood ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

// The bundle is two folders below the project.
useKoffiOf(path.resolve(__dirname, '../..'));
if (process.argv[2] === '--turn') {
  const turn = JSON.parse(process.argv[3]!) as Turn;
  const kind = KINDS.find(({ name }) => name === turn.kind)!;
  void takeTurn(turn, kind, (message) => process.send?.(message)).then(() => {
    process.disconnect();
  });
} else {
  void main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}
