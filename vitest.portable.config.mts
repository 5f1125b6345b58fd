import { defineConfig } from 'vitest/config';
import { portableTests } from './scripts/lib/portableTests.mjs';

// `npm run test:portable`: the tests that need neither Linux nor QEMU, for every platform.
export default defineConfig({
  test: {
    include: portableTests(process.platform),
    setupFiles: ['test/support/prepareEngine.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
