/** Measurements inside VS Code's extension host: builds the suite and runs it in a separate window. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { writeGiantImage } from '../support/giantImages';
import { benchImages } from './images';
import { benchWorkspace } from './hostWorkspace';
import type { Row } from './report';

export type HostPart = 'index' | 'host';

/** @param root of the project; @param cache a folder that may be deleted at any time */
export function hostRows(part: HostPart, root: string, cache: string): Row[] {
  const rows = path.join(cache, `${part}.json`);
  fs.mkdirSync(cache, { recursive: true });
  fs.rmSync(rows, { force: true });
  const { contiguous, random } = part === 'host' ? benchImages(cache) : { contiguous: '', random: '' };
  // The suite changes it, so it is made again each time.
  const zeroed = path.join(cache, 'every-other-cluster.qcow2');
  if (part === 'host') writeGiantImage(zeroed, { size: 2 ** 40, pattern: 'alternating' });
  const folder = part === 'index' ? benchWorkspace(cache) : path.dirname(contiguous);
  const { status } = spawnSync(process.execPath, ['test/bench/host/run.mjs', folder], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      QCOW2_HOST_ROWS: rows,
      QCOW2_HOST_PART: part,
      QCOW2_HOST_IMAGES: [zeroed, contiguous, random].join('\n'),
    },
  });
  if (status !== 0 || !fs.existsSync(rows)) throw new Error(`'${part}' was not measured`);
  return JSON.parse(fs.readFileSync(rows, 'utf8')) as Row[];
}
