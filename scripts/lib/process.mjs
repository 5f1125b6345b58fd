// @ts-check
// Child processes that cannot outlive their parent: each runs in its own process group under guard.mjs, has a time limit
// if it should end by itself, and is ended as a group.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const GUARD = fileURLToPath(new URL('guard.mjs', import.meta.url));

/** Milliseconds before a process that was asked to end is killed; longer than the guard's own limit. */
const KILL_AFTER = 8_000;

/** @type {Readonly<Record<string, number>>} exit codes of a program that a signal ended, as shells have them */
export const SIGNAL_EXIT = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/**
 * @typedef {object} StartOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] replaces the environment
 * @property {boolean} [quiet] keep the output instead of passing it on
 * @property {(text: string) => void} [onOutput] gets both streams as they come
 *
 * @typedef {object} Exit
 * @property {number} code exit code of the program; 127 if it could not be started
 * @property {string} output what it printed on both streams; empty unless `quiet`
 *
 * @typedef {object} Running
 * @property {Promise<Exit>} exited
 * @property {() => Promise<void>} stop ends the program and all it started; answers when it is gone
 */

/**
 * Starts a program that runs until it ends or is stopped.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {StartOptions} [options]
 * @returns {Running}
 */
export function start(command, args, options = {}) {
  const piped = options.quiet === true || options.onOutput !== undefined;
  const child = spawn(process.execPath, [GUARD, command, ...args], {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['pipe', piped ? 'pipe' : 'inherit', piped ? 'pipe' : 'inherit'],
    detached: process.platform !== 'win32',
  });
  // If the guard died with its program, the pipe is closed; that is not an error.
  child.stdin?.on('error', () => undefined);

  let output = '';
  /** @param {string} text */
  const collect = (text) => {
    if (options.quiet === true) output += text;
    options.onOutput?.(text);
  };
  child.stdout?.setEncoding('utf8').on('data', collect);
  child.stderr?.setEncoding('utf8').on('data', collect);

  /** @type {Promise<Exit>} */
  const exited = new Promise((resolve) => {
    child.on('error', (error) => {
      resolve({ code: 127, output: `${command}: ${error.message}\n` });
    });
    child.on('exit', () => {
      killGroup(child.pid);
    });
    child.on('close', (code) => {
      resolve({ code: code ?? 1, output });
    });
  });

  return {
    exited,
    async stop() {
      child.stdin?.end();
      const timer = setTimeout(() => {
        killGroup(child.pid);
      }, KILL_AFTER);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** @param {number | undefined} pid leader of the group */
function killGroup(pid) {
  if (pid === undefined || process.platform === 'win32') return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The whole group has already ended.
  }
}

/**
 * Runs a program to its end. After the time limit it is ended and counts as failed.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {StartOptions & { minutes: number }} options time limit in minutes
 * @returns {Promise<Exit & { timedOut: boolean }>}
 */
export async function run(command, args, options) {
  const running = start(command, args, options);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    void running.stop();
  }, options.minutes * 60_000);
  const ended = await whileRunning(running, running.exited);
  clearTimeout(timer);
  return { ...ended, code: timedOut && ended.code === 0 ? 1 : ended.code, timedOut };
}

/**
 * Ctrl-C (and SIGTERM, SIGHUP) while `work` goes on: ends the program, then this one with the signal's exit code.
 * @template T
 * @param {Running} running
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
async function whileRunning(running, work) {
  /** @param {NodeJS.Signals} signal */
  const onSignal = (signal) => {
    void running.stop().then(() => process.exit(SIGNAL_EXIT[signal] ?? 1));
  };
  for (const signal of Object.keys(SIGNAL_EXIT)) process.on(signal, onSignal);
  try {
    return await work;
  } finally {
    for (const signal of Object.keys(SIGNAL_EXIT)) process.off(signal, onSignal);
  }
}

/**
 * Resolves with the name of the signal when this process is asked to end.
 * @returns {Promise<string>}
 */
export async function untilInterrupted() {
  return Promise.race(Object.keys(SIGNAL_EXIT).map((signal) => once(process, signal).then(() => signal)));
}

/**
 * Runs npm; if npm runs this script, the same one.
 * @param {readonly string[]} args
 * @param {StartOptions & { minutes: number }} options
 */
export function runNpm(args, options) {
  // Variables set by `npm run` describe this project; npm in another folder must not see them.
  const env = Object.fromEntries(
    Object.entries(options.env ?? process.env).filter(
      ([name]) => !/^npm_(package|lifecycle)_|^npm_config_(local_prefix|prefix)$|^INIT_CWD$/i.test(name),
    ),
  );
  const cli = process.env['npm_execpath'];
  return cli?.endsWith('npm-cli.js') === true
    ? run(process.execPath, [cli, ...args], { ...options, env })
    : run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { ...options, env });
}
