// @ts-check
// `npm test [-- STAGE…]`: installs what is missing and runs the checks and tests, all of them or the named ones.
// Failures are listed at the end. The last line is `N passed, N failed` for everything that ran; a check counts as one.
import process from 'node:process';
import { SetupError, ensureNodeModules, ensureSystemTools } from './lib/dependencies.mjs';
import { BROWSER_STAGES, ROUNDS, STAGES, TEST_STAGES, runStage } from './lib/stages.mjs';

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
  try {
    await ensureNodeModules();
    const tests = chosen.filter(({ name }) => TEST_STAGES.includes(name));
    if (tests.length > 0)
      await ensureSystemTools({ withBrowser: tests.some(({ name }) => BROWSER_STAGES.includes(name)) });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`test: ${error.message}`);
    console.log('0 passed, 1 failed');
    return 1;
  }
  return runAll(chosen);
}

/** @param {readonly import('./lib/stages.mjs').Stage[]} chosen */
async function runAll(chosen) {
  const outcomes = [];
  for (const round of ROUNDS) {
    const lanes = round
      .map((lane) => lane.filter((stage) => chosen.includes(stage)))
      .filter((lane) => lane.length > 0);
    outcomes.push(...(await Promise.all(lanes.map((lane, index) => runLane(lane, index > 0)))).flat());
  }
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
 * @param {readonly import('./lib/stages.mjs').Stage[]} lane
 * @param {boolean} quiet print the output of a stage when it has ended
 */
async function runLane(lane, quiet) {
  const outcomes = [];
  for (const stage of lane) outcomes.push(await runOne(stage, quiet));
  return outcomes;
}

/**
 * @param {import('./lib/stages.mjs').Stage} stage
 * @param {boolean} quiet
 */
async function runOne(stage, quiet) {
  const start = Date.now();
  const result = await runStage(stage, quiet);
  return { name: stage.name, result, seconds: ((Date.now() - start) / 1000).toFixed(0) };
}
