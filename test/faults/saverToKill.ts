/** An image, the file that it is to equal, and a program that saves the difference and kills itself half-way. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { build } from 'esbuild';
import { REPOSITORY } from '../support/repository';
import { mustQemuImg, mustQemuIo } from '../support/qemu';
import type { Workspace } from '../support/workspace';

export interface SaverToKill {
  readonly before: string;
  readonly after: string;
  /** A script for Node; `killedSaver.ts` describes its arguments. */
  readonly program: string;
}

export async function makeSaverToKill(place: Workspace): Promise<SaverToKill> {
  const [before, after] = [place.path('before.qcow2'), place.path('after.qcow2')];
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k', before, '8M']);
  mustQemuIo(before, ['write -P 1 0 100k', 'write -P 2 4m 100k']);
  fs.copyFileSync(before, after);
  mustQemuIo(after, ['write -P 3 20k 6k', 'write -P 4 2m 64k', 'write -z -u 4m 64k'], {}, ['-d', 'unmap']);
  const program = place.path('dist/saver.cjs');
  // Installed like the program itself, with native calls.
  fs.symlinkSync(path.join(REPOSITORY, 'node_modules'), place.path('node_modules'));
  await build({
    entryPoints: [path.join(import.meta.dirname, 'killedSaver.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    define: { 'import.meta.dirname': '""' },
  });
  return { before, after, program };
}
