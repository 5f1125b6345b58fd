/** Runs cases of soak (test/soak) with fixed seeds as tests. */
import { expect, test } from 'vitest';
import type { CasePlace, Counts } from '../soak/kind';
import { workspace } from './workspace';

export interface Cases {
  /** The seed of the first one; the others follow. */
  readonly first: number;
  readonly count: number;
  /** How many make one test. */
  readonly batch?: number;
}

/** One test for each batch of cases; a failure prints the seeds and the faults. */
export function testCases(
  title: string,
  run: (seed: number, place: CasePlace) => Counts,
  { first, count, batch = 1 }: Cases,
): void {
  const starts = Array.from({ length: Math.ceil(count / batch) }, (_, index) => first + index * batch);
  test.each(starts)(`${title} (seeds from %i, ${batch} in a row)`, { timeout: 120_000 }, (start) => {
    const wrong: string[] = [];
    for (let seed = start; seed < Math.min(start + batch, first + count); seed++) {
      const place = workspace();
      try {
        run(seed, place);
      } catch (error) {
        wrong.push(
          `seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      } finally {
        place.remove();
      }
    }
    expect(wrong.join('\n')).toBe('');
  });
}
