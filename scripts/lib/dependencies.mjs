// @ts-check
// Installs what is missing: npm packages, and the system programs that the tests need.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { findChromium } from './chromium.mjs';
import { ROOT, findProgram } from './paths.mjs';
import { run, runNpm } from './process.mjs';

/** A setup step that failed; its message is one line that says what to do. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * Says what is installed, and how long it took.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} install
 * @returns {Promise<T>}
 */
export async function announced(what, install) {
  console.log(`Installing ${what}…`);
  const start = Date.now();
  const result = await install();
  console.log(`Installed ${what}: ${((Date.now() - start) / 1000).toFixed(0)} s`);
  return result;
}

/** Installs node_modules exactly as in package-lock.json, unless they are current. */
export async function ensureNodeModules() {
  if (nodeModulesAreCurrent()) return;
  const { code } = await announced('npm packages (npm ci)', () =>
    runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: ROOT, minutes: 10 }),
  );
  if (code !== 0) throw new SetupError('npm ci failed; its message above says why');
}

/** Whether every non-optional package of package-lock.json is installed in that version. */
function nodeModulesAreCurrent() {
  const installedList = path.join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(installedList)) return false;
  const wanted = readPackages(path.join(ROOT, 'package-lock.json'));
  const installed = readPackages(installedList);
  return Object.entries(wanted).every(
    ([folder, entry]) =>
      folder === '' || entry.optional === true || installed[folder]?.version === entry.version,
  );
}

/**
 * @param {string} lockFile
 * @returns {Record<string, { version?: string, optional?: boolean }>} packages by folder
 */
function readPackages(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

/**
 * @typedef {object} SystemTool
 * @property {string} name
 * @property {string} debianPackage
 * @property {() => string | undefined} find
 * @property {boolean} [isOptional] without it, the tests that need it are not run
 */

/** @type {readonly SystemTool[]} */
const IMAGE_TOOLS = [
  { name: 'qemu-img', debianPackage: 'qemu-utils', find: () => findProgram('qemu-img') },
  { name: 'qemu-io', debianPackage: 'qemu-utils', find: () => findProgram('qemu-io') },
  { name: 'mke2fs', debianPackage: 'e2fsprogs', find: () => findProgram('mke2fs') },
  { name: 'debugfs', debianPackage: 'e2fsprogs', find: () => findProgram('debugfs') },
  { name: 'mkfs.fat', debianPackage: 'dosfstools', find: () => findProgram('mkfs.fat') },
  { name: 'mcopy', debianPackage: 'mtools', find: () => findProgram('mcopy') },
  { name: 'mkfs.exfat', debianPackage: 'exfatprogs', find: () => findProgram('mkfs.exfat') },
  { name: 'mkntfs', debianPackage: 'ntfs-3g', find: () => findProgram('mkntfs') },
  { name: 'wimlib-imagex', debianPackage: 'wimtools', find: () => findProgram('wimlib-imagex') },
  { name: 'mkfs.xfs', debianPackage: 'xfsprogs', find: () => findProgram('mkfs.xfs') },
  { name: 'sgdisk', debianPackage: 'gdisk', find: () => findProgram('sgdisk') },
];

/**
 * Shells that completion is tested in.
 * @type {readonly SystemTool[]}
 */
const SHELLS = ['zsh', 'fish'].map((name) => ({
  name,
  debianPackage: name,
  find: () => findProgram(name),
  isOptional: true,
}));

/** @type {SystemTool} */
const BROWSER = { name: 'chromium', debianPackage: 'chromium', find: findChromium };

/**
 * Installs the programs that the tests need if this is root on Debian; elsewhere says what to install.
 * @param {{ readonly withBrowser: boolean }} needs
 */
export async function ensureSystemTools({ withBrowser }) {
  const tools = [...IMAGE_TOOLS, ...SHELLS, ...(withBrowser ? [BROWSER] : [])];
  const missing = () => tools.filter((tool) => tool.find() === undefined);
  const needed = () => missing().filter(({ isOptional }) => isOptional !== true);
  if (missing().length === 0) return;

  if (canUseApt()) {
    const packages = packagesOf(missing());
    await announced(`${packages.join(', ')} (apt-get)`, async () => {
      await aptGet('update');
      await aptGet('install', '-y', '--no-install-recommends', ...packages);
    });
  }
  if (needed().length === 0) return;
  const names = needed().map((tool) => tool.name);
  throw new SetupError(
    `the tests need ${names.join(', ')}: install them (Debian, Ubuntu: sudo apt-get install ${packagesOf(needed()).join(' ')})` +
      (names.includes('chromium') ? ', or name a Chromium or Chrome in CHROMIUM_EXECUTABLE' : ''),
  );
}

/** @param {readonly SystemTool[]} tools */
const packagesOf = (tools) => [...new Set(tools.map((tool) => tool.debianPackage))];

function canUseApt() {
  return (
    process.getuid?.() === 0 && existsSync('/etc/debian_version') && findProgram('apt-get') !== undefined
  );
}

/** @param {string[]} args */
async function aptGet(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { code, output } = await run('apt-get', ['-q', ...args], { env, minutes: 15, quiet: true });
  if (code !== 0) process.stderr.write(output);
}
