/** Damages tables of built images as accidents do; the check has to find it. */
import { type BuiltImage, image, type ImageBuilder } from './imageBuilder';
import type { Random } from './builder/random';

export interface Patient {
  readonly name: string;
  readonly built: BuiltImage;
  readonly refcountBits: number;
}

const mixed = (builder: ImageBuilder): ImageBuilder =>
  builder.data(0, 3).zeroPlain(4).zeroAllocated(5).compressed(7, 3).data(12);

const PATIENTS: Readonly<Record<string, () => ImageBuilder>> = {
  v2: () => mixed(image({ version: 2, clusterBits: 9 })),
  shuffled: () => mixed(image({ clusterBits: 9, size: '256k', order: { shuffledBy: 5 } })).data(300, 3),
  clusters64k: () => mixed(image({ clusterBits: 16 })),
  extended: () =>
    image({ clusterBits: 14, extendedL2: true })
      .data(0)
      .subclusters(1, 'DZ.')
      .subclusters(2, 'Z.')
      .subclusters(3, 'Z..', { allocated: true })
      .compressed(4, 2),
  snapshots: () =>
    mixed(image({ clusterBits: 9 }))
      .snapshot('one')
      .data(1)
      .snapshot('two', { extraSize: 16, vmStateSize: 2 ** 33 })
      .data(2),
  snapshotsV2: () =>
    mixed(image({ version: 2, clusterBits: 9 }))
      .snapshot('one')
      .data(1),
  incomplete: () =>
    mixed(image({ clusterBits: 9 }))
      .snapshot('one', { extraSize: 8, vmStateSize: 4096 })
      .data(1)
      .snapshot('two', { extraSize: 0 }),
  bitmaps: () =>
    mixed(image({ clusterBits: 9, size: '1M' }))
      .bitmap('b0', { granularityBits: 9, dirty: [[0, 40_000]], auto: true })
      .bitmap('b1', { dirty: 'all', inUse: true }),
  dataFile: () =>
    image({ clusterBits: 12, dataFile: { name: 'disk.data' } })
      .data(0, 2)
      .zeroAllocated(3),
  ...Object.fromEntries(
    [0, 1, 2, 3, 5, 6].map((order) => [
      `refcount${2 ** order}`,
      () => mixed(image({ clusterBits: 9, refcountOrder: order })),
    ]),
  ),
  shared8: () =>
    mixed(image({ clusterBits: 9, refcountOrder: 3 }))
      .snapshot('one')
      .data(1)
      .snapshot('two'),
};

export function patients(): Patient[] {
  return Object.entries(PATIENTS).map(([name, make]) => {
    const width = /^refcount(\d+)$/.exec(name)?.[1] ?? (name === 'shared8' ? '8' : '16');
    return { name, built: make().build(), refcountBits: Number(width) };
  });
}

type Damage = (bytes: Buffer, patient: Patient, random: Random) => Buffer | undefined;

/** Each with the words that a failure is told with. */
export const DAMAGES: Readonly<Record<string, Damage>> = {
  'a refcount changed': refcount,
  'an L2 entry changed': l2Entry,
  'flags of an L2 entry flipped': l2Flags,
  'a subcluster bitmap changed': subclusters,
  'two L2 entries swapped': swapped,
  'an L2 entry repeated elsewhere': repeated,
  'an L1 entry changed': l1Entry,
  'a refcount table entry changed': refcountTable,
  'a snapshot changed': snapshot,
  'a bitmap table changed': bitmap,
  'a pointer led onto another structure': pointer,
  'the file cut off or longer': length,
  'bits flipped anywhere': flips,
};

/** A damaged copy, and a description of the damage. */
export function damage(patient: Patient, random: Random): { readonly bytes: Buffer; readonly what: string } {
  let bytes = patient.built.toBuffer();
  const done: string[] = [];
  const count = random.below(3) === 0 ? 1 + random.below(5) : 1;
  for (let tries = 0; done.length < count && tries < 50; tries++) {
    const what = random.pick(Object.keys(DAMAGES));
    const damaged = DAMAGES[what]!(bytes, patient, random);
    if (damaged === undefined) continue;
    bytes = damaged;
    done.push(what);
  }
  return { bytes, what: `${patient.name}: ${done.join(', ')}` };
}

/** Offsets that mean something: of structures, of data, near the file's end, far away, not aligned. */
function somewhere(bytes: Buffer, { built }: Patient, random: Random): bigint {
  const { layout, model } = built;
  const cluster = BigInt(model.clusterSize);
  const places = [
    0,
    layout.l1Offset,
    layout.refcountTableOffset,
    ...layout.refcountBlockOffsets,
    ...layout.l2Offsets.values(),
    ...layout.hostOffsets.values(),
    ...layout.snapshotL1Offsets,
    ...layout.bitmapTableOffsets,
    layout.snapshotTableOffset ?? 0,
  ].map((place) => BigInt(place - (place % model.clusterSize)));
  switch (random.below(6)) {
    case 0:
      return random.pick(places) + BigInt(512 * random.below(8));
    case 1:
      return (BigInt(bytes.length) / cluster + BigInt(random.below(4) - 1)) * cluster;
    case 2:
      return BigInt(random.below(2 ** 32)) * cluster;
    default:
      return random.pick(places);
  }
}

const COPIED = 1n << 63n;

function entry(bytes: Buffer, patient: Patient, random: Random): bigint {
  const flags = random.pick([0n, COPIED, COPIED, COPIED | 1n, 1n, 1n << 62n, 3n << 62n, 1n << 58n, 4n]);
  return random.below(8) === 0 ? flags : (somewhere(bytes, patient, random) & ((1n << 56n) - 1n)) | flags;
}

function put(bytes: Buffer, offset: number, value: bigint): Buffer | undefined {
  if (offset + 8 > bytes.length) return undefined;
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), offset);
  return bytes;
}

function refcount(bytes: Buffer, { built, refcountBits }: Patient, random: Random): Buffer | undefined {
  const block = random.pick(built.layout.refcountBlockOffsets);
  const cluster = random.below(Math.ceil(bytes.length / built.model.clusterSize) + 2);
  const bit = cluster * refcountBits;
  const at = block + Math.floor(bit / 8);
  if (at + refcountBits / 8 > bytes.length || bit >= built.model.clusterSize * 8) return undefined;
  const value = random.pick([0, 0, 1, 2, 3, 127, 128, 252, 253, 254, 255, 256, 65535, 2 ** 32 - 1]);
  if (refcountBits < 8) bytes[at]! ^= (1 + random.below(2 ** refcountBits - 1)) << (bit % 8);
  else if (refcountBits === 64) put(bytes, at, BigInt(value) << BigInt(random.pick([0, 0, 0, 31])));
  else bytes.writeUIntBE(value % 2 ** refcountBits, at, refcountBits / 8);
  return bytes;
}

/** An entry of some L2 table, of the active layer. */
function l2At({ built }: Patient, random: Random): number | undefined {
  const { layout, model } = built;
  const tables = [...layout.l2Offsets.values()];
  if (tables.length === 0) return undefined;
  const used = Math.min(layout.l2Entries, Math.ceil(model.size / model.clusterSize) + 1);
  return random.pick(tables) + random.below(used) * layout.l2EntrySize;
}

function l2Entry(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const at = l2At(patient, random);
  return at === undefined ? undefined : put(bytes, at, entry(bytes, patient, random));
}

function l2Flags(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const at = l2At(patient, random);
  if (at === undefined || at + 8 > bytes.length) return undefined;
  return put(bytes, at, bytes.readBigUInt64BE(at) ^ (1n << BigInt(random.pick([63, 63, 62, 57, 9, 3, 0]))));
}

function subclusters(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const at = l2At(patient, random);
  if (at === undefined || patient.built.layout.l2EntrySize !== 16) return undefined;
  const value = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
  return put(bytes, at + 8, random.below(2) === 0 ? value : value & 0xffff0000ffffn);
}

function swapped(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const [one, other] = [l2At(patient, random), l2At(patient, random)];
  if (one === undefined || other === undefined || Math.max(one, other) + 8 > bytes.length) return undefined;
  const value = bytes.readBigUInt64BE(one);
  put(bytes, one, bytes.readBigUInt64BE(other));
  return put(bytes, other, value);
}

function repeated(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const [from, to] = [l2At(patient, random), l2At(patient, random)];
  if (from === undefined || to === undefined || Math.max(from, to) + 8 > bytes.length) return undefined;
  return put(bytes, to, bytes.readBigUInt64BE(from));
}

function l1Entry(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const { layout } = patient.built;
  const table = random.pick([layout.l1Offset, ...layout.snapshotL1Offsets]);
  return put(bytes, table + 8 * random.below(Math.max(1, layout.l1Entries)), entry(bytes, patient, random));
}

function refcountTable(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const at = patient.built.layout.refcountTableOffset + 8 * random.below(3);
  const value = somewhere(bytes, patient, random) + random.pick([0n, 0n, 0n, 1n, 1n << 60n]);
  return put(bytes, at, random.below(4) === 0 ? 0n : value);
}

/** l1_table_offset, l1_size or extra_data_size of the first snapshot. */
function snapshot(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const { snapshotTableOffset } = patient.built.layout;
  if (snapshotTableOffset === undefined) return undefined;
  if (random.below(2) === 0) return put(bytes, snapshotTableOffset, somewhere(bytes, patient, random));
  const value = random.pick([0, 1, 2, 3, 1000, 2 ** 22, 2 ** 22 + 1]);
  bytes.writeUInt32BE(value, snapshotTableOffset + 8);
  return bytes;
}

function bitmap(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const tables = patient.built.layout.bitmapTableOffsets;
  if (tables.length === 0) return undefined;
  // Only that of the bitmap in use: QEMU reads the other one when it opens the image, and refuses.
  const value = random.below(3) === 0 ? BigInt(random.below(4)) : somewhere(bytes, patient, random);
  return put(bytes, tables.at(-1)! + 8 * random.below(2), value);
}

/** l1_table_offset, refcount_table_offset, snapshots_offset. */
function pointer(bytes: Buffer, patient: Patient, random: Random): Buffer | undefined {
  const { layout, model } = patient.built;
  const places = [layout.l1Offset, layout.refcountTableOffset, ...layout.refcountBlockOffsets];
  places.push(...layout.l2Offsets.values(), ...layout.hostOffsets.values(), ...layout.bitmapTableOffsets);
  const field = random.pick([40, 40, 48, ...(layout.snapshotTableOffset === undefined ? [] : [64])]);
  const place = random.pick(places);
  return put(bytes, field, BigInt(place - (place % model.clusterSize)));
}

function length(bytes: Buffer, { built }: Patient, random: Random): Buffer {
  const { clusterSize } = built.model;
  if (random.below(2) === 0) return Buffer.concat([bytes, Buffer.alloc(random.below(3 * clusterSize))]);
  return Buffer.from(bytes.subarray(0, bytes.length - random.below(3 * clusterSize)));
}

function flips(bytes: Buffer, { built }: Patient, random: Random): Buffer {
  const { clusterSize } = built.model;
  // Not in the header, whose damage keeps an image from being opened.
  const at = clusterSize + random.below(bytes.length - clusterSize);
  bytes[at]! ^= 1 << random.below(8);
  return bytes;
}
