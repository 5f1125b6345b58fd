/** When the free space of ext is not believed, and what is still read of what is broken. */
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuestError } from '../../../../src/guest/errors';
import { CRC32C_START, crc32c } from '../../../../src/guest/crc32c';
import { openExt } from '../../../../src/guest/ext/extSystem';
import type { FileSystem } from '../../../../src/guest/fileSystem';
import { silent } from '../../../../src/qcow2/progress';
import { seededRandom } from '../../../support/builder/random';
import { MemoryDevice } from '../../../support/guest/devices';
import { fragment, makeTree } from '../../../support/guest/extImages';
import { debugfs, succeed } from '../../../support/guest/extJudge';
import { freeOf } from '../../../support/guest/tree';
import { workspace } from '../../../support/workspace';

const BLOCK = 1024;
const SUPERBLOCK = 1024;
const STATE = SUPERBLOCK + 0x3a;
const INCOMPATIBLE = SUPERBLOCK + 0x60;
const READ_ONLY_COMPATIBLE = SUPERBLOCK + 0x64;

const place = workspace();
const tree = place.path('tree');
/** By the kind of checksums: the same contents. */
const images = new Map<string, Uint8Array>();

beforeAll(() => {
  fs.mkdirSync(tree);
  makeTree(tree, seededRandom(3), 30);
  const kinds = { none: '^metadata_csum', groups: '^metadata_csum,uninit_bg', all: 'metadata_csum' };
  for (const [kind, features] of Object.entries(kinds)) {
    const image = place.path(kind);
    const options = ['-t', 'ext4', '-b', '1024', '-g', '1024', '-J', 'size=1', '-O', features];
    succeed('mke2fs', ['-q', '-F', ...options, '-d', tree, image, '10M']);
    fragment(image, place.folder);
    images.set(kind, fs.readFileSync(image));
  }
});
afterAll(() => {
  place.remove();
});

type Change = (bytes: Buffer) => void;

/** A changed copy of an image, opened. */
function changed(kind: string, change: Change): FileSystem {
  const bytes = Buffer.from(images.get(kind)!);
  change(bytes);
  return openExt(new MemoryDevice(bytes));
}

/** The change of a superblock, with a checksum that fits. */
const resealed =
  (change: Change): Change =>
  (bytes) => {
    change(bytes);
    const checksum = crc32c(CRC32C_START, bytes, SUPERBLOCK, SUPERBLOCK + 0x3fc);
    bytes.writeUInt32LE(checksum, SUPERBLOCK + 0x3fc);
  };

const doubtsOf = (system: FileSystem): string[] => system.doubts.map(({ code }) => code);

/** What the walk over free space throws. */
function refusal(system: FileSystem): GuestError['problem'] {
  try {
    freeOf(system);
  } catch (error) {
    if (error instanceof GuestError) return error.problem;
    throw error;
  }
  throw new Error('free space was told');
}

/** Changes an image with debugfs. */
function changedBy(kind: string, commands: readonly string[]): FileSystem {
  const image = place.path('changed');
  fs.writeFileSync(image, images.get(kind)!);
  debugfs(image, commands, true);
  return openExt(new MemoryDevice(fs.readFileSync(image)));
}

const idOf = (system: FileSystem, name: string, folder = system.root): number =>
  system.list(folder).entries.find((entry) => entry.name === name)!.id;

/** Where a block pointer of a group's descriptor leads. */
const tableOf = (bytes: Buffer, group: number, field: number): number =>
  bytes.readUInt32LE(2 * BLOCK + group * (bytes.readUInt16LE(SUPERBLOCK + 0xfe) || 32) + field);

describe.each(['none', 'groups', 'all'])('ext with checksums of %s', (kind) => {
  it('is believed when it was closed', () => {
    expect(changed(kind, () => undefined).doubts).toEqual([]);
  });

  it.each([
    ['was not closed', 0, 'ext.unclean'],
    ['has errors', 3, 'ext.errors'],
    ['was stopped while it looked for orphans', 5, 'ext.unclean'],
  ])('is not believed when it %s', (_, state, code) => {
    const system = changed(
      kind,
      resealed((bytes) => bytes.writeUInt16LE(state, STATE)),
    );
    expect(doubtsOf(system)).toEqual([code]);
    expect(system.list(system.root).problem).toBeUndefined();
  });

  it('is not believed while its journal has something', () => {
    const system = changedBy(kind, ['jo', 'jw -b 4000 /dev/null', 'jc', 'feature -needs_recovery']);
    expect(doubtsOf(system)).toEqual(['ext.recover']);
  });

  it('is not believed when it is longer than its device', () => {
    const bytes = images.get(kind)!.subarray(0, 10 * 1024 * 1024 - BLOCK);
    const system = openExt(new MemoryDevice(bytes));
    expect(doubtsOf(system)).toEqual(['ext.larger']);
    expect(refusal(system).code).toBe('guest.beyond');
    expect(system.list(system.root).entries.length).toBeGreaterThan(10);
  });

  it('is not believed where the map says that metadata is free', () => {
    const system = changed(kind, (bytes) => {
      const table = tableOf(bytes, 0, 8);
      const bit = table - 1;
      bytes[tableOf(bytes, 0, 0) * BLOCK + Math.floor(bit / 8)]! &= ~(1 << (bit % 8));
    });
    expect(refusal(system).code).toBe(kind === 'all' ? 'guest.checksum' : 'guest.value');
  });

  it('is not believed where the map and the counts disagree', () => {
    const system = changed(kind, (bytes) => {
      const at = tableOf(bytes, 0, 0) * BLOCK;
      const free = bytes.subarray(at, at + 128).findIndex((byte) => byte === 0);
      if (free >= 0) bytes[at + free] = 1;
      else bytes[at + 127]! &= 0x7f;
    });
    expect(refusal(system).code).toBe(kind === 'all' ? 'guest.checksum' : 'ext.freeCount');
  });

  it('is not believed where a descriptor was changed', () => {
    const system = changed(kind, (bytes) => {
      bytes[2 * BLOCK + 0xc]! ^= 1;
    });
    expect(refusal(system).code).toBe(kind === 'none' ? 'ext.freeCount' : 'guest.checksum');
  });

  it('is not believed where a table is outside of it, or two are in the same place', () => {
    const beyond = changed(kind, (bytes) => bytes.writeUInt32LE(0x7fffffff, 2 * BLOCK));
    expect(refusal(beyond).code).toBe(kind === 'none' ? 'guest.beyond' : 'guest.checksum');
    const same = changed(kind, (bytes) => {
      bytes.copyWithin(2 * BLOCK + 64, 2 * BLOCK, 2 * BLOCK + 64);
    });
    expect(refusal(same).code).toBe(kind === 'none' ? 'guest.value' : 'guest.checksum');
  });

  it('knows its features by bit, and doubts all others', () => {
    const bytes = Buffer.from(images.get(kind)!);
    const unknown = (at: number, code: string): number[] => {
      const before = bytes.readUInt32LE(at);
      const found = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => {
        resealed(() => bytes.writeUInt32LE((before | (1 << bit)) >>> 0, at))(bytes);
        try {
          return doubtsOf(openExt(new MemoryDevice(bytes))).includes(code);
        } catch (error) {
          if (error instanceof GuestError) return false;
          throw error;
        }
      });
      bytes.writeUInt32LE(before, at);
      return found;
    };
    expect(unknown(INCOMPATIBLE, 'ext.incompatible')).toEqual([
      0, 5, 11, 12, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    ]);
    expect(unknown(READ_ONLY_COMPATIBLE, 'ext.readOnlyCompatible')).toEqual([
      7, 11, 14, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    ]);
  });
});

describe('ext with broken structures', () => {
  it('is not believed where the checksum of the superblock is wrong', () => {
    const system = changed('all', (bytes) => {
      bytes[SUPERBLOCK + 0x2c]! ^= 1;
    });
    expect(system.doubts).toEqual([{ code: 'guest.checksum', what: 'superblock', offset: 1024 }]);
  });

  it('is not believed where checksums are of an unknown type, or the revision is newer', () => {
    const type = changed(
      'all',
      resealed((bytes) => (bytes[SUPERBLOCK + 0x175] = 2)),
    );
    expect(doubtsOf(type)).toEqual(['guest.value']);
    const revision = changed('none', (bytes) => bytes.writeUInt32LE(2, SUPERBLOCK + 0x4c));
    expect(doubtsOf(revision)).toEqual(['ext.revision']);
  });

  it('heeds BLOCK_UNINIT only where descriptors have checksums', () => {
    const system = changed('none', (bytes) => bytes.writeUInt16LE(2, 2 * BLOCK + 0x12));
    expect(freeOf(system)).toEqual(freeOf(changed('none', () => undefined)));
  });

  it('names a copy of the superblock when the first one is gone', () => {
    const image = place.path('lost');
    succeed('mke2fs', ['-q', '-F', '-b', '1024', image, '20M']);
    const bytes = fs.readFileSync(image).fill(0, 1024, 2048);
    expect(() => openExt(new MemoryDevice(bytes))).toThrow(
      expect.objectContaining({
        problem: { code: 'ext.backup', what: 'superblock', offset: 1024, value: 8193 },
      }),
    );
    expect(() => openExt(new MemoryDevice(bytes.subarray(0, 1_000_000)))).toThrow('guest.value');
    expect(() => openExt(new MemoryDevice(bytes.subarray(0, 1500)))).toThrow('guest.beyond');
  });

  it('is not believed while another system has it open', () => {
    const image = place.path('mmp');
    succeed('mke2fs', ['-q', '-F', '-b', '1024', '-O', 'mmp', image, '4M']);
    const bytes = fs.readFileSync(image);
    expect(openExt(new MemoryDevice(bytes)).doubts).toEqual([]);
    bytes.writeUInt32LE(7, bytes.readUInt32LE(SUPERBLOCK + 0x168) * BLOCK + 4);
    expect(doubtsOf(openExt(new MemoryDevice(bytes)))).toEqual(['ext.inUse']);
  });

  it('names the journal of another file system', () => {
    const image = place.path('journal');
    succeed('mke2fs', ['-q', '-F', '-O', 'journal_dev', '-b', '4096', '-L', 'log', image, '8M']);
    const system = openExt(new MemoryDevice(fs.readFileSync(image)));
    expect([system.kind, system.label, system.size]).toEqual(['ext journal', 'log', 8 * 1024 * 1024]);
    expect(doubtsOf(system)).toEqual(['ext.journalDevice']);
    expect(refusal(system).code).toBe('ext.journalDevice');
    expect(system.used(silent)).toBe(system.size);
    expect(() => system.list(system.root)).toThrow(GuestError);
  });

  it('lists a folder whose inode or block has a wrong checksum, and says so', () => {
    const inode = changed('all', (bytes) => {
      bytes[tableOf(bytes, 0, 8) * BLOCK + 256 + 8]! ^= 1;
    });
    const { entries, problem } = inode.list(inode.root);
    expect(problem).toMatchObject({ code: 'guest.checksum', what: 'inode' });
    expect(entries.length).toBeGreaterThan(10);
    expect(inode.stat(inode.root).problem).toEqual(problem);

    const names = changed('all', () => undefined);
    const at = [...names.extents(names.root)][0]!.place!;
    const block = changed('all', (bytes) => {
      bytes[bytes.indexOf('link of 60', at)] = 0x4c;
    });
    const listing = block.list(block.root);
    expect(listing.problem).toMatchObject({ code: 'guest.checksum', what: 'folder' });
    expect(listing.entries.map(({ name }) => name)).toContain('Link of 60');
    expect(listing.entries).toHaveLength(names.list(names.root).entries.length);
  });

  it('does not read a file whose extents have a wrong checksum', () => {
    const image = place.path('all');
    const id = idOf(
      changed('all', () => undefined),
      'fragmented',
    );
    const [, block] = /\(ETB0\):(\d+)/.exec(debugfs(image, [`stat <${id}>`])) ?? [];
    const system = changed('all', (bytes) => {
      bytes[Number(block) * BLOCK + BLOCK - 6 * 12]! ^= 1;
    });
    expect(() => system.read(id, 0, new Uint8Array(100_000))).toThrow('guest.checksum');
    expect(() => [...system.extents(id)]).toThrow('guest.checksum');
    expect(system.stat(id).size).toBe(30_000);
  });

  it('lists what it can of a folder with a broken entry', () => {
    const names = changed('none', () => undefined);
    const folder = idOf(names, 'many');
    const whole = names.list(folder).entries.length;
    const at = [...names.extents(folder)][0]!.place!;
    const system = changed('none', (bytes) => {
      const second = at + 24 + bytes.readUInt16LE(at + 24 + 4);
      bytes.writeUInt16LE(3, second + 4);
    });
    const { entries, problem } = system.list(folder);
    expect(problem).toMatchObject({ code: 'guest.value', what: 'rec_len', value: 3 });
    expect(entries.length).toBeLessThan(whole);
    expect(entries.length).toBeGreaterThan(0);
  });

  it('says when a folder names a file that is not there', () => {
    const system = changedBy('none', ['clri sparse']);
    const id = idOf(system, 'sparse');
    expect(() => system.stat(id)).toThrow('ext.deleted');
    expect(() => system.stat(0)).toThrow('guest.value');
    expect(() => system.stat(1e9)).toThrow('guest.value');
    expect(() => system.list(idOf(system, 'pipe'))).toThrow('guest.notFolder');
    expect(() => system.read(system.root, 0, new Uint8Array(1))).toThrow('guest.notFile');
  });
});
