/** Breaks images: each mutation picks a structure and damages it as accidents and attackers do. */
import type { Random } from '../support/builder/random';
import type { Seed } from './corpus';

/** Fields of the header as [offset, length in bytes]. */
const HEADER_FIELDS: readonly (readonly [offset: number, length: 1 | 4 | 8])[] = [
  [0, 4],
  [4, 4],
  [8, 8],
  [16, 4],
  [20, 4],
  [24, 8],
  [32, 4],
  [36, 4],
  [40, 8],
  [48, 8],
  [56, 4],
  [60, 4],
  [64, 8],
  [72, 8],
  [80, 8],
  [88, 8],
  [96, 4],
  [100, 4],
  [104, 1],
];

/** Fields of the header that point at tables. */
const POINTERS = [8, 40, 48, 64] as const;

const FLAGS = [0n, 0n, 1n << 63n, 1n << 62n, 1n, (1n << 63n) | 1n, 3n << 62n, 1n << 61n, 2n];

type Mutation = (image: Buffer, seed: Seed, random: Random) => Buffer;

/** Weighted: what stands twice is done twice as often. */
const MUTATIONS: readonly Mutation[] = [
  headerField,
  headerField,
  tableEntry,
  tableEntry,
  tableEntry,
  flipBits,
  randomBytes,
  swapPointers,
  copyCluster,
  copyEntries,
  extensions,
  text,
  cutOff,
  lengthen,
];

/** A broken copy of the image; the seed's own bytes stay as they are. */
export function mutate(seed: Seed, random: Random): Buffer {
  let image: Buffer = Buffer.from(seed.bytes);
  const count = 1 + random.below(random.below(3) === 0 ? 8 : 3);
  for (let done = 0; done < count; done++) {
    if (image.length >= 16) image = random.pick(MUTATIONS)(image, seed, random);
  }
  return image;
}

/** Values at the edges of rules: sizes, signs, 2^53, the file's own end, the places of its tables. */
function interesting(image: Buffer, seed: Seed, random: Random): bigint {
  const { layout, model } = seed.built;
  const cluster = BigInt(model.clusterSize);
  const end = BigInt(image.length);
  const places = [
    layout.l1Offset,
    layout.refcountTableOffset,
    ...layout.refcountBlockOffsets,
    ...layout.l2Offsets.values(),
    ...layout.hostOffsets.values(),
  ];
  const choices = [
    () => BigInt(random.below(16)),
    () => BigInt(random.below(2 ** 32)),
    () => (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32)),
    () => 1n << BigInt(random.below(64)),
    () => (1n << BigInt(random.below(64))) - 1n,
    () => (BigInt.asUintN(64, -1n) >> BigInt(random.below(8))) - cluster * BigInt(random.below(3)),
    () => BigInt.asUintN(64, end + cluster * BigInt(random.below(5) - 2)),
    () => (1n << 53n) + BigInt(random.below(3) - 1) * cluster,
    () => BigInt(random.pick(places)),
    () => BigInt(random.below(64)) * cluster,
  ];
  return BigInt.asUintN(64, random.pick(choices)() | random.pick(FLAGS));
}

function put(image: Buffer, offset: number, length: 1 | 4 | 8, value: bigint): void {
  if (offset < 0 || offset + length > image.length) return;
  if (length === 8) image.writeBigUInt64BE(BigInt.asUintN(64, value), offset);
  else if (length === 4) image.writeUInt32BE(Number(BigInt.asUintN(32, value)), offset);
  else image.writeUInt8(Number(BigInt.asUintN(8, value)), offset);
}

function headerField(image: Buffer, seed: Seed, random: Random): Buffer {
  const [offset, length] = random.pick(HEADER_FIELDS);
  put(image, offset, length, interesting(image, seed, random));
  return image;
}

/** A place in one of the image's tables, where guest data is one too. */
function somewhere(seed: Seed, random: Random): number {
  const { layout, model } = seed.built;
  const tables = [
    [layout.l1Offset],
    [...layout.l2Offsets.values()],
    [...layout.l2Offsets.values()],
    [layout.refcountTableOffset, ...layout.refcountBlockOffsets],
    [layout.snapshotTableOffset, ...layout.snapshotL1Offsets],
    [layout.bitmapDirectoryOffset, ...layout.bitmapTableOffsets],
    [...layout.hostOffsets.values()],
  ].map((places) => places.filter((place) => place !== undefined));
  const table = random.pick(random.pick(tables.filter((places) => places.length > 0)));
  // Small tables fill the start of their cluster only.
  const reach = random.below(2) === 0 ? model.clusterSize : Math.min(128, model.clusterSize);
  return table + random.below(reach);
}

function tableEntry(image: Buffer, seed: Seed, random: Random): Buffer {
  const length = random.below(4) === 0 ? 4 : 8;
  const place = somewhere(seed, random);
  put(image, place - (place % length), length, interesting(image, seed, random));
  return image;
}

function flipBits(image: Buffer, seed: Seed, random: Random): Buffer {
  const flips = 1 + random.below(8);
  for (let flip = 0; flip < flips; flip++) {
    const at = random.below(2) === 0 ? somewhere(seed, random) : random.below(Math.min(512, image.length));
    if (at < image.length) image[at]! ^= 1 << random.below(8);
  }
  return image;
}

function randomBytes(image: Buffer, seed: Seed, random: Random): Buffer {
  const start = random.below(3) === 0 ? random.below(image.length) : somewhere(seed, random);
  const end = Math.min(image.length, start + 1 + random.below(64));
  for (let at = start; at < end; at++) image[at] = random.below(256);
  return image;
}

function swapPointers(image: Buffer, _seed: Seed, random: Random): Buffer {
  if (image.length < 72) return image;
  const [one, other] = [random.pick(POINTERS), random.pick(POINTERS)];
  const value = image.readBigUInt64BE(one);
  image.writeBigUInt64BE(image.readBigUInt64BE(other), one);
  image.writeBigUInt64BE(value, other);
  return image;
}

/** One cluster of the file takes the place of another. */
function copyCluster(image: Buffer, seed: Seed, random: Random): Buffer {
  const size = seed.built.model.clusterSize;
  const clusters = Math.floor(image.length / size);
  if (clusters < 2) return image;
  const from = random.below(clusters) * size;
  image.copy(image, random.below(clusters) * size, from, from + size);
  return image;
}

/** Repeats a few entries elsewhere, so that clusters are referred to twice. */
function copyEntries(image: Buffer, seed: Seed, random: Random): Buffer {
  const from = somewhere(seed, random) & ~7;
  const to = somewhere(seed, random) & ~7;
  if (from < image.length && to < image.length) image.copy(image, to, from, from + 8 * (1 + random.below(8)));
  return image;
}

/** Header extensions: types and lengths, wherever they begin. */
function extensions(image: Buffer, seed: Seed, random: Random): Buffer {
  const types = [0, 0xe2792aca, 0x6803f857, 0x23852875, 0x0537be77, 0x44415441, 0x12345678];
  const start =
    random.pick([72, 104, 112, 112, 120, 128, 136]) + 8 * random.below(random.below(3) === 0 ? 48 : 4);
  if (random.below(2) === 0) put(image, start, 4, BigInt(random.pick(types)));
  put(
    image,
    start + 4,
    4,
    random.below(2) === 0 ? BigInt(random.below(80)) : interesting(image, seed, random),
  );
  if (random.below(2) === 0) put(image, start + 8, 8, interesting(image, seed, random));
  return image;
}

const NAMES = [
  'disk.qcow2',
  './disk.qcow2',
  '..',
  '.',
  '',
  '/',
  '\n',
  'base.raw\u0000tail',
  'nbd:localhost:1',
  'json:',
  'json:{',
  'json:{"driver":"qcow2","file":{"driver":"file","filename":"disk.qcow2"}}',
  'json:{"file":{"file":{"file":{}}}}',
  'json:{"driver":"raw","offset":"1","file.filename":"base.raw"}',
  `json:${'['.repeat(900)}`,
  'x'.repeat(1023),
  '../'.repeat(300),
  'file:disk.qcow2',
  'file:',
  '\u001b[31mred',
];

/** Overwrites bytes with names and other text, and has the header refer to them. */
function text(image: Buffer, _seed: Seed, random: Random): Buffer {
  const name = Buffer.from(random.pick(NAMES));
  const at = 128 + 8 * random.below(40);
  if (at + name.length > image.length) return image;
  name.copy(image, at);
  image.writeBigUInt64BE(BigInt(at), 8);
  image.writeUInt32BE(name.length, 16);
  return image;
}

function cutOff(image: Buffer, _seed: Seed, random: Random): Buffer {
  const end = random.below(2) === 0 ? random.below(image.length) : random.below(Math.min(256, image.length));
  return Buffer.from(image.subarray(0, end));
}

function lengthen(image: Buffer, _seed: Seed, random: Random): Buffer {
  return Buffer.concat([image, Buffer.alloc(1 + random.below(2000), random.below(256))]);
}
