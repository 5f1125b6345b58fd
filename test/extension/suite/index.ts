/**
 * The entry that VS Code runs in the extension host (`extensionTestsPath`): loads every `*.test.js` bundle beside this one
 * into mocha, and writes the results to the file that QCOW2_TEST_RESULTS names.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

/** What the runner reads (scripts/lib/results.mjs). */
export interface SuiteResults {
  /** Number of tests. */
  passed: number;
  /** Full titles of tests. */
  failures: string[];
  /** Number of tests that were not run; there should be none. */
  pending: number;
}

export async function run(): Promise<void> {
  const { default: Mocha } = await import('mocha');
  // Of mocha's reporters the base prints nothing: `say` does.
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: Mocha.reporters.Base, forbidOnly: true });
  for (const name of readdirSync(__dirname).sort()) {
    if (name.endsWith('.test.js')) mocha.addFile(path.join(__dirname, name));
  }
  const results: SuiteResults = { passed: 0, failures: [], pending: 0 };
  await new Promise<void>((resolve) => {
    mocha
      .run(() => {
        resolve();
      })
      .on('pass', (test) => {
        results.passed++;
        say(`✓ ${test.fullTitle()} (${test.duration ?? 0} ms)`);
      })
      .on('pending', (test) => {
        results.pending++;
        say(`- ${test.fullTitle()}`);
      })
      .on('fail', (test, error: Error) => {
        results.failures.push(test.fullTitle());
        say(`✗ ${test.fullTitle()}\n${error.stack ?? error.message}`);
      });
  });
  const file = process.env['QCOW2_TEST_RESULTS'];
  if (file !== undefined) writeFileSync(file, JSON.stringify(results));
  if (results.failures.length > 0) throw new Error(`${results.failures.length} tests failed`);
  if (results.passed === 0) throw new Error('no test was run');
}

/** Prints, marked so that the launcher finds these lines among VS Code's own. */
function say(text: string): void {
  console.log(text.replace(/^/gm, '[suite] '));
}
