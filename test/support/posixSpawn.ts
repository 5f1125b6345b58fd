/**
 * Runs programs by posix_spawn(3) and waits for them. Node forks: the kernel copies the page tables of the whole process
 * each time. In a test worker that takes longer than qemu-img needs for its answer.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { loadKoffi } from '../../src/qcow2/io/koffi';

export interface Spawned {
  /** Exit code; undefined when the program was killed. */
  readonly status: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface Spawning {
  readonly cwd?: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly input?: Uint8Array | string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Native = (...args: unknown[]) => number;

/** Enough for the opaque structures of any C library, in bytes. */
const STRUCT_BYTES = 1024;
/** Of Linux. */
const O_CLOEXEC = 0o2000000;
const POLLIN = 1;
const SIGKILL = 9;
const SIGPIPE = 13;
/** POSIX_SPAWN_SETSIGDEF and POSIX_SPAWN_SETSIGMASK of Linux. */
const SET_SIGNALS = 0x04 | 0x08;

const PROTOTYPES = {
  posix_spawnp:
    'int posix_spawnp(void *pid, const char *file, void *actions, void *attributes, const char **argv, const char **envp)',
  initActions: 'int posix_spawn_file_actions_init(void *actions)',
  addDup2: 'int posix_spawn_file_actions_adddup2(void *actions, int fd, int newfd)',
  addChdir: 'int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)',
  destroyActions: 'int posix_spawn_file_actions_destroy(void *actions)',
  initAttributes: 'int posix_spawnattr_init(void *attributes)',
  setFlags: 'int posix_spawnattr_setflags(void *attributes, short flags)',
  setDefaultSignals: 'int posix_spawnattr_setsigdefault(void *attributes, void *signals)',
  pipe2: 'int pipe2(void *ends, int flags)',
  poll: 'int poll(void *fds, unsigned long count, int timeout)',
  waitpid: 'int waitpid(int pid, void *status, int options)',
  kill: 'int kill(int pid, int signal)',
} as const;

type Calls = Readonly<Record<keyof typeof PROTOTYPES, Native>>;

let bound: Calls | 'none' | undefined;

/** @returns `none` where native calls are not to be had */
function bind(): Calls | 'none' {
  try {
    const libc = loadKoffi().load(null);
    const entries = Object.entries(PROTOTYPES).map(([name, prototype]) => [name, libc.func(prototype)]);
    return Object.fromEntries(entries) as Calls;
  } catch {
    return 'none';
  }
}

/** @returns undefined where the program does not start, or cannot be started this way */
export function posixSpawn(
  program: string,
  args: readonly string[],
  { cwd, timeout, input, env }: Spawning,
): Spawned | undefined {
  // The look-up is made with the PATH of this process.
  if (process.platform !== 'linux' || env['PATH'] !== process.env['PATH']) return undefined;
  const calls = (bound ??= bind());
  if (calls === 'none') return undefined;
  const { posix_spawnp, initActions, addDup2, addChdir, destroyActions } = calls;
  const stdin = input === undefined ? openSync('/dev/null', 'r') : fileOf(input);
  const stdout = pipe(calls);
  const stderr = pipe(calls);
  const pid = Buffer.alloc(4);
  const actions = Buffer.alloc(STRUCT_BYTES);
  initActions(actions);
  for (const [index, fd] of [stdin, stdout.write, stderr.write].entries()) addDup2(actions, fd, index);
  if (cwd !== undefined) addChdir(actions, cwd);
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const failure = posix_spawnp(
    pid,
    program,
    actions,
    attributes(calls),
    [program, ...args, null],
    [...variables, null],
  );
  destroyActions(actions);
  for (const fd of [stdin, stdout.write, stderr.write]) closeSync(fd);
  try {
    return failure === 0 ? collect(calls, pid.readInt32LE(), [stdout.read, stderr.read], timeout) : undefined;
  } finally {
    for (const fd of [stdout.read, stderr.read]) closeSync(fd);
  }
}

/** Signals as a shell gives them to a program: Node ignores SIGPIPE. */
function attributes({ initAttributes, setFlags, setDefaultSignals }: Calls): Buffer {
  const buffer = Buffer.alloc(STRUCT_BYTES);
  const signals = Buffer.alloc(128);
  signals[(SIGPIPE - 1) >> 3] = 1 << ((SIGPIPE - 1) & 7);
  initAttributes(buffer);
  setDefaultSignals(buffer, signals);
  setFlags(buffer, SET_SIGNALS);
  return buffer;
}

function pipe({ pipe2 }: Calls): { readonly read: number; readonly write: number } {
  const ends = Buffer.alloc(8);
  if (pipe2(ends, O_CLOEXEC) !== 0) throw new Error('no pipe');
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}

/** A file without a name that has these bytes, at its start. */
function fileOf(input: Uint8Array | string): number {
  const name = path.join(tmpdir(), `qcow2-input-${process.pid}`);
  const fd = openSync(name, 'w+');
  unlinkSync(name);
  const bytes = Buffer.from(input);
  // At given places: the program reads from where this file stands.
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at);
  return fd;
}

/** Reads what the program prints until it has closed both pipes, and waits for its end. */
function collect(
  { poll, waitpid, kill }: Calls,
  pid: number,
  fds: readonly number[],
  timeout: number,
): Spawned {
  const end = Date.now() + timeout;
  const printed = fds.map((): Buffer[] => []);
  const piece = Buffer.alloc(65536);
  // struct pollfd: fd, events, revents. A negative fd is left out.
  const polled = Buffer.alloc(8 * fds.length);
  for (const [index, fd] of fds.entries()) {
    polled.writeInt32LE(fd, 8 * index);
    polled.writeInt16LE(POLLIN, 8 * index + 4);
  }
  let open = fds.length;
  while (open > 0) {
    const left = end - Date.now();
    if (left <= 0) {
      kill(pid, SIGKILL);
      break;
    }
    if (poll(polled, fds.length, left) <= 0) continue;
    for (const [index, fd] of fds.entries()) {
      if (polled.readInt16LE(8 * index + 6) === 0) continue;
      const length = readSync(fd, piece);
      if (length > 0) printed[index]?.push(Buffer.from(piece.subarray(0, length)));
      else {
        polled.writeInt32LE(-1, 8 * index);
        open--;
      }
    }
  }
  const status = Buffer.alloc(4);
  while (waitpid(pid, status, 0) < 0);
  const [stdout = Buffer.alloc(0), stderr = Buffer.alloc(0)] = printed.map((pieces) => Buffer.concat(pieces));
  const exited = (status.readInt32LE() & 0x7f) === 0;
  return { status: exited ? (status.readInt32LE() >> 8) & 0xff : undefined, stdout, stderr };
}
