// @ts-check
// Runs one program and ends it, with everything that it started, as soon as its parent is gone: the parent holds the
// other end of standard input, which closes however the parent dies (a signal, a crash, kill -9).
// `node guard.mjs COMMAND ARGUMENT…`; exits as the program does. process.mjs starts it as a group of its own.
import { spawn, spawnSync } from 'node:child_process';

/** How long a program may take to end itself, in milliseconds. */
const GRACE = 5_000;

const [command = '', ...args] = process.argv.slice(2);
const onWindows = process.platform === 'win32';

// The group's SIGTERM is for the program; the guard stays until the program is gone.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.on('error', (error) => {
  process.stderr.write(`${command}: ${error.message}\n`);
  process.exit(127);
});
let isEnding = false;
child.on('exit', (code, signal) => {
  // Also ends what the program left behind, and this process.
  if (isEnding && !onWindows) process.kill(-process.pid, 'SIGKILL');
  process.exit(code ?? (signal === 'SIGKILL' ? 137 : 143));
});

process.stdin.resume();
process.stdin.on('end', endProgram);
process.stdin.on('error', endProgram);

function endProgram() {
  isEnding = true;
  if (onWindows) {
    spawnSync('taskkill', ['/pid', String(child.pid), '/t', '/f']);
    return;
  }
  process.kill(-process.pid, 'SIGTERM');
  setTimeout(() => process.kill(-process.pid, 'SIGKILL'), GRACE);
}
