// @ts-check
// Packages the extension: `npm run package [-- --target=NAME]…` writes .vsix files into out/ (or --out=FOLDER). Without
// a target it writes all: `universal` (no native calls, runs everywhere) and one with native calls for each platform.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { SetupError, ensureNodeModules } from './lib/dependencies.mjs';
import { NATIVE_PLATFORMS, addKoffi } from './lib/koffi.mjs';
import { ROOT } from './lib/paths.mjs';
import { run } from './lib/process.mjs';

const UNIVERSAL = 'universal';

/** Says what is packaged; vsce goes by it. */
const RULES = '.vscodeignore';

/** Limit for the package without native calls, in bytes. */
const UNIVERSAL_LIMIT = 1_000_000;

const TARGETS = /** @type {const} */ ([
  UNIVERSAL,
  .../** @type {import('./lib/koffi.mjs').NativePlatform[]} */ (Object.keys(NATIVE_PLATFORMS)),
]);

/** @typedef {typeof TARGETS[number]} Target */

/** @typedef {{ name: string, version: string, repository?: unknown }} Manifest */

/**
 * Packages the extension for the given targets.
 * @param {readonly Target[]} targets
 * @param {string} outFolder
 */
async function packageExtension(targets, outFolder) {
  const { createVSIX } = await import('@vscode/vsce');
  mkdirSync(outFolder, { recursive: true });
  const stage = mkdtempSync(path.join(tmpdir(), 'qcow2-editor-package-'));
  try {
    const { name, version, repository } = await fillStage(stage);
    for (const target of targets) {
      const nodeModules = path.join(stage, 'dist', 'node_modules');
      rmSync(nodeModules, { recursive: true, force: true });
      if (target !== UNIVERSAL) await addKoffi(nodeModules, target);
      const suffix = target === UNIVERSAL ? '' : `-${target}`;
      const packagePath = path.join(outFolder, `${name}-${version}${suffix}.vsix`);
      await createVSIX({
        cwd: stage,
        packagePath,
        dependencies: false,
        // Relative links lead to the repository, once package.json names one.
        rewriteRelativeLinks: repository !== undefined,
        allowMissingRepository: true,
        ...(target === UNIVERSAL ? {} : { target }),
      });
      checkSize(target, packagePath);
    }
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/**
 * Copies what is packaged into a folder of its own, with the programs built for release; dist/ stays as development built it.
 * @param {string} stage
 * @returns {Promise<Manifest>}
 */
async function fillStage(stage) {
  for (const name of readdirSync(ROOT)) {
    if (isPackaged(name)) cpSync(path.join(ROOT, name), path.join(stage, name), { recursive: true });
  }
  const built = await run(process.execPath, ['esbuild.mjs', '--minify', `--outdir=${stage}/dist`], {
    cwd: ROOT,
    minutes: 3,
  });
  if (built.code !== 0) throw new Error('the build failed');
  return writeManifest(path.join(stage, 'package.json'));
}

const PACKAGED = readFileSync(path.join(ROOT, RULES), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1).split('/')[0] ?? '')
  .map((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`));

/**
 * Whether a file or folder at the top is packaged, or holds what is: vsce would look at every file of the others, of
 * downloads and of disk images that lie about.
 * @param {string} name
 */
function isPackaged(name) {
  return name === RULES || (name !== 'dist' && PACKAGED.some((pattern) => pattern.test(name)));
}

/**
 * Removes from the manifest what only development needs.
 * @param {string} file
 */
function writeManifest(file) {
  const development = new Set(['private', 'scripts', 'devDependencies', 'optionalDependencies']);
  const entries = Object.entries(JSON.parse(readFileSync(file, 'utf8')));
  const manifest = /** @type {Manifest} */ (
    Object.fromEntries(entries.filter(([key]) => !development.has(key)))
  );
  writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/**
 * @param {Target} target
 * @param {string} file
 */
function checkSize(target, file) {
  const { size } = statSync(file);
  if (target === UNIVERSAL && size >= UNIVERSAL_LIMIT) {
    throw new Error(`${path.basename(file)} has ${size} bytes; the limit is ${UNIVERSAL_LIMIT}`);
  }
}

/**
 * @param {string} name
 * @returns {Target}
 */
function targetNamed(name) {
  const target = TARGETS.find((known) => known === name);
  if (target === undefined) throw new SetupError(`no target ${name}: there are ${TARGETS.join(', ')}`);
  return target;
}

try {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', multiple: true, default: [...TARGETS] },
      out: { type: 'string', default: path.join(ROOT, 'out') },
      // The default; accepted for clarity.
      all: { type: 'boolean' },
    },
  });
  const targets = values.target.map(targetNamed);
  await ensureNodeModules();
  await packageExtension(targets, path.resolve(values.out));
} catch (error) {
  console.error(`package: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
