import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest files start first, so that both workers end at about the same time. */
const LONGEST = ['states', 'staged', 'walk'].map((name) => `test/browser/${name}.test.ts`);

/** Files that measure time run alone. */
const MEASURING = ['test/browser/giant.test.ts'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

/** Timeouts for all tests in VS Code; a project does not inherit the configuration around it. */
export const patience = { testTimeout: 120_000, hookTimeout: 180_000 };
export const globalSetup = ['test/browser/harness/setup.ts'];

// The packaged extension in a real VS Code. Server and browser wait for each other most of the time, so two files run in
// parallel. With three, input is lost now and then.
export default defineConfig({
  test: {
    globalSetup,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...patience,
          name: 'two at a time',
          include: ['test/browser/**/*.test.ts'],
          exclude: MEASURING,
          maxWorkers: 2,
          // The files that a worker runs share a server and a browser (VSCode.shared).
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: { ...patience, name: 'alone', include: MEASURING, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
