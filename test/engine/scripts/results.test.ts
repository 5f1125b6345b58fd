/** What `npm test` reads from the reports of the test runners: counts, and the name of each failed test. */
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { NOTHING, readSoak, readSuite, readVitest, withFailure } from '../../../scripts/lib/results.mjs';
import { REPOSITORY } from '../../support/repository';

const passed = { status: 'passed', ancestorTitles: ['a disk'], title: 'is read' };
const failed = { status: 'failed', ancestorTitles: ['a disk', 'of 1 TiB'], title: 'is\n written' };

const vitestFile = (name: string, status: string, message: string, ...tests: (typeof passed)[]) => ({
  name: path.join(REPOSITORY, 'test', name),
  status,
  message,
  assertionResults: tests,
});

describe('the results of a stage', () => {
  it('name each test that failed, on one line', () => {
    const testResults = [
      vitestFile('a.test.ts', 'failed', '', passed, failed),
      vitestFile('b.test.ts', 'passed', '', passed),
    ];
    const counts = { numPassedTests: 2, numPendingTests: 1, numTodoTests: 0 };
    expect(readVitest({ ...counts, testResults })).toEqual({
      passed: 2,
      failures: ['test/a.test.ts > a disk > of 1 TiB > is written'],
      skipped: 1,
      notes: [],
    });
    const suite = readSuite({ passed: 3, failures: ['a disk is\nwritten'], pending: 0 });
    expect(suite).toMatchObject({ passed: 3, failures: ['a disk is written'] });
    const soak = readSoak({ passed: 1, failures: ['fuzz, 1 violations: npm run soak'], totals: '9 cases' });
    expect(soak).toMatchObject({
      passed: 1,
      failures: ['fuzz, 1 violations: npm run soak'],
      notes: ['9 cases'],
    });
  });

  it.each([
    ['loaded', 'Error: no such\nfile', [], 'Error: no such file'],
    ['prepared', '', [{ ...passed, status: 'skipped' }], 'failed outside of its tests'],
  ])('count a file that could not be %s', (_, message, tests, told) => {
    const testResults = [vitestFile('a.test.ts', 'failed', message, ...tests)];
    const counts = { numPassedTests: 0, numPendingTests: tests.length, numTodoTests: 0 };
    expect(readVitest({ ...counts, testResults }).failures).toEqual([`test/a.test.ts: ${told}`]);
  });

  it('have a failure where a runner failed and no test did', () => {
    expect(withFailure(NOTHING, 'x exited with 1')).toMatchObject({
      failures: ['x exited with 1'],
      notes: ['x exited with 1'],
    });
    const result = readSuite({ passed: 0, failures: ['a disk'], pending: 0 });
    expect(withFailure(result, 'x exited with 1').failures).toEqual(['a disk']);
  });
});
