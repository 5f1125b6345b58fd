// @ts-check
// `npm run fuzz`: bundles the fuzzer with the engine, fresh each time, and runs it (main.ts).
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');
const outfile = path.join(root, '.cache/fuzz/main.cjs');
await build({
  entryPoints: [path.join(import.meta.dirname, 'main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
});
// Stacks of this bundle need no source map: it costs 20 MiB of the memory that is measured.
const args = ['--expose-gc', outfile, ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
