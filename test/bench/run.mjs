// @ts-check
// `npm run bench`: builds the command and the measurements each time, and runs them (main.ts).
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');
const outfile = path.join(root, '.cache/bench/main.mjs');
spawnSync(process.execPath, ['esbuild.mjs', '--only=engine,reader,guest'], { cwd: root, stdio: 'inherit' });
await build({
  entryPoints: [path.join(import.meta.dirname, 'main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
});
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, QCOW2_ROOT: root },
});
process.exitCode = status ?? 1;
