// @ts-check
// `npm test [-- STAGE…]`: installs what is missing and runs the checks and tests, all of them or the named ones.
// Failures are listed at the end. The last line is `N passed, N failed` for everything that ran; a check counts as one.
import process from 'node:process';
import { SetupError, ensureNodeModules, ensureSystemTools } from './lib/dependencies.mjs';
import { NOTHING, withFailure } from './lib/results.mjs';
import { ROUNDS, STAGES, runStage } from './lib/stages.mjs';
import { provisionServer } from './lib/vscodeServer.mjs';

/** @typedef {import('./lib/stages.mjs').Stage} Stage */
/** @typedef {import('./lib/stages.mjs').Need} Need */
/** @typedef {{ name: string, seconds: string, result: import('./lib/results.mjs').Result }} Outcome */

process.exitCode = await main(process.argv.slice(2));

/**
 * @param {readonly string[]} names
 * @returns {Promise<number>} exit code
 */
async function main(names) {
  const unknown = names.find((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown !== undefined) {
    console.error(`test: no stage ${unknown}: there are ${STAGES.map(({ name }) => name).join(', ')}`);
    return 64;
  }
  const chosen = STAGES.filter(({ name }) => names.length === 0 || names.includes(name));
  const outcomes = await runAll(chosen);
  const failures = outcomes.flatMap(({ name, result }) =>
    result.failures.map((test) => `✗ ${name}: ${test}`),
  );
  const lines = outcomes.map(({ name, seconds, result }) => {
    const { passed, failures, skipped, notes } = result;
    const mark = failures.length === 0 ? '✓' : '✗';
    const more = [`${seconds} s`, ...(skipped > 0 ? [`${skipped} skipped`] : []), ...notes].join('; ');
    return `${mark} ${name.padEnd(10)} ${passed} passed, ${failures.length} failed (${more})`;
  });
  const passed = outcomes.reduce((sum, { result }) => sum + result.passed, 0);
  console.log(['', ...failures, '', ...lines, `${passed} passed, ${failures.length} failed`].join('\n'));
  return failures.length === 0 ? 0 : 1;
}

/**
 * Runs rounds until one of them lacks what could not be installed. System programs and the VS Code server are installed
 * beside npm packages and the first round: they wait for the network more than for a core.
 * @param {readonly Stage[]} chosen
 * @returns {Promise<readonly Outcome[]>}
 */
async function runAll(chosen) {
  const packages = failureOf(ensureNodeModules());
  const installed = installNeeds(chosen);
  /** @type {Outcome[]} */
  const outcomes = [];
  for (const round of ROUNDS) {
    const lanes = round
      .map((lane) => lane.filter((stage) => chosen.includes(stage)))
      .filter((lane) => lane.length > 0);
    if (lanes.length === 0) continue;
    const needs = lanes.flat().flatMap((stage) => stage.needs ?? []);
    const failures = [await packages, ...(needs.length > 0 ? (await installed)(needs) : [])];
    const failure = failures.find((message) => message !== undefined);
    if (failure !== undefined) {
      outcomes.push({ name: 'setup', seconds: '0', result: withFailure(NOTHING, failure) });
      break;
    }
    outcomes.push(...(await Promise.all(lanes.map((lane, index) => runLane(lane, index > 0)))).flat());
  }
  return outcomes;
}

/**
 * Installs all that stages need besides npm packages.
 * @param {readonly Stage[]} stages
 * @returns {Promise<(needs: readonly Need[]) => (string | undefined)[]>} why some of it is missing
 */
async function installNeeds(stages) {
  const needs = new Set(stages.flatMap((stage) => stage.needs ?? []));
  const [programs, server] = await Promise.all([
    needs.has('programs') ? failureOf(ensureSystemTools({ withBrowser: needs.has('browser') })) : undefined,
    needs.has('server') ? failureOf(provisionServer()) : undefined,
  ]);
  return (asked) => asked.map((need) => (need === 'server' ? server : programs));
}

/**
 * @param {Promise<unknown>} setup
 * @returns {Promise<string | undefined>} why it failed
 */
async function failureOf(setup) {
  try {
    await setup;
    return undefined;
  } catch (error) {
    if (error instanceof SetupError) return error.message;
    throw error;
  }
}

/**
 * @param {readonly Stage[]} lane
 * @param {boolean} quiet print the output of a stage when it has ended
 */
async function runLane(lane, quiet) {
  const outcomes = [];
  for (const stage of lane) outcomes.push(await runOne(stage, quiet));
  return outcomes;
}

/**
 * @param {Stage} stage
 * @param {boolean} quiet
 */
async function runOne(stage, quiet) {
  const start = Date.now();
  const result = await runStage(stage, quiet);
  return { name: stage.name, result, seconds: ((Date.now() - start) / 1000).toFixed(0) };
}
