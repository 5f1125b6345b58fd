import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/engine/**/*.test.ts', 'test/cli/**/*.test.ts'],
    setupFiles: ['test/support/prepareEngine.ts'],
    globalSetup: ['test/support/buildCli.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // QEMU runs in child processes, and some tests wait: a third worker keeps two cores busy.
    maxWorkers: 3,
    // Each file would load the engine again.
    isolate: false,
  },
});
