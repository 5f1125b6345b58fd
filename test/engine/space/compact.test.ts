/** Compaction in place: QEMU reads the same, the file is shorter, and whatever leads to what was moved leads there. */
import * as fs from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { CancelledError, EngineError, type Problem } from '../../../src/qcow2/errors';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { openLocalFile } from '../../../src/qcow2/io/localFile';
import { type Progress, toEnd } from '../../../src/qcow2/progress';
import { localDisk } from '../../../src/qcow2/save/localDisk';
import { compact, type Compacted } from '../../../src/qcow2/space/compact';
import { guestCluster, guestOffset } from '../../../src/qcow2/units';
import { compactFile, mustBeClean, mustBeShort, visible } from '../../support/compaction';
import { Holder } from '../../support/holder';
import {
  image,
  type ImageBuilder,
  type ImageLayout,
  type ImageOptions,
  noise,
} from '../../support/imageBuilder';
import { run } from '../../support/process';
import { mustQemuImg, mustQemuIo, qemuImg } from '../../support/qemu';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';

const place = workspace();
const DISK = place.path('disk.qcow2');
const MIB = 2 ** 20;
const isRoot = process.getuid?.() === 0;

afterAll(() => {
  place.remove();
});

beforeEach(() => {
  for (const name of fs.readdirSync(place.folder)) fs.rmSync(place.path(name), { recursive: true });
});

const open = (): EditableImage =>
  EditableImage.open(DISK, { followsNames: true, scratchPath: place.path('scratch') });

function on<T>(use: (opened: EditableImage) => T): T {
  const opened = open();
  try {
    return use(opened);
  } finally {
    opened.close();
  }
}

const create = (options: string, size = '32M'): void => {
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', options, DISK, size]);
};

const discard = (...ranges: string[]): void => {
  mustQemuIo(
    DISK,
    ranges.map((range) => `discard ${range}`),
    {},
    ['-d', 'unmap'],
  );
};

const length = (): number => fs.statSync(DISK).size;

function expectSame(now: readonly (Buffer | string)[], before: readonly (Buffer | string)[]): void {
  const same = now.map((content, index) => Buffer.from(content).equals(Buffer.from(before[index]!)));
  expect(same).toEqual(before.map(() => true));
}

/** Compacts, and expects guest and snapshots to read as before. */
function compacted(snapshots: readonly string[] = []): Compacted {
  const before = visible(place.folder, snapshots);
  const report = on((opened) => toEnd(opened.space.compact()));
  expect(report.stopped).toBeUndefined();
  expect(report.after).toEqual({ fileSize: length(), allocatedBytes: fs.statSync(DISK).blocks * 512 });
  mustBeClean(place.folder);
  mustBeShort(DISK);
  expectSame(visible(place.folder, snapshots), before);
  expect(fs.readdirSync(place.folder).filter((name) => name.includes('journal'))).toEqual([]);
  return report;
}

describe('compaction', () => {
  it('makes the file as short as what is in use, and moves no more than that takes', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 24M']);
    discard('1M 10M', '20M 1M');
    const preview = on((opened) => opened.space.previewCompact());
    const report = compacted();
    expect(report.before.fileSize - report.after.fileSize).toBeGreaterThanOrEqual(11 * MIB);
    expect(preview).toEqual({
      fileSize: report.before.fileSize,
      newFileSize: length(),
      moveBytes: report.movedBytes,
      leakedBytes: 0,
      roomBytes: expect.any(Number) as number,
    });
    expect(report.movedBytes).toBeLessThanOrEqual(10 * MIB);
    mustQemuIo(DISK, ['read -P 1 0 1M', 'read -P 0 1M 10M', 'read -P 1 11M 9M', 'read -P 1 21M 3M']);
  });

  it.each(['512', '4k', '64k', '2M'])(
    'makes the file no longer than a copy by qemu-img convert (%s)',
    (clusterSize) => {
      create(`cluster_size=${clusterSize}`);
      mustQemuIo(DISK, ['write -P 1 0 24M', 'write -P 2 28M 4M']);
      discard('0 2M', '6M 8M', '20M 2M');
      const copy = place.path('copy.qcow2');
      const options = ['-O', 'qcow2', '-o', `cluster_size=${clusterSize}`];
      mustQemuImg(['convert', ...options, DISK, copy]);
      // Tables that say nothing but zero.
      on((opened) => {
        opened.apply({ kind: 'shrink', sources: ['allocatedZeroes'], policy: 'unallocate' });
        opened.save({ keepsUndo: false });
      });
      compacted();
      expect(length()).toBeLessThanOrEqual(fs.statSync(copy).size);
    },
  );

  it('finds nothing to do the second time', () => {
    create('cluster_size=4k');
    mustQemuIo(DISK, ['write -P 1 0 8M']);
    discard('0 4M');
    expect(compacted().changed).toBe(true);
    const before = fs.statSync(DISK, { bigint: true }).mtimeNs;
    const { newFileSize, fileSize, moveBytes } = on((opened) => opened.space.previewCompact());
    expect({ newFileSize, moveBytes }).toEqual({ newFileSize: fileSize, moveBytes: 0 });
    expect(compacted()).toMatchObject({ changed: false, movedBytes: 0 });
    expect(fs.statSync(DISK, { bigint: true }).mtimeNs).toBe(before);
  });

  it('repairs leaks first', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 2M']);
    const clean = length();
    const file = fs.openSync(DISK, 'r+');
    fs.ftruncateSync(file, clean + 65536);
    fs.writeSync(file, Buffer.from([0, 1]), 0, 2, 2 * 65536 + (clean / 65536) * 2);
    fs.closeSync(file);
    expect(qemuImg(['check', DISK]).status).toBe(3);
    expect(on((opened) => opened.space.previewCompact()).leakedBytes).toBe(65536);
    expect(compacted().changed).toBe(true);
    expect(length()).toBe(clean);
  });

  it('moves what snapshots share once, with its refcount', () => {
    create('cluster_size=4k', '16M');
    mustQemuIo(DISK, ['write -P 9 0 2M', 'write -P 1 4M 2M']);
    mustQemuImg(['snapshot', '-c', 'one', DISK]);
    mustQemuIo(DISK, ['write -P 2 5M 2M']);
    mustQemuImg(['snapshot', '-c', 'two', DISK]);
    mustQemuIo(DISK, ['write -P 3 6M 64k', 'write -P 3 9M 64k']);
    mustQemuImg(['snapshot', '-d', 'one', DISK]);
    mustQemuImg(['snapshot', '-c', 'three', DISK]);
    discard('0 2M');
    compacted(['two', 'three']);
  });

  it('shortens refcount structures', () => {
    create('cluster_size=512,refcount_bits=64', '6M');
    mustQemuIo(DISK, ['write -P 1 0 4M']);
    discard('64k 3M');
    const clusters = (): number => fs.readFileSync(DISK).readUInt32BE(56);
    const before = clusters();
    compacted();
    expect(clusters()).toBeLessThan(before);
  });

  it('leaves a hole of the file a hole', () => {
    create('cluster_size=64k,preallocation=metadata', '16M');
    mustQemuIo(DISK, ['write -P 1 0 4M']);
    discard('0 2M');
    const stored = fs.statSync(DISK).blocks;
    compacted();
    expect(fs.statSync(DISK).blocks).toBeLessThanOrEqual(stored);
  });

  it('moves tables beside an external data file, which it leaves alone', () => {
    const dataFile = { name: 'data.raw' };
    const built = image({ clusterBits: 12, size: 4096 * 512 * 40, dataFile, order: { shuffledBy: 3 } });
    for (let first = 0; first < 512 * 40; first += 512) built.data(first, 2);
    built.writeTo(DISK);
    const data = fs.readFileSync(place.path('data.raw'));
    expect(compacted().movedBytes).toBeGreaterThan(0);
    expect(fs.readFileSync(place.path('data.raw')).equals(data)).toBe(true);
  });

  it('moves VM state past the end of the disk', () => {
    const built = image({ clusterBits: 12, size: 64 * 4096 * 512, order: { shuffledBy: 5 } });
    for (let first = 0; first < 64 * 512; first += 500) built.data(first, 3);
    const bytes = built.build().toBuffer();
    bytes.writeBigUInt64BE(BigInt(32 * 4096 * 512), 24);
    fs.writeFileSync(DISK, bytes);
    const beyond = (): Buffer => {
      const whole = Buffer.from(fs.readFileSync(DISK));
      whole.writeBigUInt64BE(BigInt(64 * 4096 * 512), 24);
      fs.writeFileSync(place.path('whole.qcow2'), whole);
      mustQemuImg(['convert', '-O', 'raw', place.path('whole.qcow2'), place.path('whole.raw')]);
      return fs.readFileSync(place.path('whole.raw'));
    };
    const before = beyond();
    expect(compacted().movedBytes).toBeGreaterThan(0);
    expect(beyond().equals(before)).toBe(true);
  });

  it('moves tables of several clusters, and makes room for them', () => {
    create('cluster_size=512', '1M');
    mustQemuIo(DISK, ['write -P 1 0 512k']);
    // The L1 table moves to the end.
    mustQemuImg(['resize', '-q', DISK, '64M']);
    // Every second cluster: there are no two in a row.
    discard(...Array.from({ length: 64 }, (_, at) => `${at * 1024} 512`));
    const l1Offset = (): number => Number(fs.readFileSync(DISK).readBigUInt64BE(40));
    const before = l1Offset();
    compacted();
    expect(l1Offset()).toBeLessThan(before);
  });

  it('makes refcount blocks where none describes the clusters to move to', () => {
    create('cluster_size=512,refcount_bits=64', '2M');
    mustQemuIo(DISK, ['write -P 1 0 1M']);
    // Tables go, too.
    on((opened) => {
      const options = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
      opened.apply({ kind: 'writeZeroes', start: guestOffset(65536), length: MIB / 2, options });
      opened.save({ keepsUndo: false });
    });
    // Blocks that describe nothing but themselves are kept; the specification does not ask for them.
    const bytes = fs.readFileSync(DISK);
    const table = Number(bytes.readBigUInt64BE(48));
    const blockOf = (index: number): number => Number(bytes.readBigUInt64BE(table + index * 8));
    const refcountAt = (cluster: number): number => blockOf(Math.floor(cluster / 64)) + (cluster % 64) * 8;
    let dropped = 0;
    for (let index = 0; index < 30; index++) {
      const own = blockOf(index) / 512;
      const range = Array.from({ length: 64 }, (_, at) => index * 64 + at);
      if (range.some((each) => each !== own && bytes.readBigUInt64BE(refcountAt(each)) !== 0n)) continue;
      bytes.writeBigUInt64BE(0n, refcountAt(own));
      bytes.writeBigUInt64BE(0n, table + index * 8);
      dropped++;
    }
    expect(dropped).toBeGreaterThan(4);
    fs.writeFileSync(DISK, bytes);
    mustBeClean(place.folder);
    compacted();
  });

  it('drops what could be undone, and the image is edited on', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 8M']);
    on((opened) => {
      opened.apply({ kind: 'discard', start: guestOffset(0), length: 4 * MIB });
      opened.save();
      expect(toEnd(opened.space.compact()).changed).toBe(true);
      expect(opened.edits).toEqual({ undoable: 0, redoable: 0, unsaved: 0 });
      expect(opened.hasChanged()).toBe(false);
      opened.apply({ kind: 'write', start: guestOffset(0), bytes: new Uint8Array(MIB).fill(5) });
      opened.save();
    });
    mustBeClean(place.folder);
    mustQemuIo(DISK, ['read -P 5 0 1M', 'read -P 0 1M 3M', 'read -P 1 4M 4M']);
  });
});

describe('compaction moves, and changes what leads to it,', () => {
  const rich = (seed: number, options: ImageOptions = {}): ImageBuilder => {
    const built = image({ clusterBits: 12, size: 4096 * 600, order: { shuffledBy: seed }, ...options });
    built.data(0, 20).data(520, 20).snapshot('s0').data(10, 20).snapshot('s1').data(40, 10);
    return options.version === 2
      ? built
      : built.bitmap('bits', { granularityBits: 9, dirty: [[0, 4096 * 500]], auto: true });
  };
  const cases: readonly [what: string, places: (layout: ImageLayout) => readonly number[]][] = [
    ['the L1 table', ({ l1Offset }) => [l1Offset]],
    ['an L2 table', ({ l2Offsets }) => [...l2Offsets.values()]],
    ['the L1 table of a snapshot', ({ snapshotL1Offsets }) => snapshotL1Offsets],
    ['the snapshot table', ({ snapshotTableOffset = 0 }) => [snapshotTableOffset]],
    ['the refcount table', ({ refcountTableOffset }) => [refcountTableOffset]],
    ['a refcount block', ({ refcountBlockOffsets }) => refcountBlockOffsets],
    ['the bitmap directory', ({ bitmapDirectoryOffset = 0 }) => [bitmapDirectoryOffset]],
    ['a bitmap table', ({ bitmapTableOffsets }) => bitmapTableOffsets],
  ];
  for (const [what, placesOf] of cases) {
    it(what, () => {
      // One in so many lies where the file is going to end.
      for (let seed = 0; seed < 200; seed++) {
        const built = rich(seed).writeTo(DISK);
        const { newFileSize } = on((opened) => opened.space.previewCompact());
        if (placesOf(built.layout).every((at) => at < newFileSize)) continue;
        compacted(['s0', 's1']);
        return;
      }
      throw new Error('it never lies at the end');
    });
  }

  it('compressed data, with the refcounts of all clusters that it touches', () => {
    for (const version of [2, 3] as const) {
      const built = rich(1, { version }).compressed(100, 60).snapshot('s2').compressed(300, 30);
      built.writeTo(DISK);
      on((opened) => {
        for (const [first, count] of [
          [0, 20],
          [105, 3],
          [120, 20],
        ] as const) {
          opened.apply({ kind: 'discard', start: guestOffset(first * 4096), length: count * 4096 });
        }
        opened.save({ keepsUndo: false });
      });
      mustQemuImg(['snapshot', '-d', 's2', DISK]);
      compacted(['s0', 's1']);
    }
  });

  it('streams that are longer than a cluster, and makes room for them', () => {
    // What does not compress takes more than the cluster, in two host clusters or three.
    const built = image({ clusterBits: 9, size: 512 * 64, packsCompressed: false }).data(0, 24);
    for (const first of [24, 26, 28]) built.compressed(first, 1, noise(first));
    built.writeTo(DISK);
    const clustersOfStreams = (): number[] =>
      on(({ chain }) =>
        [24, 26, 28].map((cluster) => {
          const { meaning } = chain.top.entryAt(guestCluster(cluster));
          return meaning.kind === 'compressed' ? Math.floor(meaning.host / 512) : Infinity;
        }),
      );
    on((opened) => {
      // Every second cluster: there are no two in a row.
      for (let cluster = 0; cluster < 24; cluster += 2)
        opened.apply({ kind: 'discard', start: guestOffset(cluster * 512), length: 512 });
      opened.save({ keepsUndo: false });
    });
    const before = clustersOfStreams();
    compacted();
    const after = clustersOfStreams();
    expect(after.every((cluster, index) => cluster < before[index]!)).toBe(true);
  });

  it('neighbours of an image that was converted with compression', () => {
    const content = Buffer.alloc(4 * MIB);
    for (let at = 0; at < content.length; at += 4) content.writeUInt32BE((at * 2654435761) % 65521, at);
    fs.writeFileSync(place.path('content.raw'), content);
    mustQemuImg(['convert', '-c', '-O', 'qcow2', place.path('content.raw'), DISK]);
    mustQemuIo(DISK, ['write -P 1 1M 512k']);
    discard('0 512k', '2M 1M');
    compacted();
  });
});

describe('compaction is refused, and nothing is changed,', () => {
  const refused = (): Problem => {
    const before = fs.readFileSync(DISK);
    const problem = on((opened) => {
      const preview = problemOf(() => opened.space.previewCompact());
      expect(problemOf(() => toEnd(opened.space.compact())).code).toBe(preview.code);
      return preview;
    });
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
    expect(fs.readdirSync(place.folder).filter((name) => name.includes('journal'))).toEqual([]);
    return problem;
  };

  it('for an encrypted image', () => {
    image({ crypt: 'aes' }).data(0, 4).writeTo(DISK);
    expect(refused()).toMatchObject({ code: 'compact.encrypted', value: 'AES' });
  });

  it('for a header extension that is not known, whose clusters look leaked', () => {
    image().data(0, 4).extension(0x12345678, 'what').writeTo(DISK);
    expect(refused()).toMatchObject({ code: 'compact.extension', value: '0x12345678' });
  });

  it('for extra data of a snapshot that is not known', () => {
    image().data(0, 4).snapshot('one').snapshot('two', { extraSize: 40 }).writeTo(DISK);
    expect(refused()).toMatchObject({ code: 'compact.snapshotExtra', name: 'two', value: 40, limit: 24 });
  });

  it('for a raw external data file', () => {
    create(`data_file=${place.path('data.raw')},data_file_raw=on`, '1M');
    expect(refused().code).toBe('compact.rawDataFile');
  });

  it('for a damaged image, and one that was not closed', () => {
    create('cluster_size=64k');
    const patch = (offset: number, byte: number): void => {
      const file = fs.openSync(DISK, 'r+');
      fs.writeSync(file, Buffer.from([byte]), 0, 1, offset);
      fs.closeSync(file);
    };
    patch(2 * 65536 + 1, 0);
    expect(refused().code).toBe('guard.unsound');
    patch(2 * 65536 + 1, 1);
    patch(79, 1);
    expect(refused().code).toBe('guard.dirty');
    patch(79, 2);
    expect(refused().code).toBe('guard.corrupt');
  });

  it('while something is staged', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 1M']);
    on((opened) => {
      opened.apply({ kind: 'discard', start: guestOffset(0), length: MIB });
      expect(problemOf(() => toEnd(opened.space.compact())).code).toBe('space.unsaved');
      expect(problemOf(() => opened.space.previewCompact()).code).toBe('space.unsaved');
      expect(opened.edits.undoable).toBe(1);
    });
  });

  it('while QEMU has it open, even for reading', async () => {
    create('cluster_size=64k');
    const holder = await Holder.open(DISK, '-r');
    try {
      expect(refused().code).toBe('lock.held');
    } finally {
      await holder.end();
    }
  });

  it('where it was changed since it was opened', () => {
    create('cluster_size=64k');
    const opened = open();
    mustQemuIo(DISK, ['write -P 3 2M 64k']);
    expect(problemOf(() => toEnd(opened.space.compact())).code).toBe('guard.changed');
    opened.close();
  });
});

describe('compaction that is stopped', () => {
  it('leaves a sound image that is a bit shorter, and is finished the next time', () => {
    create('cluster_size=1k');
    mustQemuIo(DISK, ['write -P 1 0 16M', 'write -P 2 16M 14M']);
    discard('1M 12M');
    const before = visible(place.folder, []);
    const size = length();
    let reports = 0;
    const progress: Progress = {
      report: () => {
        reports++;
      },
      checkCancelled: () => {
        // Tables, and the first of two batches of data.
        if (reports > 1) throw new CancelledError(DISK);
      },
    };
    const report = on((opened) => toEnd(opened.space.compact(progress)));
    expect(report).toMatchObject({ changed: true, stopped: { kind: 'cancelled' } });
    expect(length()).toBeLessThan(size - 3 * MIB);
    mustBeClean(place.folder);
    expectSame(visible(place.folder, []), before);
    compacted();
    expect(length()).toBeLessThan(size - 11 * MIB);
  });

  it('before the first batch has changed nothing that is in use', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 8M']);
    discard('0 4M');
    const size = length();
    const progress: Progress = {
      report: () => undefined,
      checkCancelled: () => {
        throw new CancelledError(DISK);
      },
    };
    on((opened) => {
      expect(problemOf(() => toEnd(opened.space.compact(progress))).kind).toBe('cancelled');
    });
    expect(length()).toBe(size);
    mustBeClean(place.folder);
  });
});

describe.skipIf(!isRoot)('compaction on a file system that has room for some batches only', () => {
  const folder = place.path('disk');
  const path = `${folder}/disk.qcow2`;
  const contents = (): Buffer => {
    mustQemuImg(['convert', '-O', 'raw', path, place.path('judge.raw')]);
    return fs.readFileSync(place.path('judge.raw'));
  };

  beforeEach(() => {
    fs.mkdirSync(folder);
    expect(run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder]).status).toBe(0);
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '32M']);
    mustQemuIo(path, ['write -P 1 0 32M']);
    mustQemuIo(path, ['discard 0 16M'], {}, ['-d', 'unmap']);
    // What is free takes no storage, so that a copy needs room.
    run('fallocate', ['--dig-holes', path]);
    expect(fs.statSync(path).blocks * 512).toBeLessThan(20 * MIB);
  });
  afterEach(() => {
    run('umount', [folder]);
  });

  /** Compacts in batches of a megabyte. @returns what was done, or why nothing was */
  function compactWith(free: number): Compacted | Problem {
    const { bavail, bsize } = fs.statfsSync(folder);
    fs.writeFileSync(`${folder}/ballast`, Buffer.alloc(bavail * bsize - free));
    const before = contents();
    try {
      return compactFile(path, MIB);
    } catch (error) {
      if (error instanceof EngineError) return error.problem;
      throw error;
    } finally {
      expect(qemuImg(['check', path])).toMatchObject({ status: 0, stderr: '' });
      expect(contents().equals(before)).toBe(true);
      expect(fs.readdirSync(folder).sort()).toEqual(['ballast', 'disk.qcow2']);
    }
  }

  it('goes on to its end where one batch fits: what it has moved is cut off in time', () => {
    expect(compactWith(1.5 * MIB)).toMatchObject({
      changed: true,
      after: { fileSize: 16 * MIB + 5 * 65536 },
    });
  });

  it('is refused where none fits, and takes no more room than before', () => {
    const stored = fs.statSync(path).blocks;
    expect(compactWith(MIB / 2)).toMatchObject({ code: 'compact.space', value: MIB, limit: MIB / 2 });
    expect(fs.statSync(path).blocks).toBe(stored);
  });

  it('needs no room where clusters to move to are stored', () => {
    fs.writeFileSync(path, fs.readFileSync(path));
    expect(compactWith(256 * 1024)).toMatchObject({
      changed: true,
      after: { fileSize: 16 * MIB + 5 * 65536 },
    });
  });
});

it('a batch reads the image as it is then', () => {
  create('cluster_size=4k', '32M');
  mustQemuIo(DISK, ['write -P 1 0 16M']);
  discard('0 8M');
  let saves = 0;
  compactFile(DISK, MIB, () => {
    saves++;
    mustBeClean(place.folder);
    const file = openLocalFile(DISK);
    expect(Qcow2Image.open(file).features.corrupt).toBe(false);
    file.close();
  });
  expect(saves).toBeGreaterThan(4);
});

it('moves more at a time where nothing waits for a batch to end, if the file system has room for the copies', () => {
  create('preallocation=metadata,cluster_size=64k', '160M');
  discard('0 80M');
  const original = place.path('original.qcow2');
  fs.renameSync(DISK, original);
  const batches = (isAtOnce: boolean, freeBytes = Infinity): number => {
    run('cp', ['--sparse=always', original, DISK]);
    const top = Qcow2Image.open(openLocalFile(DISK));
    let saves = 0;
    const options = {
      open: () => openLocalFile(DISK),
      scratchPath: place.path('scratch'),
      onSaved: () => saves++,
      isAtOnce,
    };
    try {
      toEnd(compact(top, { ...localDisk, freeBytes: () => freeBytes }, options));
    } finally {
      top.close();
    }
    mustBeClean(place.folder);
    mustBeShort(DISK);
    return saves;
  };
  expect(batches(true)).toBe(1);
  expect(batches(false)).toBe(2);
  expect(batches(true, 1000 * MIB)).toBe(2);
  run('cp', ['--sparse=always', original, DISK]);
  let pauses = 0;
  on((opened) => toEnd(opened.space.compact(), () => pauses++));
  const end = length();
  expect(pauses).toBe(2);
  run('cp', ['--sparse=always', original, DISK]);
  expect(on((opened) => opened.space.compactAtOnce())).toMatchObject({ after: { fileSize: end } });
});
