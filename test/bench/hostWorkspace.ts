/**
 * A workspace of a hundred thousand files. Ten thousand are images in chains, half of them with names that do not show it.
 * It is made once and kept in the cache.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { image } from '../support/imageBuilder';

const EDITION = 2;
const FOLDERS = 1000;
const IMAGES_PER_FOLDER = 10;
const OTHERS_PER_FOLDER = 90;
/** Layers of a chain, from the base up. */
const CHAIN = 5;

/** @returns the folder */
export function benchWorkspace(cache: string): string {
  const folder = path.join(cache, `workspace-${EDITION}`);
  if (fs.existsSync(folder)) return folder;
  console.log('making a workspace of 100,000 files');
  const temporary = `${folder}.part`;
  fs.rmSync(temporary, { recursive: true, force: true });
  // Layers with the same place in their chain are the same file.
  const layers = Array.from({ length: CHAIN }, (_, depth) =>
    image({
      size: '1M',
      ...(depth === 0 ? {} : { backing: { name: layerName(depth - 1), format: 'qcow2' } }),
    })
      .data(0, 1)
      .toBuffer(),
  );
  for (let index = 0; index < FOLDERS; index++) {
    const machine = path.join(temporary, `site-${index % 40}`, `machine-${index}`);
    for (let file = 0; file < IMAGES_PER_FOLDER; file++) {
      const chain = path.join(machine, `disk-${Math.floor(file / CHAIN)}`);
      fs.mkdirSync(chain, { recursive: true });
      fs.writeFileSync(path.join(chain, layerName(file % CHAIN)), layers[file % CHAIN]!);
    }
    for (let file = 0; file < OTHERS_PER_FOLDER; file++) {
      fs.writeFileSync(path.join(machine, `notes-${file}.txt`), 'a note of some length, as they are\n');
    }
  }
  fs.renameSync(temporary, folder);
  return folder;
}

const layerName = (depth: number): string =>
  depth % 2 === 0 ? `layer-${depth}.img` : `layer-${depth}.qcow2`;
