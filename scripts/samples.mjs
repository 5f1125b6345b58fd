// @ts-check
// Writes the sample images: `node scripts/samples.mjs [FOLDER]`, by default into samples/. With `--walkthrough` it writes
// those of the walkthrough into media/walkthrough/, where the package takes them from. QEMU is not needed.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { loadBundled } from './lib/bundled.mjs';
import { ROOT } from './lib/paths.mjs';

export const SAMPLES = path.join(ROOT, 'samples');

/**
 * Writes the samples that do not exist yet.
 * @param {string} folder
 * @returns {Promise<string>} path of the one to open first
 */
export async function makeSamples(folder) {
  /** @type {typeof import('./lib/sampleImages')} */
  const { writeSamples, sampleNames } = await loadBundled('scripts/lib/sampleImages.ts');
  writeSamples(folder);
  return path.join(folder, sampleNames[0] ?? '');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const isForWalkthrough = process.argv[2] === '--walkthrough';
  const folder = isForWalkthrough
    ? path.join(ROOT, 'media', 'walkthrough')
    : path.resolve(process.argv[2] ?? SAMPLES);
  mkdirSync(folder, { recursive: true });
  if (isForWalkthrough) {
    /** @type {typeof import('./lib/walkthroughSamples')} */
    const { writeWalkthroughSamples } = await loadBundled('scripts/lib/walkthroughSamples.ts');
    writeWalkthroughSamples(folder);
  } else await makeSamples(folder);
  console.log(`The samples are in ${folder}`);
}
