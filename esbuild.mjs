// Builds the four programs of the project: extension host, engine worker, command line, webview.
// `node esbuild.mjs [--watch] [--minify] [--outdir=dist] [--only=cli]`; `--tests` also builds the suite for the
// extension host.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { build, context } from 'esbuild';
import { noticesOf } from './scripts/lib/notices.mjs';

const {
  values: { watch, minify, tests, outdir, only },
} = parseArgs({
  options: {
    watch: { type: 'boolean', default: false },
    minify: { type: 'boolean', default: false },
    tests: { type: 'boolean', default: false },
    outdir: { type: 'string', default: 'dist' },
    only: { type: 'string' },
  },
});

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  minify,
  sourcemap: minify ? false : 'linked',
  // They are written to THIRD-PARTY-NOTICES.txt, from the inputs of the bundles.
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

/** @type {import('esbuild').BuildOptions} */
const node = {
  ...common,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
};

/**
 * Each file that imports the API would copy all of its properties (hundreds) when the bundle is loaded, which took longer
 * than everything else together. So all files import one module, which imports it from VS Code.
 * @type {import('esbuild').Plugin}
 */
const oneCopyOfVSCode = {
  name: 'one copy of vscode',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^vscode$/ }, ({ path, namespace }) =>
      namespace === 'once' ? { path, external: true } : { path, namespace: 'once' },
    );
    onLoad({ filter: /^vscode$/, namespace: 'once' }, () => ({ contents: "export * from 'vscode';" }));
  },
};

/** @type {import('esbuild').BuildOptions[]} */
const all = [
  {
    ...node,
    entryPoints: ['src/extension.ts'],
    outfile: `${outdir}/extension.js`,
    plugins: [oneCopyOfVSCode],
  },
  { ...node, entryPoints: ['src/worker/main.ts'], outfile: `${outdir}/worker.js` },
  {
    ...node,
    entryPoints: ['src/cli/main.ts'],
    outfile: `${outdir}/cli.js`,
    // Half the size takes half the time to load. Names are kept for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    define: { VERSION: JSON.stringify(version) },
    banner: { js: '#!/usr/bin/env node' },
  },
  {
    ...common,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    entryPoints: ['webview/main.ts'],
    outfile: `${outdir}/webview.js`,
    loader: { '.css': 'text' },
  },
];

/** `--only=cli` builds the one program of that name. */
const programs = all.filter(({ outfile }) => only === undefined || outfile === `${outdir}/${only}.js`);

if (tests) {
  // The suite runs every bundle that it finds, so bundles of deleted tests must go.
  rmSync(`${outdir}/test`, { recursive: true, force: true });
  programs.push({
    ...node,
    entryPoints: ['test/extension/suite/*.ts'],
    outdir: `${outdir}/test/extension`,
    // Mocha loads its parts by their paths.
    external: ['vscode', 'mocha'],
  });
}

if (watch) {
  for (const options of programs) await (await context(options)).watch();
} else {
  const built = await Promise.allSettled(programs.map((options) => build(options)));
  // esbuild has printed what is wrong.
  if (built.some(({ status }) => status === 'rejected')) process.exitCode = 1;
  const metafiles = built.flatMap((result) =>
    result.status === 'fulfilled' && result.value.metafile ? [result.value.metafile] : [],
  );
  if (minify) writeFileSync(`${outdir}/THIRD-PARTY-NOTICES.txt`, noticesOf(metafiles));
}
