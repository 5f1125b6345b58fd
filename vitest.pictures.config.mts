import { defineConfig } from 'vitest/config';
import browser from './vitest.browser.config.mts';

// `npm run pictures`: takes the README's screenshots anew. Not a test: look at what it wrote.
export default defineConfig({
  test: { ...browser.test, include: ['test/browser/pictures/*.pictures.ts'] },
});
