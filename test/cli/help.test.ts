/** Help, suggestions and the documentation, all made from what the verbs declare. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as prettier from 'prettier';
import { describe, expect, test } from 'vitest';
import { HELP_OPTION, optionsOf, type VerbDeclaration } from '../../src/cli/declaration';
import { DECLARATIONS, isVerbName, VERB_NAMES } from '../../src/cli/declarations';
import { cli } from '../support/cli';
import { commandLineDocs } from '../support/commandLineDocs';
import { image } from '../support/imageBuilder';
import { type Ran } from '../support/process';
import { REPOSITORY } from '../support/repository';
import { workspace } from '../support/workspace';

const run = (...args: string[]): Ran => cli(args, { cwd: '/' });

const helpOf = (...args: string[]): string => {
  const { status, stdout, stderr } = run(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return String(stdout);
};

describe('help', () => {
  test('lists every verb with its line, in each of its spellings', () => {
    const help = helpOf('--help');
    for (const name of VERB_NAMES)
      expect(help).toContain(`\n  ${name.padEnd(14)}${DECLARATIONS[name].summary}\n`);
    expect(helpOf('-h')).toBe(help);
    expect(helpOf('help')).toBe(help);
  });

  test.each(VERB_NAMES)('of %s names its arguments, options, examples and exit codes', (name) => {
    const help = helpOf(name, '--help');
    const declared: VerbDeclaration = DECLARATIONS[name];
    expect(help).toMatch(new RegExp(`^usage: qcow2 ${name} [^\\n]+\\n`));
    for (const option of Object.keys(optionsOf(declared)))
      expect(help).toMatch(new RegExp(`^ .*--${option}\\b`, 'm'));
    for (const operand of Object.keys(declared.operands))
      expect(help).toMatch(new RegExp(`^  ${operand}\\b`, 'm'));
    for (const { command } of declared.examples) expect(help).toContain(`\n  ${command}\n`);
    for (const code of [0, 1, 64]) expect(help).toMatch(new RegExp(`^  ${code} +\\S`, 'm'));
    expect(helpOf('help', name)).toBe(help);
  });

  test('fits a terminal of 80 columns, but for usage lines and examples', () => {
    for (const name of VERB_NAMES) {
      const lines = helpOf('help', name).split('\n').slice(1);
      const examples = DECLARATIONS[name].examples.map(({ command }) => `  ${command}`);
      expect(lines.filter((line) => line.length > 80 && !examples.includes(line))).toEqual([]);
    }
  });

  test('is printed wherever the option stands, but not behind --', () => {
    expect(helpOf('check', 'nowhere.qcow2', '-h')).toBe(helpOf('help', 'check'));
    expect(run('info', '--', '--help').stderr).toBe('qcow2: --help: No such file\n');
  });
});

describe('wrong usage suggests', () => {
  test.each([
    [['chek'], "no verb 'chek'; did you mean 'check'?"],
    [['cehck'], "no verb 'cehck'; did you mean 'check'?"],
    [['zero'], "no verb 'zero'"],
    [['writezeroes'], "no verb 'writezeroes'; did you mean 'write-zeroes'?"],
    [['recov'], "no verb 'recov'; did you mean 'recover'?"],
    [['--verison'], "no option '--verison'; did you mean '--version'?"],
    [['help', 'mpa'], "no verb 'mpa'; did you mean 'map'?"],
    [['\u202e'], String.raw`no verb '\u202e'`],
    [['info', '--outptu=json', 'x'], "no option '--outptu'; did you mean '--output'?"],
    [['info', '--__proto__', 'x'], "no option '--__proto__'"],
    [['check', '--output=jsno', 'x'], "--output is human or json, not 'jsno'; did you mean 'json'?"],
    [['check', '-r', 'leak', 'x'], "-r is leaks or all, not 'leak'; did you mean 'leaks'?"],
    [['completion', 'tcsh'], "SHELL is bash, zsh or fish, not 'tcsh'"],
    [[], 'qcow2 --help describes the verbs'],
  ])('%j: %s', (args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect(status).toBe(64);
    expect(stdout).toHaveLength(0);
    expect(stderr).toMatch(/^usage: qcow2 [^\n]+\n$/);
    expect(stderr.trimEnd().endsWith(`(${message})`)).toBe(true);
  });

  test('nothing where a word is much too long', () => {
    const ran = run('x'.repeat(100_000));
    expect(ran.status).toBe(64);
    expect(ran.stderr).not.toContain('did you mean');
  });

  test('the change that a line of a batch may mean', () => {
    const place = workspace();
    try {
      image({ size: '1M' }).writeTo(place.path('disk.qcow2'));
      const { status, stderr } = cli(['batch', 'disk.qcow2'], {
        cwd: place.folder,
        input: 'discrad 0 64k\n',
      });
      expect(status).toBe(64);
      expect(stderr).toContain(
        "line 1: no change 'discrad': write-zeroes, discard, write; did you mean 'discard'?",
      );
    } finally {
      place.remove();
    }
  });
});

describe('documents', () => {
  const documents = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/command-line.md'];

  test.each(documents)('%s names only verbs and options that there are', (file) => {
    expect(commandsIn(fs.readFileSync(path.join(REPOSITORY, file), 'utf8')).filter(isUnknown)).toEqual([]);
  });

  test('that name others are found', () => {
    const text = 'Run `qcow2 chek FILE`.\n```sh\nqcow2 info --chain FILE # --comment\nqcow2 map FILE\n```\n';
    expect(commandsIn(text).filter(isUnknown)).toEqual(['info --chain FILE', 'chek FILE']);
  });

  /** What follows `qcow2` in code, where a verb does. */
  function commandsIn(text: string): string[] {
    const lines = text.split('```').flatMap((part, index) => (index % 2 === 1 ? part.split('\n') : []));
    const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
    const commands = [...lines, ...inline].map(
      (code) => /^qcow2 ([a-z].*)$/.exec(code.replace(/\s#\s.*/, ''))?.[1],
    );
    return commands.filter((command) => command !== undefined);
  }

  function isUnknown(command: string): boolean {
    const [verb = ''] = command.split(' ');
    if (!isVerbName(verb)) return true;
    const known = Object.keys({ ...optionsOf(DECLARATIONS[verb]), ...HELP_OPTION });
    return [...command.matchAll(/--([a-z-]+)/g)].some(([, option = '']) => !known.includes(option));
  }
});

test('docs/command-line.md says what the verbs declare (vitest -u writes it again)', async () => {
  const options = await prettier.resolveConfig(path.join(REPOSITORY, 'docs/command-line.md'));
  const text = await prettier.format(commandLineDocs(), { ...options, parser: 'markdown' });
  await expect(text).toMatchFileSnapshot(path.join(REPOSITORY, 'docs/command-line.md'));
});
