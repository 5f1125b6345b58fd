import { defineConfig } from 'vitest/config';
import { globalSetup, patience } from './vitest.browser.config.mts';

// `npm run pictures` takes the pictures of the documents, `npm run film` those of a new user's walk. Not tests: look at
// what they wrote.
export default defineConfig({
  test: {
    ...patience,
    globalSetup,
    fileParallelism: false,
    include: ['test/browser/pictures/*.pictures.ts'],
  },
});
