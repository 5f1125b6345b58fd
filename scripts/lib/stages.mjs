// @ts-check
// The stages of `npm test`: checks, which pass or fail as a whole, and test runners, whose results are read from the files
// that they write.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { CACHE, ROOT, isFile } from './paths.mjs';
import { run } from './process.mjs';
import { NOTHING, readSoak, readSuite, readVitest, withFailure } from './results.mjs';

/** @typedef {import('./results.mjs').Result} Result */

/** @typedef {'programs' | 'browser' | 'server'} Need programs that tests run, a browser, the VS Code server */

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {readonly (readonly string[])[]} commands arguments for Node, run one after the other while all is well
 * @property {number} minutes a command may take
 * @property {readonly Need[]} [needs] besides npm packages
 * @property {(results: any) => Result} [read] makes the result from the file that the last command wrote
 */

const TSC = 'node_modules/typescript/bin/tsc';
const VITEST = 'node_modules/vitest/vitest.mjs';
const BUILD = ['esbuild.mjs', '--tests'];

/** @type {Stage} */
const types = {
  name: 'types',
  commands: [
    [TSC, '--noEmit', '-p', 'tsconfig.json'],
    [TSC, '--noEmit', '-p', 'webview/tsconfig.json'],
    [TSC, '--noEmit', '-p', 'test/browser/tsconfig.json'],
  ],
  minutes: 5,
};

/** @type {Stage} */
const format = {
  name: 'format',
  commands: [['node_modules/prettier/bin/prettier.cjs', '--check', '.']],
  minutes: 5,
};

/** @type {Stage} */
const lint = {
  name: 'lint',
  commands: [
    ['node_modules/eslint/bin/eslint.js', '.'],
    ['node_modules/oxlint/bin/oxlint'],
    ['scripts/l10n.mjs', '--check'],
    ['scripts/docs.mjs', '--check'],
    ['scripts/wasm.mjs', '--check'],
    ['scripts/lintWorkflows.mjs'],
  ],
  minutes: 10,
};

/** @type {Stage} */
const engine = {
  name: 'engine',
  commands: [BUILD, vitest('engine', 'vitest.config.mts')],
  minutes: 20,
  needs: ['programs'],
  read: readVitest,
};

/** @type {Stage} */
const soak = {
  name: 'soak',
  commands: [['test/soak/run.mjs', '--minutes', '2', '--jobs', '1', '--results', resultsFile('soak')]],
  minutes: 10,
  needs: ['programs'],
  read: readSoak,
};

/** @type {Stage} */
const extension = {
  name: 'extension',
  commands: [BUILD, ['test/extension/runTests.mjs', resultsFile('extension')]],
  minutes: 15,
  needs: ['programs', 'browser'],
  read: readSuite,
};

/** @type {Stage} */
const browser = {
  name: 'browser',
  commands: [vitest('browser', 'vitest.browser.config.mts')],
  minutes: 20,
  needs: ['programs', 'browser', 'server'],
  read: readVitest,
};

/**
 * Rounds, one after the other, of lanes that run in parallel, of stages one after the other: for two cores. The extension's
 * tests leave one of them idle; the soak limits processor time only. The engine's and the browser's keep both busy. The first
 * round needs only npm packages: what the others need is downloaded and installed meanwhile.
 * @type {readonly (readonly (readonly Stage[])[])[]}
 */
export const ROUNDS = [[[types], [format]], [[engine]], [[extension], [soak, lint]], [[browser]]];

export const STAGES = ROUNDS.flat(2);

/** @param {string} stage */
function resultsFile(stage) {
  return path.join(CACHE, 'results', `${stage}.json`);
}

/**
 * @param {string} stage
 * @param {string} config
 */
function vitest(stage, config) {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile(stage)}`];
  return [VITEST, 'run', '--config', config, ...reporters];
}

/**
 * @param {Stage} stage
 * @param {boolean} quiet print its output at the end, not as it comes
 * @returns {Promise<Result>}
 */
export async function runStage(stage, quiet) {
  const title = `\n── ${stage.name} ──`;
  if (!quiet) console.log(title);
  const file = resultsFile(stage.name);
  mkdirSync(path.dirname(file), { recursive: true });
  rmSync(file, { force: true });
  let printed = '';
  /** @type {string | undefined} */
  let why;
  for (const command of stage.commands) {
    const options = { cwd: ROOT, minutes: stage.minutes, quiet };
    const { code, timedOut, output } = await run(process.execPath, command, options);
    printed += output;
    if (code === 0) continue;
    why = `${command[0]} ${timedOut ? `took over ${stage.minutes} minutes` : `exited with ${code}`}`;
    break;
  }
  if (quiet) console.log(`${title}\n${printed}`.trimEnd());
  const result =
    stage.read !== undefined && isFile(file) ? stage.read(JSON.parse(readFileSync(file, 'utf8'))) : NOTHING;
  if (why !== undefined) return withFailure(result, why);
  if (stage.read === undefined) return { ...NOTHING, passed: 1 };
  return result.passed + result.failures.length > 0 ? result : withFailure(result, 'no test was run');
}
