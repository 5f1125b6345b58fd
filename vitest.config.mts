import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/engine/**/*.test.ts', 'test/cli/**/*.test.ts'],
    setupFiles: ['test/support/prepareEngine.ts'],
    globalSetup: ['test/support/buildCli.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // QEMU runs in child processes; more workers than cores would only wait.
    maxWorkers: 2,
  },
});
