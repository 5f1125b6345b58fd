/** Puts the bytes of a disk into an image of any shape: any version and sizes, over backing files whose contents are older. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { compressCluster } from '../builder/compression';
import type { Random } from '../builder/random';
import type { GuestModel } from '../builder/guestState';
import { image, type ImageBuilder, type ImageOptions } from '../imageBuilder';

/** Small clusters are for small disks: the builder keeps each of them. */
const MOST_CLUSTERS = 16_384;
const SUBCLUSTERS = 32;
/** Layers from the base on; the last one is the image. */
const NAMES = ['base', 'middle', 'disk.qcow2'];

export interface PlacedDisk {
  readonly path: string;
  /** In words. */
  readonly shape: string;
  /** What the image itself has; its backing files are left out. */
  readonly top: GuestModel;
}

/** @param folder where `disk.qcow2` and its backing files are made @param layers 1 to 3 */
export function placeDisk(random: Random, bytes: Buffer, folder: string, layers: number): PlacedDisk {
  const names = NAMES.slice(NAMES.length - layers);
  const shapes: string[] = [];
  let below: Buffer = Buffer.alloc(bytes.length);
  let backing: ImageOptions['backing'];
  let top: GuestModel | undefined;
  for (const [index, name] of names.entries()) {
    const isTop = index === names.length - 1;
    const content = isTop ? bytes : older(bytes, random);
    const file = path.join(folder, name);
    if (backing === undefined && !isTop && random.below(4) === 0) {
      const length = random.below(2) === 0 ? bytes.length : 512 * random.below(bytes.length / 512);
      fs.writeFileSync(file, content.subarray(0, length));
      content.fill(0, length);
      backing = { name, format: 'raw' };
      shapes.push(`raw of ${length}`);
    } else {
      const options = randomLayer(random, bytes.length, backing !== undefined);
      const builder = image(backing === undefined ? options : { ...options, backing });
      new Layer(builder, options, content, below, random).fill();
      builder.writeTo(file);
      top = builder.model();
      backing = { name, format: 'qcow2' };
      shapes.push(JSON.stringify(options));
    }
    below = content;
  }
  return { path: path.join(folder, 'disk.qcow2'), shape: shapes.join(' < '), top: top! };
}

/** Some stretches held something else, or nothing, by then. */
function older(bytes: Buffer, random: Random): Buffer {
  const former = Buffer.from(bytes);
  for (let count = random.below(12); count > 0; count--) {
    const start = 512 * random.below(bytes.length / 512);
    const end = Math.min(bytes.length, start + 512 * (1 + random.below(bytes.length / 4096)));
    former.fill(random.below(3) === 0 ? 0 : `former ${count}. `, start, end);
  }
  return former;
}

function randomLayer(random: Random, size: number, isOver: boolean): ImageOptions & { clusterBits: number } {
  // An overlay of version 2 cannot give up anything: it has no zero clusters.
  const version = isOver || random.below(4) > 0 ? 3 : 2;
  const extendedL2 = version === 3 && random.below(3) === 0;
  const least = Math.max(extendedL2 ? 14 : 9, Math.ceil(Math.log2(size / MOST_CLUSTERS)));
  return {
    version,
    size,
    extendedL2,
    clusterBits: least + random.below(17 - least),
    refcountOrder: version === 3 ? random.below(7) : 4,
    compression: version === 3 && random.below(2) === 0 ? 'zstd' : 'deflate',
    packsCompressed: random.below(2) === 0,
    order: random.below(2) === 0 ? 'sequential' : { shuffledBy: random.below(1000) },
  };
}

type Style = 'below' | 'data' | 'compressed' | 'zero' | 'subclusters';

class Layer {
  readonly #builder: ImageBuilder;
  readonly #options: ImageOptions;
  readonly #content: Buffer;
  /** What the layers below hold. */
  readonly #below: Buffer;
  readonly #random: Random;
  readonly #zeroes: Buffer;

  constructor(builder: ImageBuilder, options: ImageOptions, content: Buffer, below: Buffer, random: Random) {
    this.#builder = builder;
    this.#options = options;
    this.#content = content;
    this.#below = below;
    this.#random = random;
    this.#zeroes = Buffer.alloc(builder.clusterSize);
  }

  fill(): void {
    const { clusterSize, size } = this.#builder;
    const styles: Style[] = ['below', 'below', 'data', 'data', 'data', 'zero'];
    // Packed streams share clusters, which narrow refcounts cannot count.
    if ((this.#options.refcountOrder ?? 4) >= 4) styles.push('compressed');
    if (this.#options.extendedL2 === true) styles.push('subclusters', 'subclusters');
    const count = Math.ceil(size / clusterSize);
    for (let cluster = 0; cluster < count;) {
      const style = this.#random.pick(styles);
      const end = Math.min(count, cluster + 1 + this.#random.below(40));
      for (; cluster < end; cluster++) this.#place(cluster, style);
    }
  }

  #place(cluster: number, style: Style): void {
    const { clusterSize } = this.#builder;
    const start = cluster * clusterSize;
    const end = start + clusterSize;
    const bytes = this.#content.subarray(start, end);
    const isZero = this.#isZero(start, end);
    if (style === 'below' && this.#isSame(start, end)) return;
    if (style === 'zero' && isZero && this.#options.version === 3) {
      if (this.#random.below(2) === 0) this.#builder.zeroPlain(cluster);
      else this.#builder.zeroAllocated(cluster);
    } else if (style === 'compressed' && this.#isCompressible(bytes))
      this.#builder.compressed(cluster, 1, { bytes });
    else if (style === 'subclusters') this.#placeParts(cluster, bytes);
    else this.#builder.data(cluster, 1, { bytes });
  }

  /** Each subcluster is stored, zero or left to the layers below, as far as its content allows. */
  #placeParts(cluster: number, bytes: Uint8Array): void {
    const { clusterSize } = this.#builder;
    const size = clusterSize / SUBCLUSTERS;
    let map = '';
    for (let part = 0; part < SUBCLUSTERS; part++) {
      const start = cluster * clusterSize + part * size;
      const may = ['D'];
      if (this.#isZero(start, start + size)) may.push('Z', 'Z');
      if (this.#isSame(start, start + size)) may.push('.', '.');
      map += this.#random.pick(may);
    }
    this.#builder.subclusters(cluster, map, {
      allocated: map.includes('D') || this.#random.below(2) === 0,
      content: { bytes },
    });
  }

  #isZero(start: number, end: number): boolean {
    const bytes = this.#content.subarray(start, end);
    return bytes.equals(this.#zeroes.subarray(0, bytes.length));
  }

  #isSame(start: number, end: number): boolean {
    return this.#content.subarray(start, end).equals(this.#below.subarray(start, end));
  }

  /** QEMU stores nothing compressed that would not become shorter. */
  #isCompressible(bytes: Uint8Array): boolean {
    const { clusterSize } = this.#builder;
    return compressCluster(bytes, this.#options.compression ?? 'deflate').length < clusterSize;
  }
}
