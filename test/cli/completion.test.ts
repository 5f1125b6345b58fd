/** Completion in the shells themselves: keys typed at a prompt, and the arguments that the command then gets. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SHELLS } from '../../src/cli/declarations';
import { cli } from '../support/cli';
import { workspace, type Workspace } from '../support/workspace';

/** How each shell starts without the user's own settings, and loads a script. */
const START = {
  bash: { command: 'bash --norc --noprofile -i', load: 'source ./completion' },
  zsh: { command: 'zsh -f -i', load: 'autoload -Uz compinit; compinit -D -u; source ./completion' },
  fish: { command: 'fish --no-config -i', load: 'source ./completion' },
} as const;

const LINES: readonly (readonly [keys: string, ...args: string[]])[] = [
  ['inf\tdis\t', 'info', 'disk.qcow2'],
  ['check -r al\tdis\t', 'check', '-r', 'all', 'disk.qcow2'],
  ['give\t--dry\tdis\t', 'give-back', '--dry-run', 'disk.qcow2'],
  ['write-z\t--pol\tz\tdis\t 0 64k', 'write-zeroes', '--policy=zero-flag', 'disk.qcow2', '0', '64k'],
  ['map --sta\t1M --outp\tj\tdis\t', 'map', '--start-offset=1M', '--output=json', 'disk.qcow2'],
  ['rebase --form\traw dis\tnew\t', 'rebase', '--format=raw', 'disk.qcow2', 'new-base.raw'],
  ['--vers\t', '--version'],
  ['help rec\t', 'help', 'recover'],
  ['completion f\t', 'completion', 'fish'],
];

let place: Workspace;
beforeEach(() => {
  place = workspace();
  fs.mkdirSync(place.path('bin'));
  // Stands in for the command: notes its arguments.
  const note = `#!/bin/sh\n{ printf '%s\\0' "$@"; echo; } >>'${place.path('given')}'\n`;
  fs.writeFileSync(place.path('bin/qcow2'), note, { mode: 0o755 });
  fs.mkdirSync(place.path('images'));
  for (const name of ['disk.qcow2', 'new-base.raw']) fs.writeFileSync(place.path(`images/${name}`), '');
});
afterEach(() => {
  place.remove();
});

const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** util-linux's `script` makes the terminal. */
const hasTerminal = process.platform === 'linux' && isInstalled('script');

describe.each(SHELLS)('in %s', (shell) => {
  test.runIf(hasTerminal && isInstalled(shell))(
    'keys complete verbs, options, values and files',
    async () => {
      const { stdout } = cli(['completion', shell]);
      fs.writeFileSync(place.path('images/completion'), stdout);
      const { command, load } = START[shell];
      const terminal = spawn('script', ['-qec', command, '/dev/null'], {
        cwd: place.path('images'),
        env: {
          ...process.env,
          TERM: 'dumb',
          HOME: place.folder,
          PATH: `${place.path('bin')}:${process.env['PATH'] ?? ''}`,
        },
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      terminal.stdin.write(`${load}\n`);
      for (const [index, [keys]] of LINES.entries()) {
        terminal.stdin.write(`qcow2 ${keys}\n`);
        await expect.poll(() => given().length, { timeout: 20_000 }).toBe(index + 1);
      }
      terminal.stdin.write('exit\n');
      await once(terminal, 'exit');
      // fish sets the value of a long option apart.
      const joined = given().map((line) =>
        line.replaceAll(/(--(?:output|policy|format|start-offset))\0/g, '$1='),
      );
      expect(joined.map((line) => line.split('\0').filter((word) => word !== ''))).toEqual(
        LINES.map(([, ...args]) => args),
      );
    },
  );
});

/** The arguments of each call so far. */
function given(): readonly string[] {
  const file = path.join(place.folder, 'given');
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
