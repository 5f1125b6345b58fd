// @ts-check
// `npm run faults`: bundles the fault tests with the engine, fresh each time, and runs them (main.ts).
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');
const outfile = path.join(root, '.cache/faults/main.cjs');
await build({
  entryPoints: [path.join(import.meta.dirname, 'main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  sourcemap: 'inline',
  // The tests find the repository from where their files are; the bundle is elsewhere.
  define: { 'import.meta.dirname': JSON.stringify(path.join(root, 'test/support')) },
});
const args = ['--enable-source-maps', outfile, ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
