/**
 * Images that break a rule of the format, one rule each (what QEMU checks when it opens an image, and what it finds
 * in tables while it maps). The command line must reach the same verdict as QEMU, with one line for each fault.
 */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command';
import { EXTENSION, image, type ImageBuilder } from '../support/imageBuilder';
import type { Ran } from '../support/process';
import { qemuImg } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';

interface Broken {
  /** The fault, as the end of "an image with …". */
  readonly name: string;
  readonly build: () => Buffer;
  /** What our sentence must name. */
  readonly says?: RegExp;
  /** Where the verdict differs from QEMU's on purpose: which verb, our exit code, and why. */
  readonly differs?: { readonly info?: number; readonly map?: number; readonly because: string };
}

const plain = (): ImageBuilder => image({ clusterBits: 12 }).data(0, 3).zeroPlain(4).compressed(6, 2);

/** Overwrites a big-endian field of a built image. */
function poke(builder: ImageBuilder, offset: number, length: 1 | 2 | 4 | 8, value: number | bigint): Buffer {
  const bytes = builder.toBuffer();
  put(bytes, offset, length, value);
  return bytes;
}

function put(bytes: Buffer, offset: number, length: 1 | 2 | 4 | 8, value: number | bigint): void {
  if (length === 8) bytes.writeBigUInt64BE(BigInt(value), offset);
  else bytes.writeUIntBE(Number(value), offset, length);
}

/** Offset of the data of a header extension. */
function extensionAt(bytes: Buffer, type: number): number {
  const marker = Buffer.alloc(4);
  marker.writeUInt32BE(type);
  return bytes.indexOf(marker) + 8;
}

/** Overwrites a field within a header extension's data (−4: its length). */
function pokeExtension(
  builder: ImageBuilder,
  type: number,
  at: number,
  length: 1 | 2 | 4 | 8,
  value: number | bigint,
): Buffer {
  const bytes = builder.toBuffer();
  put(bytes, extensionAt(bytes, type) + at, length, value);
  return bytes;
}

/** Overwrites an entry of the first L2 table. */
function pokeL2(builder: ImageBuilder, index: number, value: bigint): Buffer {
  const { layout } = builder.build();
  return poke(builder, layout.l2Offsets.get(0)! + index * layout.l2EntrySize, 8, value);
}

const bitmapped = (): ImageBuilder => plain().bitmap('b0', { dirty: [[0, 4096]] });
const snapshotted = (): ImageBuilder => plain().snapshot('one').data(1);
const extended = (): ImageBuilder =>
  image({ clusterBits: 14, extendedL2: true }).data(0).subclusters(1, 'DZ.');

const header: Broken[] = [
  { name: 'a wrong magic', build: () => poke(plain(), 0, 1, 0x50), says: /qcow2/ },
  { name: 'version 1', build: () => poke(plain(), 4, 4, 1), says: /version.* 1/ },
  { name: 'version 4', build: () => poke(plain(), 4, 4, 4), says: /version.* 4/ },
  { name: 'cluster_bits 8', build: () => poke(plain(), 20, 4, 8), says: /8/ },
  { name: 'cluster_bits 22', build: () => poke(plain(), 20, 4, 22), says: /22/ },
  { name: 'a header_length of 96', build: () => poke(plain(), 100, 4, 96), says: /96.*104|104.*96/ },
  { name: 'a header_length beyond the cluster', build: () => poke(plain(), 100, 4, 4104), says: /4104/ },
  { name: 'a header_length that is no multiple of 8', build: () => poke(plain(), 100, 4, 110) },
  {
    name: 'a backing name beyond the first cluster',
    build: () => poke(plain(), 8, 8, 5000),
    says: /5000|0x1388/,
  },
  { name: 'compression type 1 without its feature bit', build: () => poke(plain(), 104, 1, 1) },
  { name: 'the compression feature bit with type 0', build: () => poke(plain(), 72, 8, 8n) },
  {
    name: 'an unknown compression type',
    build: () => poke(image({ compression: 'zstd' }), 104, 1, 2),
    says: /2/,
  },
  { name: 'incompatible bit 5', build: () => poke(plain(), 72, 8, 1n << 5n), says: /5|0x20/ },
  { name: 'incompatible bit 63', build: () => poke(plain(), 72, 8, 1n << 63n) },
  {
    name: 'an incompatible bit that its feature name table names',
    build: () => {
      const entry = Buffer.alloc(48);
      entry.writeUInt8(9, 1);
      entry.write('time travel', 2);
      return image({ incompatible: 1n << 9n })
        .extension(EXTENSION.featureNameTable, entry)
        .toBuffer();
    },
    says: /time travel/,
  },
  {
    name: 'subclusters of 256 bytes',
    build: () => poke(image({ clusterBits: 13 }), 72, 8, 16n),
    says: /256/,
  },
  { name: 'refcount_order 7', build: () => poke(plain(), 96, 4, 7), says: /7/ },
  { name: 'no refcount table', build: () => poke(plain(), 56, 4, 0) },
  { name: 'a refcount table of more than 8 MiB', build: () => poke(plain(), 56, 4, 2049) },
  { name: 'a refcount table that is not aligned', build: () => poke(plain(), 48, 8, 4097) },
  { name: 'a refcount table beyond 2^63', build: () => poke(plain(), 48, 8, (1n << 63n) | 4096n) },
  { name: '65537 snapshots', build: () => poke(plain(), 60, 4, 65537), says: /65537.*65536/ },
  { name: 'a snapshot table that is not aligned', build: () => poke(snapshotted(), 64, 8, 513) },
  { name: 'a snapshot table beyond 2^63', build: () => poke(snapshotted(), 64, 8, 1n << 63n) },
  { name: 'an L1 table of more than 32 MiB', build: () => poke(plain(), 36, 4, 2 ** 22 + 1) },
  { name: 'an L1 table that is not aligned', build: () => poke(plain(), 40, 8, 12_296) },
  { name: 'an L1 table beyond 2^63', build: () => poke(plain(), 40, 8, 1n << 63n) },
  {
    name: 'an L1 table that is not aligned and has no entries',
    build: () => poke(image({ size: 0 }), 40, 8, 1),
  },
  { name: 'an L1 table too small for the disk', build: () => poke(plain(), 24, 8, 2 ** 30) },
  { name: 'a disk too large for any L1 table', build: () => poke(plain(), 24, 8, 2n ** 62n) },
  { name: 'a disk of 2^64 − 1 bytes', build: () => poke(plain(), 24, 8, 2n ** 64n - 1n) },
  { name: 'a size that is no multiple of 512', build: () => poke(plain(), 24, 8, 65_000) },
  { name: 'encryption method 3', build: () => poke(plain(), 32, 4, 3), says: /3/ },
  {
    name: 'LUKS encryption without its header extension',
    build: () => poke(plain(), 32, 4, 2),
    differs: { info: 1, map: 1, because: 'QEMU crashes in info; map says "Missing CRYPTO header"' },
  },
  {
    name: 'a LUKS header that is none',
    build: () => image({ crypt: 'luks' }).toBuffer(),
  },
  {
    name: 'a backing name of 1024 bytes',
    build: () => poke(image({ clusterBits: 12, backing: { name: 'b'.repeat(1023) } }), 16, 4, 1024),
    says: /1024.*1023/,
  },
  {
    name: 'a backing name that leaves the first cluster',
    build: () => {
      const bytes = poke(image({ clusterBits: 9, backing: { name: 'base' } }), 8, 8, 500);
      put(bytes, 16, 4, 20);
      return bytes;
    },
  },
];

const extensions: Broken[] = [
  {
    name: 'a header extension longer than its cluster',
    build: () => pokeExtension(plain().extension(0x1234, 'x'), 0x1234, -4, 4, 5000),
  },
  {
    name: 'a header extension of nearly 4 GiB',
    build: () => pokeExtension(plain().extension(0x1234, 'x'), 0x1234, -4, 4, 0xfffffff8),
  },
  {
    name: 'a backing format of 16 bytes',
    build: () => plain().extension(EXTENSION.backingFormat, 'sixteen-letters!').toBuffer(),
    says: /16/,
  },
  {
    name: 'a bitmaps extension of 16 bytes',
    build: () => pokeExtension(bitmapped(), EXTENSION.bitmaps, -4, 4, 16),
  },
  {
    name: 'a reserved field in its bitmaps extension',
    build: () => pokeExtension(bitmapped(), EXTENSION.bitmaps, 4, 4, 1),
  },
  {
    name: 'a bitmaps extension without bitmaps',
    build: () => pokeExtension(bitmapped(), EXTENSION.bitmaps, 0, 4, 0),
  },
  { name: '65536 bitmaps', build: () => pokeExtension(bitmapped(), EXTENSION.bitmaps, 0, 4, 65536) },
  {
    name: 'a bitmap directory that is not aligned',
    build: () => pokeExtension(bitmapped(), EXTENSION.bitmaps, 16, 8, 4097),
  },
  {
    name: 'a bitmap directory larger than any may be',
    build: () => pokeExtension(bitmapped(), EXTENSION.bitmaps, 8, 8, 67_107_841),
  },
  {
    name: 'a bitmap directory beyond the file',
    build: () => pokeExtension(bitmapped(), EXTENSION.bitmaps, 16, 8, 2 ** 40),
  },
  {
    name: 'fewer bitmaps in its directory than it says',
    build: () => pokeExtension(bitmapped(), EXTENSION.bitmaps, 0, 4, 2),
  },
  {
    name: 'a bitmap of granularity 2^8',
    build: () => {
      const builder = bitmapped();
      return poke(builder, builder.build().layout.bitmapDirectoryOffset! + 17, 1, 8);
    },
    says: /8/,
  },
  {
    name: 'a bitmap of granularity 2^32',
    build: () => {
      const builder = bitmapped();
      return poke(builder, builder.build().layout.bitmapDirectoryOffset! + 17, 1, 32);
    },
  },
  {
    name: 'a bitmap whose name reaches beyond the directory',
    build: () => {
      const builder = bitmapped();
      return poke(builder, builder.build().layout.bitmapDirectoryOffset! + 18, 2, 1000);
    },
  },
  {
    name: 'a bitmap of an unknown type',
    build: () => {
      const builder = bitmapped();
      return poke(builder, builder.build().layout.bitmapDirectoryOffset! + 16, 1, 2);
    },
  },
  {
    name: 'a bitmap with reserved flags',
    build: () => {
      const builder = bitmapped();
      return poke(builder, builder.build().layout.bitmapDirectoryOffset! + 12, 4, 0x80);
    },
  },
  {
    name: 'a bitmap table that is not aligned',
    build: () => {
      const builder = bitmapped();
      return poke(builder, builder.build().layout.bitmapDirectoryOffset!, 8, 4097);
    },
  },
  {
    name: 'a bitmap table too large for its disk',
    build: () => {
      const builder = bitmapped();
      return poke(builder, builder.build().layout.bitmapDirectoryOffset! + 8, 4, 1000);
    },
  },
];

const tables: Broken[] = [
  {
    name: 'a snapshot with 1032 bytes of extra data',
    build: () => plain().snapshot('one', { extraSize: 1032 }).toBuffer(),
    says: /103\d.*1024/,
  },
  {
    name: 'a snapshot whose name reaches beyond the file',
    build: () => {
      const builder = snapshotted();
      return poke(builder, builder.build().layout.snapshotTableOffset! + 14, 2, 65535);
    },
  },
  {
    name: 'more snapshots than its table has',
    build: () => poke(snapshotted(), 60, 4, 3),
  },
  {
    name: 'a snapshot without extra data',
    build: () => plain().snapshot('one', { extraSize: 0 }).toBuffer(),
  },
  {
    name: 'an L2 table that is not aligned',
    build: () => poke(plain(), plain().build().layout.l1Offset, 8, (1n << 63n) | 0x3200n),
  },
  {
    name: 'reserved bits in an L1 entry',
    build: () => {
      const { layout } = plain().build();
      const entry = (1n << 63n) | (1n << 60n) | BigInt(layout.l2Offsets.get(0)!);
      return poke(plain(), layout.l1Offset, 8, entry);
    },
    differs: { map: 1, because: 'QEMU masks reserved bits while it reads; its check calls them corruptions' },
  },
  {
    name: 'an L2 table beyond the file',
    build: () => poke(plain(), plain().build().layout.l1Offset, 8, (1n << 63n) | (2n ** 40n)),
  },
  { name: 'a data cluster that is not aligned', build: () => pokeL2(plain(), 0, (1n << 63n) | 0x4200n) },
  { name: 'a data cluster beyond the file', build: () => pokeL2(plain(), 0, (1n << 63n) | (2n ** 40n)) },
  {
    name: 'reserved bits in an L2 entry',
    build: () => pokeL2(plain(), 4, 0b11n),
    differs: { map: 1, because: 'QEMU masks reserved bits while it reads; its check calls them corruptions' },
  },
  {
    name: 'a zero flag in version 2',
    build: () => pokeL2(image({ version: 2, clusterBits: 12 }).data(0), 1, 1n),
  },
  {
    name: 'a compressed cluster beyond the file',
    build: () => pokeL2(plain(), 0, (1n << 62n) | (2n ** 40n)),
  },
  {
    name: 'a compressed cluster in an image with a data file',
    build: () =>
      pokeL2(image({ clusterBits: 12, dataFile: { name: 'd.raw' } }).data(0), 0, (1n << 62n) | 512n),
  },
  {
    name: 'data at another offset of its data file than the guest has it',
    build: () => {
      const dataFile = { name: 'd.raw', scattered: true };
      return image({ clusterBits: 12, dataFile }).data(1).toBuffer();
    },
  },
  {
    name: 'a subcluster that is both data and zero',
    build: () => {
      const { layout } = extended().build();
      return poke(extended(), layout.l2Offsets.get(0)! + 16 + 8, 8, (1n << 32n) | 1n);
    },
  },
  {
    name: 'data subclusters without a host cluster',
    build: () => {
      const { layout } = extended().build();
      return poke(extended(), layout.l2Offsets.get(0)! + 16, 8, 0n);
    },
  },
];

const names: Broken[] = [
  {
    name: 'a data file bit but no data file name',
    build: () => image({ incompatible: 4n }).toBuffer(),
  },
  {
    name: 'a raw data file bit but no data file',
    build: () => image({ autoclear: 2n }).toBuffer(),
  },
  {
    name: 'a missing data file',
    build: () =>
      image({ dataFile: { name: 'missing.data' } })
        .data(0)
        .toBuffer(),
  },
  {
    name: 'a missing backing file',
    build: () => image({ backing: { name: 'missing.qcow2', format: 'qcow2' } }).toBuffer(),
  },
  {
    name: 'a missing backing file without a format',
    build: () => image({ backing: { name: 'missing.qcow2' } }).toBuffer(),
  },
  {
    name: 'a backing format that does not exist',
    build: () => image({ backing: { name: 'd.raw', format: 'nonesuch' } }).toBuffer(),
    says: /nonesuch/,
  },
  {
    name: 'a backing file that is no qcow2 image although the header says so',
    build: () => image({ backing: { name: 'd.raw', format: 'qcow2' } }).toBuffer(),
  },
  {
    name: 'a json: backing name that is no JSON',
    build: () => image({ backing: { name: 'json:{', format: 'qcow2' } }).toBuffer(),
  },
  {
    name: 'a backing name of an unknown protocol',
    build: () => image({ backing: { name: 'nonesuch:host', format: 'raw' } }).toBuffer(),
  },
];

describe.each([...header, ...extensions, ...tables, ...names])('an image with $name', (broken) => {
  let place: Workspace;
  beforeAll(() => {
    place = workspace();
    fs.writeFileSync(place.path('disk.qcow2'), broken.build());
    fs.writeFileSync(place.path('d.raw'), Buffer.alloc(65536, 7));
  });
  afterAll(() => {
    place.remove();
  });

  const verbs = { info: ['info'], map: ['map', '--output=json'], chain: ['info', '--backing-chain'] };
  test.each(Object.entries(verbs))('gets from %s the verdict that QEMU gives', async (verb, args) => {
    const judge = qemuImg([...args, '-f', 'qcow2', 'disk.qcow2'], { cwd: place.folder });
    const ours = await command(place.folder, ...args, 'disk.qcow2');
    const expected = broken.differs?.[verb === 'map' ? 'map' : 'info'] ?? judge.status;
    expect({ status: ours.status, stderr: ours.stderr, qemu: judge.stderr }).toMatchObject({
      status: expected,
    });
    if (expected === 0) return;
    expectLines(ours);
    if (broken.says !== undefined && verb === 'info') expect(ours.stderr).toMatch(broken.says);
  });
});

/** One for each fault. */
function expectLines({ stderr }: Ran): void {
  expect(stderr).toMatch(/^(?:qcow2: [^\n]+: [^\n]+\n)+$/);
  expect(stderr).not.toMatch(/fault of the program|\bundefined\b|\bNaN\b|\{\w+\}/);
}
