// @ts-check
// Loads a module of the project that is written in TypeScript.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CACHE, ROOT } from './paths.mjs';

/**
 * @param {string} file relative to the project
 * @returns {Promise<any>}
 */
export async function loadBundled(file) {
  // Imported here: before `npm ci` there is no esbuild.
  const { build } = await import('esbuild');
  const outfile = path.join(CACHE, `${path.basename(file, '.ts')}.mjs`);
  mkdirSync(CACHE, { recursive: true });
  await build({
    entryPoints: [path.join(ROOT, file)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}
