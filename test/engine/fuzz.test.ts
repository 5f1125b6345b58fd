/** A fixed stretch of the fuzzer's cases on every test run; `npm run fuzz` runs as many as are wanted (test/fuzz). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fault, Fuzzer } from '../fuzz/cases';
import { type Workspace, workspace } from '../support/workspace';

const SEED = 20_260;
const CASES = 5000;

let place: Workspace;
beforeAll(() => {
  place = workspace();
});
afterAll(() => {
  place.remove();
});

test(`${CASES} mutated images end in answers or in the engine's own errors`, () => {
  const fuzzer = new Fuzzer(SEED, place.folder);
  const faults: (Fault & { readonly repeat: string })[] = [];
  for (let index = 0; index < CASES; index++) {
    const fault = fuzzer.run(index);
    if (fault !== undefined) {
      faults.push({ ...fault, repeat: `npm run fuzz -- --seed ${SEED} --case ${index}` });
    }
  }
  expect(faults).toStrictEqual([]);
}, 180_000);
