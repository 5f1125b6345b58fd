/** Changes that QEMU would not make as the engine does: the engine itself makes them. */
import * as path from 'node:path';
import { EditableImage } from '../../src/qcow2/edit/editableImage';
import type { Random } from '../support/builder/random';

/** Calls `between` when the file is what the last save is to change. */
export type EngineChange = (file: string, random: Random, between: () => void) => void;

const open = (file: string): EditableImage =>
  EditableImage.open(file, {
    followsNames: false,
    scratchPath: path.join(path.dirname(file), 'scratch'),
  });

/** Growth is saved, taken back and followed by other growth: the refcount table and its blocks move once more. */
export const growAgain: EngineChange = (file, random, between) => {
  const image = open(file);
  write(image, random, 4 << 20, 400 << 10);
  image.save();
  between();
  image.undo();
  write(image, random, 5 << 20, (300 + random.below(300)) << 10);
  image.save();
  image.close();
};

/** What a bitmap tracks is marked, in tables and bits that may not be there yet. */
export const markBitmaps: EngineChange = (file, random, between) => {
  const image = open(file);
  write(image, random, 0, 20 << 10);
  image.save();
  between();
  for (let time = 0; time < 4; time++) write(image, random, 65536 * random.below(14), 6 << 10);
  image.apply({
    kind: 'writeZeroes',
    start: 8192 * random.below(16),
    length: 65536,
    options: { unmap: true, fallback: true, policy: 'unallocate', thorough: false },
  });
  image.save();
  image.close();
};

/** Another backing file, whose name has room beside the one before it. */
export const changeBacking: EngineChange = (file, random, between) => {
  const image = open(file);
  const steps = [random.below(700), random.below(700)];
  for (const [index, padding] of steps.entries()) {
    // QEMU opens it without any file: the image has all its data itself.
    const name = `json:{"driver":"raw","file":{"driver":"null-co","size":65536}${' '.repeat(padding)}}`;
    if (index > 0 && random.below(3) === 0) image.apply({ kind: 'rebase' });
    else image.apply({ kind: 'rebase', backing: { name, format: 'raw' } });
    write(image, random, 4096 * random.below(8), 6 << 10);
    image.save();
    if (index === 0) between();
  }
  image.close();
};

function write(image: EditableImage, random: Random, start: number, length: number): void {
  const bytes = Buffer.alloc(length, 1 + random.below(254));
  image.apply({ kind: 'write', start: start + 512 * random.below(8), bytes });
}
