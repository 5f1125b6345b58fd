// Builds the programs of the project: extension host, webview, and the engine for its worker threads and the command.
// `node esbuild.mjs [--watch] [--minify] [--outdir=dist] [--only=engine,reader,guest]`; `--tests` also builds the suite for the
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

/**
 * The programs that consist of the engine share one bundle, without lazy parts: the function that starts each, and its file.
 * Measured on Node 20 (CPU time, 20 to 24 alternating runs): `qcow2 --version`, `info`, `check` and the start of a worker
 * take what they took with a bundle each, within 2 %. With `import()` for what a program or verb may not need, esbuild wraps
 * every module in a function, and a worker takes 9 % longer to start; splitting works for ES modules only, and puts hot
 * loops and what they call into different files.
 *
 * What changes images is more than half of it. So the verbs of the command that change none have a bundle without that
 * (src/cli/start.ts).
 */
const ENGINE_PROGRAMS = {
  cli: ['runChanger', 'src/cli/changer.ts'],
  worker: ['serveThread', 'src/worker/main.ts'],
  helper: ['help', 'src/threads/helperThreads.ts'],
};
const READER_PROGRAMS = { cli: ['runReader', 'src/cli/reader.ts'] };

/** What Node runs: each starts one program of a bundle. */
const STARTERS = {
  cli: `import { changesNothing } from './src/cli/start.ts';
    require(changesNothing(process.argv.slice(2)) ? './reader.js' : './engine.js').cli();`,
  worker: "require('./engine.js').worker();",
  helper: "require('./engine.js').helper();",
};

/**
 * @param {string} name @param {Readonly<Record<string, readonly string[]>>} programs
 * @returns {import('esbuild').BuildOptions}
 */
const engineBundle = (name, programs) => ({
  ...node,
  stdin: {
    contents: Object.entries(programs)
      .map(([program, [start, file]]) => `export { ${start} as ${program} } from './${file}';`)
      .join('\n'),
    resolveDir: import.meta.dirname,
    sourcefile: `${name}.mjs`,
  },
  outfile: `${outdir}/${name}.js`,
  // Half the size takes half the time to load. Names are kept for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  // zstddec would decode its own base64 by `fetch`, which takes Node 20 more than 50 ms to load, in each thread.
  define: { VERSION: JSON.stringify(version), fetch: 'undefined' },
});

/** @param {string} name @param {string} contents @returns {import('esbuild').BuildOptions} */
const starter = (name, contents) => ({
  ...node,
  stdin: { contents, resolveDir: import.meta.dirname, sourcefile: `start-${name}.mjs` },
  outfile: `${outdir}/${name}.js`,
  external: ['./engine.js', './reader.js'],
  banner: { js: '#!/usr/bin/env node' },
  minify: true,
  sourcemap: false,
});

/** @type {import('esbuild').BuildOptions[]} */
const all = [
  {
    ...node,
    entryPoints: ['src/extension.ts'],
    outfile: `${outdir}/extension.js`,
    plugins: [oneCopyOfVSCode],
  },
  engineBundle('engine', ENGINE_PROGRAMS),
  engineBundle('reader', READER_PROGRAMS),
  {
    ...node,
    entryPoints: ['src/guest/door.ts'],
    outfile: `${outdir}/guest.js`,
    minifyWhitespace: true,
    minifySyntax: true,
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

/** `--only=engine,reader` builds the bundles of these names, and whatever starts them. */
const wanted = only?.split(',').map((name) => `${outdir}/${name}.js`);
const programs = [
  ...Object.entries(STARTERS).map(([name, contents]) => starter(name, contents)),
  ...all.filter(({ outfile = '' }) => wanted === undefined || wanted.includes(outfile)),
];

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
