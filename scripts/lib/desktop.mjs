// @ts-check
// Finds a desktop VS Code: the one that VSCODE_EXECUTABLE names, otherwise `code` on the PATH, otherwise in the usual places.
import { homedir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { SetupError } from './dependencies.mjs';
import { findProgram, isFile } from './paths.mjs';

const KNOWN_PATHS = [
  '/Applications/Visual Studio Code.app/Contents/Resources/app/bin/code',
  path.join(homedir(), 'Applications/Visual Studio Code.app/Contents/Resources/app/bin/code'),
  path.join(process.env['LOCALAPPDATA'] ?? '', 'Programs', 'Microsoft VS Code', 'Code.exe'),
  path.join(process.env['ProgramFiles'] ?? '', 'Microsoft VS Code', 'Code.exe'),
  '/usr/share/code/bin/code',
  '/usr/share/codium/bin/codium',
  '/snap/bin/code',
];

/**
 * @returns {string | undefined} undefined where there is none, or no screen to show it on
 * @throws {SetupError} if VSCODE_EXECUTABLE names a file that does not exist
 */
export function findDesktop() {
  const named = process.env['VSCODE_EXECUTABLE'];
  if (named !== undefined && named !== '') {
    if (isFile(named)) return named;
    throw new SetupError(`VSCODE_EXECUTABLE names ${named}, which does not exist`);
  }
  if (!hasScreen()) return undefined;
  return findOnPath() ?? KNOWN_PATHS.filter(path.isAbsolute).find(isFile);
}

function hasScreen() {
  if (process.platform !== 'linux') return process.env['SSH_CONNECTION'] === undefined;
  return [process.env['DISPLAY'], process.env['WAYLAND_DISPLAY']].some((name) => (name ?? '') !== '');
}

/** In a terminal of VS Code's remote server, `code` is a script that talks to that window, not a desktop program. */
function findOnPath() {
  for (const name of ['code', 'codium']) {
    const found = findProgram(name);
    // On Windows `code` is a batch file, which needs a shell; Code.exe beside it does not.
    if (found !== undefined && !/[\\/]remote-cli[\\/]|\.cmd$/.test(found)) return found;
  }
  return undefined;
}
