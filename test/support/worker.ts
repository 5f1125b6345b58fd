/** The bundled worker, built once for each test file, into a separate folder. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { REPOSITORY } from './repository';

export interface BuiltWorker {
  /** For `EngineClient` and `IndexClient`. */
  readonly script: string;
  remove(): void;
}

export function buildWorker(): BuiltWorker {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'qcow2-worker-'));
  execFileSync(process.execPath, ['esbuild.mjs', '--only=engine,guest', `--outdir=${folder}`], {
    cwd: REPOSITORY,
    stdio: 'inherit',
  });
  // Its native calls, as a package has them.
  mkdirSync(path.join(folder, 'node_modules'));
  const koffi = path.join('node_modules', '@koromix');
  symlinkSync(path.join(REPOSITORY, koffi), path.join(folder, koffi), 'junction');
  return {
    script: path.join(folder, 'worker.js'),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until `look` gives something, and gives it back. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
