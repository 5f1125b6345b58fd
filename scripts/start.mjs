// @ts-check
// `npm start [-- FOLDER]`: installs what is missing, builds, and opens VS Code with the extension on FOLDER, or on
// sample images: in the desktop VS Code if there is one, otherwise (or with --server) in the packaged VS Code server,
// whose address it prints and which runs until Ctrl-C.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { SetupError, ensureNodeModules } from './lib/dependencies.mjs';
import { findDesktop } from './lib/desktop.mjs';
import { ROOT, VSCODE_TEST, isFile, isFolder } from './lib/paths.mjs';
import { run, start, untilInterrupted } from './lib/process.mjs';
import { extensionsFolder, provisionServer, startServer } from './lib/vscodeServer.mjs';
import { SAMPLES, makeSamples } from './samples.mjs';

const OPENER = path.join(ROOT, 'scripts', 'opener');

try {
  const { values, positionals } = parseArgs({
    options: {
      server: { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
    },
    allowPositionals: true,
  });
  const named = positionals[0] === undefined ? undefined : namedPlace(positionals[0]);
  await ensureNodeModules();
  const built = await run(process.execPath, ['esbuild.mjs'], { cwd: ROOT, minutes: 3 });
  if (built.code !== 0) throw new SetupError('the build failed');
  const place = named ?? { folder: SAMPLES, file: await makeSamples(SAMPLES) };
  const desktop = values.server ? undefined : findDesktop();
  if (desktop === undefined) await openInServer(place, Number(values.port));
  else await openOnDesktop(desktop, place);
} catch (error) {
  console.error(`start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/**
 * The folder to open, and an image to open in it.
 * @typedef {object} Place
 * @property {string} folder
 * @property {string} [file] the image to open
 */

/**
 * The place of a folder, or of an image, which is opened in its folder.
 * @param {string} name relative to where npm was started
 * @returns {Place}
 */
function namedPlace(name) {
  const place = path.resolve(process.env['INIT_CWD'] ?? process.cwd(), name);
  if (isFolder(place)) return { folder: place };
  if (isFile(place)) return { folder: path.dirname(place), file: place };
  throw new SetupError(`there is no ${place}`);
}

/** @param {Place} place */
function environment(place) {
  return place.file === undefined ? process.env : { ...process.env, QCOW2_START_FILE: place.file };
}

/**
 * @param {string} executable
 * @param {Place} place
 */
async function openOnDesktop(executable, place) {
  console.log(`Opening ${place.folder} in ${executable}…`);
  const extensions = [ROOT, OPENER].map((folder) => `--extensionDevelopmentPath=${folder}`);
  // In a terminal of VS Code this variable makes VS Code run as Node.
  const env = { ...environment(place), ELECTRON_RUN_AS_NODE: undefined };
  const window = start(executable, ['--new-window', '--wait', ...extensions, place.folder], { env });
  await Promise.race([untilInterrupted(), window.exited]);
  await window.stop();
}

/**
 * @param {Place} place
 * @param {number} port 0: a free one
 */
async function openInServer(place, port) {
  const installation = await provisionServer();
  const dataFolder = path.join(VSCODE_TEST, 'start');
  linkExtensions(dataFolder);
  const server = await startServer(installation, {
    dataFolder,
    port,
    connectionToken: randomBytes(16).toString('hex'),
    env: environment(place),
  });
  console.log(`\nOpen ${server.address(place.folder)}\n\nCtrl-C ends VS Code.`);
  const interrupted = await Promise.race([untilInterrupted(), server.exited.then(() => undefined)]);
  if (interrupted === undefined)
    throw new Error(`the VS Code server ended:
${server.log()}`);
  await server.stop();
}

/**
 * Installs the project's folder itself as the extension, so that a reloaded window runs the latest build. (The server
 * accepts extensions under development only with a flag that also hides notifications.)
 * @param {string} dataFolder
 */
function linkExtensions(dataFolder) {
  const extensions = extensionsFolder(dataFolder);
  rmSync(extensions, { recursive: true, force: true });
  mkdirSync(extensions, { recursive: true });
  for (const folder of [ROOT, OPENER]) {
    const { publisher, name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    symlinkSync(folder, path.join(extensions, `${publisher}.${name}-${version}`), 'junction');
  }
}
