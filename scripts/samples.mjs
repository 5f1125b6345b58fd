// @ts-check
// Writes the sample images: `node scripts/samples.mjs [FOLDER]`, by default into samples/. With `--walkthrough`, those
// of the walkthrough instead, into media/walkthrough/, from where they are packaged. QEMU is not needed.
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
  const { writeSamples, sampleNames } = await loadBundled('sampleImages');
  writeSamples(folder);
  return path.join(folder, sampleNames[0] ?? '');
}

/**
 * @template {'sampleImages' | 'walkthroughSamples'} Name
 * @param {Name} name
 * @returns {Promise<Name extends 'sampleImages' ? typeof import('./lib/sampleImages') : typeof import('./lib/walkthroughSamples')>}
 */
async function loadBundled(name) {
  // Imported here: before `npm ci` there is no esbuild.
  const { build } = await import('esbuild');
  const outfile = path.join(CACHE, `${name}.mjs`);
  mkdirSync(CACHE, { recursive: true });
  await build({
    entryPoints: [path.join(ROOT, 'scripts', 'lib', `${name}.ts`)],
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
  const isForWalkthrough = process.argv[2] === '--walkthrough';
  const folder = isForWalkthrough
    ? path.join(ROOT, 'media', 'walkthrough')
    : path.resolve(process.argv[2] ?? SAMPLES);
  mkdirSync(folder, { recursive: true });
  if (isForWalkthrough) (await loadBundled('walkthroughSamples')).writeWalkthroughSamples(folder);
  else await makeSamples(folder);
  console.log(`The samples are in ${folder}`);
}
