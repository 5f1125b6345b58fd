// @ts-check
// Paths of the project, and small helpers for the file system.
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** VS Code builds, servers and their data; ignored by git. */
export const VSCODE_TEST = path.join(ROOT, '.vscode-test');

/** Kept between runs, may be deleted at any time; ignored by git. */
export const CACHE = path.join(ROOT, '.cache');

/** @param {string} file */
export function isFile(file) {
  return look(file)?.isFile() === true;
}

/** @param {string} folder */
export function isFolder(folder) {
  return look(folder)?.isDirectory() === true;
}

/** @param {string} place */
function look(place) {
  try {
    return statSync(place);
  } catch {
    // A file that cannot be examined (no permission, a file in place of a folder) counts as absent.
    return undefined;
  }
}

/**
 * The path of a program, found as a shell would, and also in the folders for system tools, which are often not on the
 * PATH of an ordinary user.
 * @param {string} name
 * @returns {string | undefined}
 */
export function findProgram(name) {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  if (process.platform !== 'win32') folders.push('/usr/sbin', '/sbin', '/usr/local/sbin');
  for (const folder of folders) {
    for (const ending of endings) {
      const candidate = path.join(folder, name + ending);
      if (isFile(candidate) && isExecutable(candidate)) return candidate;
    }
  }
  return undefined;
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
