// @ts-check
// The tests that run on every platform: those that start no programs (QEMU, tools of Linux). On Windows, tests that need
// POSIX paths are left out too; they say so in their source (`@requires posix`).
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './paths.mjs';

const TESTS = path.join(ROOT, 'test');

/**
 * @param {NodeJS.Platform} platform
 * @returns {string[]} paths relative to the project, with slashes
 */
export function portableTests(platform) {
  const folder = path.join(TESTS, 'engine');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => file.endsWith('.test.ts') && isPortable(file, platform))
    .map((file) => path.relative(ROOT, file).replaceAll(path.sep, '/'))
    .sort();
}

/**
 * @param {string} file
 * @param {NodeJS.Platform} platform
 */
function isPortable(file, platform) {
  if (platform === 'win32' && /@requires posix/.test(readFileSync(file, 'utf8'))) return false;
  return ![...importedBy(file)].some(startsPrograms);
}

/** @param {string} file */
const startsPrograms = (file) =>
  file.startsWith(TESTS) && /from 'node:child_process'/.test(readFileSync(file, 'utf8'));

/** @type {Map<string, readonly string[]>} */
const imports = new Map();

/**
 * A file and everything that it imports from the project, directly or indirectly.
 * @param {string} file
 */
function importedBy(file) {
  const found = new Set([file]);
  for (const each of found) for (const next of importsOf(each)) found.add(next);
  return found;
}

/** @param {string} file */
function importsOf(file) {
  const known = imports.get(file);
  if (known !== undefined) return known;
  const names = [...readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)];
  const files = names.flatMap(([, name = '']) => existing(path.resolve(path.dirname(file), name)));
  imports.set(file, files);
  return files;
}

/** @param {string} file without its ending, or with it */
function existing(file) {
  return [file, `${file}.ts`].filter((name) => statSync(name, { throwIfNoEntry: false })?.isFile());
}
