import { defineConfig } from 'vitest/config';
import { globalSetup, patience } from './vitest.browser.config.mts';

// The part `frames` of `npm run bench`: how smoothly the packaged extension draws. Started by test/bench.
export default defineConfig({
  test: { ...patience, globalSetup, fileParallelism: false, include: ['test/browser/bench/*.bench.ts'] },
});
