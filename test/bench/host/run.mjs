// @ts-check
// Runs suite.ts in the extension host of a real VS Code on a folder: `node test/bench/host/run.mjs FOLDER`. It builds
// the extension as for a release.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { ROOT } from '../../../scripts/lib/paths.mjs';

const [folder = ROOT] = process.argv.slice(2);
const suite = path.join(ROOT, '.cache', 'bench', 'host', 'suite.cjs');
const userData = mkdtempSync(path.join(tmpdir(), 'qcow2-editor-host-'));
try {
  spawnSync(process.execPath, ['esbuild.mjs', '--minify'], { cwd: ROOT, stdio: 'inherit' });
  await build({
    entryPoints: [fileURLToPath(new URL('suite.ts', import.meta.url))],
    outfile: suite,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
  });
  mkdirSync(path.join(userData, 'User'), { recursive: true });
  writeFileSync(path.join(userData, 'User', 'settings.json'), '{ "files.autoSave": "off" }\n');
  await runTests({
    ...vscodeExecutable(),
    extensionDevelopmentPath: ROOT,
    extensionTestsPath: suite,
    launchArgs: [folder, `--user-data-dir=${userData}`, '--disable-extensions'],
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(userData, { recursive: true, force: true });
}

/** @returns {{ vscodeExecutablePath?: string }} */
function vscodeExecutable() {
  const named = process.env['VSCODE_EXECUTABLE'];
  if (named !== undefined && named !== '') return { vscodeExecutablePath: named };
  const launcher = fileURLToPath(new URL('../../extension/launcher.mjs', import.meta.url));
  return process.platform === 'win32' ? {} : { vscodeExecutablePath: launcher };
}
