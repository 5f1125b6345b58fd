/** Changes that QEMU would make differently: the engine makes them itself. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { EditableImage } from '../../src/qcow2/edit/editableImage';
import type { Random } from '../support/builder/random';
import { guestOffset } from '../../src/qcow2/units';

/** Calls `between` before the last save, which is the one to interrupt. */
export type EngineChange = (file: string, random: Random, between: () => void) => void;

const open = (file: string): EditableImage =>
  EditableImage.open(file, {
    followsNames: false,
    scratchPath: path.join(path.dirname(file), 'scratch'),
  });

/** Saves growth, undoes it and saves other growth: the refcount table and its blocks move once more. */
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

/**
 * Undoes growth of the refcount table, with a block in another place than before: until the smaller table replaces the
 * larger one, the larger one has to refer to the block too. For clusters of 512 bytes and refcounts of 64 bits.
 */
export const shrinkWithMovedBlock: EngineChange = (file, _random, between) => {
  const image = open(file);
  const start = guestOffset(4 << 20);
  image.apply({ kind: 'write', start, bytes: Buffer.alloc(400 << 10, 7) });
  // Data in clusters that were free before: they are free again, also without the growth.
  image.apply({ kind: 'discard', start, length: 32 << 10 });
  image.save();
  between();
  const grown = new Refcounts64(fs.readFileSync(file));
  image.undo();
  image.undo();
  image.save();
  image.close();
  const after = new Refcounts64(fs.readFileSync(file));
  const free = after.clusters.find((cluster) => after.of(cluster) === 0n && grown.of(cluster) === 0n);
  if (free === undefined) throw new Error('no cluster is free before and after');
  after.moveBlock(3, free);
  fs.writeFileSync(file, after.bytes);
};

/** Refcounts of 64 bits in clusters of 512 bytes, byte by byte. */
export class Refcounts64 {
  constructor(readonly bytes: Buffer) {}

  /** All clusters of the file. */
  get clusters(): number[] {
    return Array.from({ length: this.bytes.length / 512 }, (_, cluster) => cluster);
  }

  of(cluster: number): bigint {
    return this.bytes.readBigUInt64BE(this.#place(cluster));
  }

  /** Moves a refcount block to a free cluster. */
  moveBlock(index: number, target: number): void {
    const former = this.#block(index);
    this.bytes.copy(this.bytes, target * 512, former, former + 512);
    this.bytes.writeBigUInt64BE(BigInt(target * 512), this.#entry(index));
    this.bytes.writeBigUInt64BE(0n, this.#place(former / 512));
    this.bytes.writeBigUInt64BE(1n, this.#place(target));
  }

  #entry(index: number): number {
    return Number(this.bytes.readBigUInt64BE(48)) + index * 8;
  }

  #block(index: number): number {
    return Number(this.bytes.readBigUInt64BE(this.#entry(index)));
  }

  #place(cluster: number): number {
    return this.#block(Math.floor(cluster / 64)) + (cluster % 64) * 8;
  }
}

/** Runs of new clusters, with tables and refcount blocks that are allocated before them. */
export const writeRuns: EngineChange = (file, random, between) => {
  between();
  const image = open(file);
  for (let time = 0; time < 3; time++) {
    write(image, random, 512 * random.below(8000), (20 + random.below(120)) << 10);
  }
  image.apply({ kind: 'discard', start: guestOffset(0), length: 512 * random.below(400) });
  image.save();
  image.close();
};

/** Marks changes in bitmaps, whose tables and bits may not exist yet. */
export const markBitmaps: EngineChange = (file, random, between) => {
  const image = open(file);
  write(image, random, 0, 20 << 10);
  image.save();
  between();
  for (let time = 0; time < 4; time++) write(image, random, 65536 * random.below(14), 6 << 10);
  image.apply({
    kind: 'writeZeroes',
    start: guestOffset(8192 * random.below(16)),
    length: 65536,
    options: { unmap: true, fallback: true, policy: 'unallocate', thorough: false },
  });
  image.save();
  image.close();
};

/** Changes the backing file; the new name has room beside the old one. */
export const changeBacking: EngineChange = (file, random, between) => {
  const image = open(file);
  const steps = [random.below(700), random.below(700)];
  for (const [index, padding] of steps.entries()) {
    // QEMU opens this without any file; the image holds all of its data itself.
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
  image.apply({ kind: 'write', start: guestOffset(start + 512 * random.below(8)), bytes });
}
