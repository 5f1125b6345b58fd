/**
 * Builds qcow2 images for tests, benchmarks and samples, independently of the engine: a second opinion on the
 * specification, and a model of what the guest must see. `qemu-img check` finds what it builds clean.
 *
 *     image({ clusterBits: 9, size: '1M' }).data(0, 4).zeroPlain(4).compressed(8, 2).writeTo(path);
 */
import * as path from 'node:path';
import { assemble, type AssembledImage, type ImageLayout } from './builder/assemble';
import type { CompressionType } from './builder/compression';
import { type Content, noise, text } from './builder/content';
import type { ImageDescription } from './builder/description';
import { type ClusterState, GuestModel, SUBCLUSTERS } from './builder/guestState';
import type { HostOrder } from './builder/hostFile';
import type { BitmapOptions, SnapshotOptions } from './builder/metadata';
import type { HeaderExtension } from './builder/tables';

export { type Content, fill, noise, text } from './builder/content';
export { GuestModel, type GuestKind, type GuestRun } from './builder/guestState';
export type { ImageLayout } from './builder/assemble';
export type { BitmapOptions, SnapshotOptions } from './builder/metadata';
export { EXTENSION } from './builder/tables';

export interface ImageOptions {
  readonly version?: 2 | 3;
  /** 9 (512 bytes) to 21 (2 MiB); default 16. */
  readonly clusterBits?: number;
  /** 0 (1 bit) to 6 (64 bits); default 4. */
  readonly refcountOrder?: number;
  /** Guest bytes, a multiple of 512, or text such as `64M`; default 16 clusters. */
  readonly size?: number | string;
  readonly extendedL2?: boolean;
  readonly compression?: CompressionType;
  /** Name as the header writes it; without `format` there is no format extension. */
  readonly backing?: { readonly name: string; readonly format?: string };
  /**
   * Name as the header writes it. Guest data lies at its own offset, as the specification demands (incompatible bit 2);
   * `scattered` clusters lie in the order of `order`, which is random.
   */
  readonly dataFile?: { readonly name: string; readonly raw?: boolean; readonly scattered?: boolean };
  /** Marks the image as encrypted; its content is not. The LUKS header is not usable. */
  readonly crypt?: 'none' | 'aes' | 'luks';
  readonly lazyRefcounts?: boolean;
  readonly dirty?: boolean;
  readonly corrupt?: boolean;
  /** Further feature bits. */
  readonly incompatible?: bigint;
  readonly compatible?: bigint;
  readonly autoclear?: bigint;
  readonly featureNames?: boolean;
  /** Version 3: default 112; with 104 there is no compression type field. */
  readonly headerLength?: number;
  /** Order of everything behind the header in the file; default `sequential`. */
  readonly order?: HostOrder;
  /** Whether compressed streams share host clusters; default true. */
  readonly packsCompressed?: boolean;
}

export const image = (options: ImageOptions = {}): ImageBuilder => new ImageBuilder(options);

export class ImageBuilder {
  readonly clusterSize: number;
  /** Guest bytes. */
  readonly size: number;
  readonly #options: ImageOptions;
  readonly #active = new Map<number, ClusterState>();
  readonly #snapshots: ImageDescription['snapshots'][number][] = [];
  readonly #bitmaps: ImageDescription['bitmaps'][number][] = [];
  readonly #extensions: HeaderExtension[] = [];
  #contents = 0;

  constructor(options: ImageOptions = {}) {
    this.#options = options;
    this.clusterSize = 2 ** (options.clusterBits ?? 16);
    this.size = byteCount(options.size ?? 16 * this.clusterSize);
  }

  /** Plain data in `count` guest clusters from `first` on. Without `content` every call has a seed of its own. */
  data(first: number, count = 1, content: Content = noise(++this.#contents)): this {
    return this.#set(first, count, () => ({ kind: 'data', content }));
  }

  compressed(first: number, count = 1, content: Content = text(++this.#contents)): this {
    return this.#set(first, count, () => ({ kind: 'compressed', content }));
  }

  zeroPlain(first: number, count = 1): this {
    return this.#set(first, count, () => ({ kind: 'zeroPlain' }));
  }

  /** Zero clusters that keep a host cluster, full of bytes that the guest must not see. */
  zeroAllocated(first: number, count = 1, hidden: Content = noise(++this.#contents)): this {
    return this.#set(first, count, () => ({ kind: 'zeroAllocated', content: hidden }));
  }

  /**
   * Extended L2: one guest cluster by its subclusters.
   * @param map up to 32 letters, lowest subcluster first: `D` data, `Z` zero, `.` unallocated; repeated to fill
   * @param options `allocated`: whether a host cluster exists; needed by data, and the default where there is some
   */
  subclusters(cluster: number, map: string, options: { allocated?: boolean; content?: Content } = {}): this {
    const letters = map.repeat(Math.ceil(SUBCLUSTERS / map.length)).slice(0, SUBCLUSTERS);
    const allocated = options.allocated ?? letters.includes('D');
    const content = options.content ?? noise(++this.#contents);
    return this.#set(cluster, 1, () => ({ kind: 'subclusters', map: letters, allocated, content }));
  }

  unallocated(first: number, count = 1): this {
    for (let cluster = first; cluster < first + count; cluster++) this.#active.delete(cluster);
    return this;
  }

  /** An internal snapshot of the disk as described so far; later calls change the active layer only. */
  snapshot(name: string, options: SnapshotOptions = {}): this {
    this.#snapshots.push({ ...options, name, states: new Map(this.#active) });
    return this;
  }

  bitmap(name: string, options: BitmapOptions = {}): this {
    this.#bitmaps.push({ ...options, name });
    return this;
  }

  /** A header extension, behind those that the options ask for. */
  extension(type: number, data: Uint8Array | string): this {
    this.#extensions.push({ type, data: typeof data === 'string' ? Buffer.from(data) : data });
    return this;
  }

  /** What the guest sees of this layer. */
  model(): GuestModel {
    return new GuestModel(this.size, this.clusterSize, new Map(this.#active));
  }

  build(): BuiltImage {
    return new BuiltImage(assemble(this.#describe()), this.model(), this.#options.dataFile?.name);
  }

  /** The image file's bytes. */
  toBuffer(): Buffer {
    return this.build().toBuffer();
  }

  /** Writes the image (and its data file) as sparse files. */
  writeTo(file: string): BuiltImage {
    const built = this.build();
    built.writeTo(file);
    return built;
  }

  #set(first: number, count: number, state: () => ClusterState): this {
    for (let cluster = first; cluster < first + count; cluster++) this.#active.set(cluster, state());
    return this;
  }

  #describe(): ImageDescription {
    const options = this.#options;
    const { dataFile } = options;
    return {
      version: options.version ?? 3,
      clusterBits: options.clusterBits ?? 16,
      refcountOrder: options.refcountOrder ?? 4,
      size: this.size,
      extendedL2: options.extendedL2 ?? false,
      compression: options.compression ?? 'deflate',
      backing: options.backing,
      dataFile: dataFile && { raw: false, scattered: false, ...dataFile },
      crypt: options.crypt ?? 'none',
      incompatible:
        (options.incompatible ?? 0n) |
        (options.dirty === true ? 1n : 0n) |
        (options.corrupt === true ? 2n : 0n),
      compatible: (options.compatible ?? 0n) | (options.lazyRefcounts === true ? 1n : 0n),
      autoclear: options.autoclear ?? 0n,
      featureNames: options.featureNames ?? false,
      headerLength: options.headerLength ?? 112,
      order: options.order ?? 'sequential',
      packsCompressed: options.packsCompressed ?? true,
      extensions: this.#extensions,
      active: this.#active,
      snapshots: this.#snapshots,
      bitmaps: this.#bitmaps,
    };
  }
}

/** A finished image: its files, where things are in them, and what the guest sees. */
export class BuiltImage {
  readonly layout: ImageLayout;
  readonly #assembled: AssembledImage;

  constructor(
    assembled: AssembledImage,
    readonly model: GuestModel,
    readonly dataFileName: string | undefined,
  ) {
    this.#assembled = assembled;
    this.layout = assembled.layout;
  }

  toBuffer(): Buffer {
    return this.#assembled.image.toBuffer();
  }

  dataFileBuffer(): Buffer | undefined {
    return this.#assembled.dataFile?.toBuffer();
  }

  /** Writes the image; its data file goes where the header's name says, relative to the image's folder. */
  writeTo(file: string): void {
    this.#assembled.image.writeTo(file);
    if (this.dataFileName === undefined) return;
    this.#assembled.dataFile?.writeTo(path.resolve(path.dirname(file), this.dataFileName));
  }
}

/** Bytes from a number or from text with a suffix of k, M, G, T. */
export function byteCount(size: number | string): number {
  if (typeof size === 'number') return size;
  const match = /^(\d+)([kMGT]?)$/.exec(size);
  if (match === null) throw new Error(`not a size: ${size}`);
  return Number(match[1]) * 1024 ** ' kMGT'.indexOf(match[2] === '' ? ' ' : match[2]!);
}
