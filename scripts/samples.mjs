// @ts-check
// Writes the sample images: `node scripts/samples.mjs [FOLDER]`, by default into samples/. QEMU is not needed.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { CACHE, ROOT } from './lib/paths.mjs';

export const SAMPLES = path.join(ROOT, 'samples');

/**
 * Writes the samples that are not there yet.
 * @param {string} folder
 * @returns {Promise<string>} path of the one to open first
 */
export async function makeSamples(folder) {
  const { writeSamples, sampleNames } = await loadSampleImages();
  writeSamples(folder);
  return path.join(folder, sampleNames[0] ?? '');
}

/** @returns {Promise<typeof import('./lib/sampleImages')>} */
async function loadSampleImages() {
  // Imported here: before `npm ci` there is no esbuild.
  const { build } = await import('esbuild');
  const outfile = path.join(CACHE, 'sampleImages.mjs');
  mkdirSync(CACHE, { recursive: true });
  await build({
    entryPoints: [path.join(ROOT, 'scripts', 'lib', 'sampleImages.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = path.resolve(process.argv[2] ?? SAMPLES);
  await makeSamples(folder);
  console.log(`The samples are in ${folder}`);
}
