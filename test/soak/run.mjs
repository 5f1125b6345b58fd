// @ts-check
// `npm run soak`: bundles the cases with the engine each time, and runs them (main.ts).
import { spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');
const outfile = path.join(root, '.cache/soak/main.cjs');
await build({
  entryPoints: [path.join(import.meta.dirname, 'main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  sourcemap: 'linked',
  // Cases find the repository from where their files are; the bundle is elsewhere.
  define: { 'import.meta.dirname': JSON.stringify(path.join(root, 'test/support')) },
});
const child = spawn(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
// Ctrl+C goes to both: the child cleans up, and says how it ends.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => {
    child.kill(signal);
  });
}
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
