/** Random edits compared with a model (test/soak/cases/editModel.ts); a failure is shrunk to the steps that matter. */
import * as fc from 'fast-check';
import { test } from 'vitest';
import { runSteps, type Step } from '../../soak/cases/editModel';
import { workspace } from '../../support/workspace';

const RUNS = 20;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('change' as const), seed: fc.nat(1_000_000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('undo' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('redo' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revive' as const) }) },
);

test(
  'edits, undone and done again, saved, reopened and restored, are what the model says',
  { timeout: 3_600_000 },
  () => {
    const steps = fc.array(step, { minLength: 5, maxLength: 40, size: 'max' });
    const property = fc.property(fc.nat(1_000_000), steps, (seed, list) => {
      const place = workspace();
      try {
        runSteps(seed, list, place);
      } finally {
        place.remove();
      }
    });
    fc.assert(property, { numRuns: RUNS });
  },
);
