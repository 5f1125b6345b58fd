// @ts-check
// Runs the suite in the extension host of a real VS Code: the desktop one that VSCODE_EXECUTABLE names, else the
// packaged server through launcher.mjs (on Windows, a desktop VS Code that @vscode/test-electron downloads).
// `node test/extension/runTests.mjs RESULTS_FILE`; the bundles must have been built (`node esbuild.mjs --tests`).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { ROOT } from '../../scripts/lib/paths.mjs';

const LAUNCHER = fileURLToPath(new URL('launcher.mjs', import.meta.url));

const [resultsFile] = process.argv.slice(2);
const temporary = mkdtempSync(path.join(tmpdir(), 'qcow2-editor-suite-'));
try {
  const workspace = path.join(temporary, 'workspace');
  const userData = path.join(temporary, 'user-data');
  mkdirSync(workspace);
  mkdirSync(path.join(userData, 'User'), { recursive: true });
  writeFileSync(path.join(userData, 'User', 'settings.json'), '{ "files.autoSave": "off" }\n');
  await runTests({
    ...vscodeExecutable(),
    extensionDevelopmentPath: ROOT,
    extensionTestsPath: path.join(ROOT, 'dist', 'test', 'extension', 'index.js'),
    extensionTestsEnv: resultsFile === undefined ? {} : { QCOW2_TEST_RESULTS: path.resolve(resultsFile) },
    launchArgs: [workspace, `--user-data-dir=${userData}`, '--disable-extensions'],
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

/** @returns {{ vscodeExecutablePath?: string }} */
function vscodeExecutable() {
  const named = process.env['VSCODE_EXECUTABLE'];
  if (named !== undefined && named !== '') return { vscodeExecutablePath: named };
  return process.platform === 'win32' ? {} : { vscodeExecutablePath: LAUNCHER };
}
