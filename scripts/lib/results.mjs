// @ts-check
// The result of a stage of `npm test`, read from the report that its test runner writes.
import path from 'node:path';
import { ROOT } from './paths.mjs';

/**
 * @typedef {object} Result
 * @property {number} passed tests
 * @property {readonly string[]} failures one line for each test that failed: its full title
 * @property {number} skipped tests
 * @property {readonly string[]} notes what else is to be said
 *
 * @typedef {object} VitestTest
 * @property {string} status
 * @property {readonly string[]} ancestorTitles
 * @property {string} title
 *
 * @typedef {object} VitestReport
 * @property {number} numPassedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {readonly { name: string, status: string, message: string, assertionResults: readonly VitestTest[] }[]} testResults
 *   by file
 */

/** @type {Result} */
export const NOTHING = { passed: 0, failures: [], skipped: 0, notes: [] };

/**
 * Reads Vitest's JSON report. A file that failed without a failed test (it could not be loaded or prepared) counts as a
 * failed test.
 * @param {VitestReport} report
 * @returns {Result}
 */
export function readVitest(report) {
  const failures = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = path.relative(ROOT, name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    // The report does not contain errors of hooks.
    if (status === 'failed' && failed.length === 0)
      return [oneLine(`${file}: ${message === '' ? 'failed outside of its tests' : message}`)];
    return failed.map(({ ancestorTitles, title }) => oneLine([file, ...ancestorTitles, title].join(' > ')));
  });
  return {
    passed: report.numPassedTests,
    failures,
    skipped: report.numPendingTests + report.numTodoTests,
    notes: [],
  };
}

/**
 * Reads the results of the extension's suite (test/extension/suite/index.ts).
 * @param {{ passed: number, failures: readonly string[], pending: number }} results
 * @returns {Result}
 */
export function readSuite({ passed, failures, pending }) {
  return { passed, failures: failures.map(oneLine), skipped: pending, notes: [] };
}

/**
 * Reads the results of soak (test/soak/main.ts); its tests are the kinds of cases.
 * @param {{ passed: number, failures: readonly string[], totals: string }} results
 * @returns {Result}
 */
export function readSoak({ passed, failures, totals }) {
  return { passed, failures: failures.map(oneLine), skipped: 0, notes: [totals] };
}

/**
 * The result of a stage that failed, even if none of its tests did.
 * @param {Result} result
 * @param {string} why
 * @returns {Result}
 */
export function withFailure(result, why) {
  const failures = result.failures.length > 0 ? result.failures : [why];
  return { ...result, failures, notes: [...result.notes, why] };
}

/** @param {string} text */
function oneLine(text) {
  return text.replace(/\s+/g, ' ').trim();
}
