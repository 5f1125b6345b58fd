// @ts-check
// Adds native calls to a package: koffi's prebuilt binary for one platform, in the place where src/qcow2/io/koffi.ts loads
// it from, and its licence. koffi's own loader is left out, since it would also search other places.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CACHE, ROOT, isFile, isFolder } from './paths.mjs';
import { run, runNpm } from './process.mjs';

/**
 * For each platform of VS Code: koffi's name for it, and the binary in that package. (One package holds those for both C
 * libraries, while `linux` and `alpine` are two platforms in VS Code.)
 */
export const NATIVE_PLATFORMS = /** @type {const} */ ({
  'linux-x64': { koffi: 'linux-x64', binary: 'linux_x64' },
  'linux-arm64': { koffi: 'linux-arm64', binary: 'linux_arm64' },
  'alpine-x64': { koffi: 'linux-x64', binary: 'musl_x64' },
  'alpine-arm64': { koffi: 'linux-arm64', binary: 'musl_arm64' },
  'darwin-x64': { koffi: 'darwin-x64', binary: 'darwin_x64' },
  'darwin-arm64': { koffi: 'darwin-arm64', binary: 'darwin_arm64' },
  'win32-x64': { koffi: 'win32-x64', binary: 'win32_x64' },
  'win32-arm64': { koffi: 'win32-arm64', binary: 'win32_arm64' },
});

/** @typedef {keyof typeof NATIVE_PLATFORMS} NativePlatform */

/**
 * Puts koffi for one platform under `nodeModules`.
 * @param {string} nodeModules
 * @param {NativePlatform} platform
 */
export async function addKoffi(nodeModules, platform) {
  const { koffi, binary } = NATIVE_PLATFORMS[platform];
  const script = path.join(ROOT, 'node_modules', 'koffi');
  copyIf(script, path.join(nodeModules, 'koffi'), (file) => file === 'LICENSE.txt');
  const name = `@koromix/koffi-${koffi}`;
  const target = path.join(nodeModules, name);
  copyIf(await binaryPackage(name), target, (file) =>
    [/^package\.json$/, new RegExp(`^${binary}(/koffi\\.node)?$`)].some((kept) => kept.test(file)),
  );
  if (!isFile(path.join(target, binary, 'koffi.node'))) {
    throw new Error(`${name} has no binary ${binary}/koffi.node: ${readdirSync(target).join(', ')}`);
  }
}

/**
 * @param {string} from
 * @param {string} to
 * @param {(file: string) => boolean} isKept gets paths relative to `from`, with slashes
 */
function copyIf(from, to, isKept) {
  cpSync(from, to, {
    recursive: true,
    filter: (source) => source === from || isKept(path.relative(from, source).replaceAll(path.sep, '/')),
  });
}

/**
 * The unpacked npm package: the installed one, otherwise downloaded in the version and with the checksum of
 * package-lock.json.
 * @param {string} name
 */
async function binaryPackage(name) {
  const installed = path.join(ROOT, 'node_modules', name);
  if (isFolder(installed)) return installed;

  const locked = lockedPackage(name);
  const folder = path.join(CACHE, `${path.basename(name)}-${locked.version}`);
  if (isFile(path.join(folder, 'package', 'package.json'))) return path.join(folder, 'package');

  console.log(`Fetching ${name} ${locked.version}…`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const packed = await runNpm(
    ['pack', `${name}@${locked.version}`, '--pack-destination', folder, '--silent'],
    {
      cwd: folder,
      minutes: 5,
      quiet: true,
    },
  );
  const archive = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (packed.code !== 0 || archive === undefined)
    throw new Error(`${name} cannot be had: ${packed.output.trim()}`);
  const file = path.join(folder, archive);
  const checksum = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (checksum !== locked.integrity) {
    throw new Error(`${name}: the checksum is ${checksum}, package-lock.json has ${locked.integrity}`);
  }
  const unpacked = await run('tar', ['-xzf', archive], { cwd: folder, minutes: 2, quiet: true });
  if (unpacked.code !== 0) throw new Error(`${file} cannot be unpacked: ${unpacked.output.trim()}`);
  return path.join(folder, 'package');
}

/**
 * @param {string} name
 * @returns {{ version: string, integrity: string }}
 */
function lockedPackage(name) {
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'));
  return lock.packages[`node_modules/${name}`];
}
