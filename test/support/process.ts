/** Runs other programs and returns all of their output; the caller judges it. */
import { spawnSync, type SpawnSyncOptions } from 'node:child_process';

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
  const spawning: SpawnSyncOptions = {
    timeout: 30_000,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 31,
    ...rest,
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  };
  const { status, stdout, stderr, error } = spawnSync(program, args, spawning);
  if (error !== undefined && !('errno' in error && status === null && isTimeout(error))) throw error;
  return { status: status ?? -1, stdout: Buffer.from(stdout), stderr: String(stderr) };
}

/** Runs a program that must succeed. @returns its standard output */
export function must(program: string, args: readonly string[], options?: RunOptions): Buffer {
  const ran = run(program, args, options);
  if (ran.status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${ran.status}: ${ran.stderr}`);
  return ran.stdout;
}

const isTimeout = (error: Error): boolean => 'code' in error && error.code === 'ETIMEDOUT';
