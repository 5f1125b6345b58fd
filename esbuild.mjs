// Builds the four programs of the project: extension host, engine worker, headless command, webview.
// `node esbuild.mjs [--watch] [--minify]`
import { build, context } from 'esbuild';

const watch = process.argv.includes('--watch');
const minify = process.argv.includes('--minify');

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  minify,
  sourcemap: minify ? false : 'linked',
  legalComments: 'none',
  logLevel: 'warning',
};

/** @type {import('esbuild').BuildOptions} */
const node = {
  ...common,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  // koffi carries native code and is optional: it is looked up at run time, beside the bundle.
  external: ['vscode', 'koffi'],
};

/** @type {import('esbuild').BuildOptions[]} */
const programs = [
  { ...node, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js' },
  { ...node, entryPoints: ['src/worker/main.ts'], outfile: 'dist/worker.js' },
  {
    ...node,
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/cli.js',
    banner: { js: '#!/usr/bin/env node' },
  },
  {
    ...common,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    entryPoints: ['webview/main.ts'],
    outfile: 'dist/webview.js',
    loader: { '.css': 'text' },
  },
];

if (watch) {
  for (const options of programs) await (await context(options)).watch();
} else {
  await Promise.all(programs.map((options) => build(options)));
}
