// @ts-check
// What `npm test` runs, in order: checks, which pass or fail as a whole, and test runners, whose results are read
// from the files they write.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { CACHE, ROOT, isFile } from './paths.mjs';
import { run } from './process.mjs';

/**
 * @typedef {object} Result
 * @property {number} passed tests
 * @property {number} failed tests
 * @property {number} skipped tests
 * @property {readonly string[]} notes what else is to be said
 *
 * @typedef {object} Stage
 * @property {string} name
 * @property {readonly (readonly string[])[]} commands arguments for Node, run one after the other while all is well
 * @property {number} minutes a command may take
 * @property {(results: any) => Result} [read] makes the result from the file that the last command wrote
 */

/** Stages that run the program, and so need the system's tools. */
export const TEST_STAGES = ['engine', 'soak', 'extension', 'browser'];

/** Of those, the ones that need a browser. */
export const BROWSER_STAGES = ['extension', 'browser'];

const TSC = 'node_modules/typescript/bin/tsc';
const VITEST = 'node_modules/vitest/vitest.mjs';
const BUILD = ['esbuild.mjs', '--tests'];

/** @type {readonly Stage[]} */
export const STAGES = [
  {
    name: 'types',
    commands: [
      [TSC, '--noEmit', '-p', 'tsconfig.json'],
      [TSC, '--noEmit', '-p', 'webview/tsconfig.json'],
      [TSC, '--noEmit', '-p', 'test/browser/tsconfig.json'],
    ],
    minutes: 5,
  },
  {
    name: 'lint',
    commands: [
      ['node_modules/eslint/bin/eslint.js', '.'],
      ['scripts/l10n.mjs', '--check'],
    ],
    minutes: 10,
  },
  { name: 'format', commands: [['node_modules/prettier/bin/prettier.cjs', '--check', '.']], minutes: 5 },
  {
    name: 'engine',
    commands: [BUILD, vitest('engine', 'vitest.config.mts')],
    minutes: 20,
    read: readVitest,
  },
  {
    name: 'soak',
    commands: [['test/soak/run.mjs', '--minutes', '2', '--results', resultsFile('soak')]],
    minutes: 10,
    read: ({ passed, failed, totals }) => ({ passed, failed, skipped: 0, notes: [totals] }),
  },
  {
    name: 'extension',
    commands: [BUILD, ['test/extension/runTests.mjs', resultsFile('extension')]],
    minutes: 15,
    read: ({ passed, failed, pending }) => ({ passed, failed, skipped: pending, notes: [] }),
  },
  {
    name: 'browser',
    commands: [vitest('browser', 'vitest.browser.config.mts')],
    minutes: 20,
    read: readVitest,
  },
];

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
 * @returns {Promise<Result>}
 */
export async function runStage(stage) {
  const file = resultsFile(stage.name);
  mkdirSync(path.dirname(file), { recursive: true });
  rmSync(file, { force: true });
  for (const command of stage.commands) {
    const { code, timedOut } = await run(process.execPath, command, { cwd: ROOT, minutes: stage.minutes });
    if (code === 0) continue;
    const why = `${command[0]} ${timedOut ? `took over ${stage.minutes} minutes` : `exited with ${code}`}`;
    return withFailure(stage.read !== undefined && isFile(file) ? readResults(stage, file) : NOTHING, why);
  }
  if (stage.read === undefined) return { ...NOTHING, passed: 1 };
  const result = isFile(file) ? readResults(stage, file) : NOTHING;
  return result.passed + result.failed > 0 ? result : withFailure(result, 'no test was run');
}

/** @type {Result} */
const NOTHING = { passed: 0, failed: 0, skipped: 0, notes: [] };

/**
 * The results of a stage that failed, even where no test of it did.
 * @param {Result} result
 * @param {string} why
 * @returns {Result}
 */
function withFailure(result, why) {
  return { ...result, failed: Math.max(result.failed, 1), notes: [...result.notes, why] };
}

/**
 * @param {Stage} stage
 * @param {string} file
 * @returns {Result}
 */
function readResults(stage, file) {
  return stage.read?.(JSON.parse(readFileSync(file, 'utf8'))) ?? NOTHING;
}

/**
 * Vitest's JSON report. A file that could not be loaded has no test that failed: it counts as one.
 * @param {{
 *   numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   testResults: { status: string, assertionResults: unknown[] }[],
 * }} report
 * @returns {Result}
 */
function readVitest(report) {
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
    notes: unloaded.length > 0 ? [`${unloaded.length} files could not be loaded`] : [],
  };
}
