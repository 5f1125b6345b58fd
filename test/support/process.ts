/** Runs other programs and returns all of their output; the caller judges it. */
import { spawnSync, type SpawnSyncOptions, type SpawnSyncReturns } from 'node:child_process';
import { posixSpawn } from './posixSpawn';

export interface Ran {
  /** Exit code; −1 when the program was killed (time limit, signal). */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Milliseconds; default 30,000. QEMU hangs on some chains. */
  readonly timeout?: number;
  readonly input?: Uint8Array | string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs as this user and group (the caller must be root). */
  readonly uid?: number;
}

export function run(program: string, args: readonly string[], options: RunOptions = {}): Ran {
  const { uid, env, ...rest } = options;
  const whole = {
    timeout: 30_000,
    ...rest,
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env },
  };
  const spawned = uid === undefined ? posixSpawn(program, args, whole) : undefined;
  const ran = spawned ?? forkAndWait(program, args, { ...whole, uid, gid: uid });
  return { status: ran.status ?? -1, stdout: Buffer.from(ran.stdout), stderr: String(ran.stderr) };
}

function forkAndWait(
  program: string,
  args: readonly string[],
  options: SpawnSyncOptions,
): SpawnSyncReturns<Buffer | string> {
  const ran = spawnSync(program, args, { killSignal: 'SIGKILL', maxBuffer: 2 ** 31, ...options });
  if (ran.error !== undefined && !('errno' in ran.error && ran.status === null && isTimeout(ran.error))) {
    throw ran.error;
  }
  return ran;
}

/** Runs a program that must succeed. @returns its standard output */
export function must(program: string, args: readonly string[], options?: RunOptions): Buffer {
  const ran = run(program, args, options);
  if (ran.status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${ran.status}: ${ran.stderr}`);
  return ran.stdout;
}

const isTimeout = (error: Error): boolean => 'code' in error && error.code === 'ETIMEDOUT';
