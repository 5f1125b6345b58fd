// @ts-check
// `npm test [-- STAGE…]`: installs what is missing and runs the checks and tests, all of them or the named ones.
// The last line is `N passed, N failed`, over everything that ran; a check counts as one.
import process from 'node:process';
import { SetupError, ensureNodeModules, ensureSystemTools } from './lib/dependencies.mjs';
import { BROWSER_STAGES, STAGES, TEST_STAGES, runStage } from './lib/stages.mjs';

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

/** @param {readonly import('./lib/stages.mjs').Stage[]} stages */
async function runAll(stages) {
  const lines = [];
  let passed = 0;
  let failed = 0;
  for (const stage of stages) {
    console.log(`\n── ${stage.name} ──`);
    const start = Date.now();
    const result = await runStage(stage);
    passed += result.passed;
    failed += result.failed;
    const seconds = ((Date.now() - start) / 1000).toFixed(0);
    const notes = [...(result.skipped > 0 ? [`${result.skipped} skipped`] : []), ...result.notes];
    lines.push(
      `${result.failed === 0 ? '✓' : '✗'} ${stage.name.padEnd(10)} ${result.passed} passed, ${result.failed} failed` +
        ` (${[`${seconds} s`, ...notes].join('; ')})`,
    );
  }
  console.log(`\n${lines.join('\n')}\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
