/**
 * Hostile and broken input: the command line always ends within two seconds and 256 MiB of memory, with one clear line for
 * an error. If the image opens nevertheless, QEMU judges the result.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openChain } from '../../src/qcow2/chain/openChain';
import { EngineError } from '../../src/qcow2/errors';
import { readGuest } from '../../src/qcow2/image/read';
import { exportMap } from '../../src/qcow2/map/mapExport';
import { measuredCli, type Measured } from '../support/cli';
import { EXTENSION, image } from '../support/imageBuilder';
import { run, type RunOptions } from '../support/process';
import { type Workspace, workspace } from '../support/workspace';
import { guestOffset } from '../../src/qcow2/units';

const MIB = 2 ** 20;
const MEMORY_LIMIT = 256 * MIB;
const TIME_LIMIT = 2000;

const VERBS = {
  info: ['info', 'disk.qcow2'],
  chain: ['info', '--backing-chain', 'disk.qcow2'],
  map: ['map', '--output=json', 'disk.qcow2'],
  read: ['read', 'disk.qcow2', '0', '512'],
} as const;
type Verb = keyof typeof VERBS;
const ALL: readonly Verb[] = ['info', 'chain', 'map', 'read'];

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

const put = (bytes: Uint8Array): void => {
  fs.writeFileSync(place.path('disk.qcow2'), bytes);
};

/**
 * Runs every verb on `disk.qcow2`: those of `failing` must fail with a line that matches, the others must succeed;
 * all within the bounds.
 */
function expectFailures(failing: readonly Verb[], line: RegExp, options: RunOptions = {}): void {
  for (const verb of ALL) {
    const ran = measuredCli(VERBS[verb], { cwd: place.folder, ...options });
    const fails = failing.includes(verb);
    expect({ verb, status: ran.status, stderr: ran.stderr }).toStrictEqual({
      verb,
      status: fails ? 1 : 0,
      stderr: fails ? (expect.stringMatching(/^qcow2: [^\n]+: [^\n]+\n$/) as string) : '',
    });
    if (fails) expect(ran.stderr).toMatch(line);
    expectBounds(verb, ran);
  }
}

function expectBounds(verb: Verb, ran: Measured): void {
  expect(ran.stderr).not.toMatch(/fault of the program|\bundefined\b|\bNaN\b|\{\w+\}/);
  expect(ran.milliseconds, verb).toBeLessThan(TIME_LIMIT);
  expect(ran.peakMemory, verb).toBeLessThan(MEMORY_LIMIT);
}

/** How QEMU ends, asked the same. */
const JUDGES: Readonly<Record<Verb, readonly [program: string, ...args: string[]]>> = {
  info: ['qemu-img', 'info', '-f', 'qcow2', 'disk.qcow2'],
  chain: ['qemu-img', 'info', '--backing-chain', '-f', 'qcow2', 'disk.qcow2'],
  map: ['qemu-img', 'map', '--output=json', '-f', 'qcow2', 'disk.qcow2'],
  read: ['qemu-io', '-r', '-f', 'qcow2', '-c', 'read 0 512', 'disk.qcow2'],
};

/** More kinds of faults than a header has. */
const MOST_LINES = 8;

/** Runs every verb on `disk.qcow2`: each says its faults in a line each, and ends as QEMU ends; all within the bounds. */
function expectFaults(line: RegExp, refused: readonly Verb[] = []): void {
  for (const verb of ALL) {
    const [program, ...args] = JUDGES[verb];
    const judge = run(program, args, { cwd: place.folder });
    const ran = measuredCli(VERBS[verb], { cwd: place.folder });
    const status = refused.includes(verb) ? 1 : judge.status;
    expect({ verb, status: ran.status, stderr: ran.stderr }).toStrictEqual({
      verb,
      status,
      stderr: expect.stringMatching(/^(?:qcow2: disk\.qcow2: [^\n]+\n)+$/) as string,
    });
    expect(ran.stderr).toMatch(line);
    expect(ran.stderr.split('\n').length - 1).toBeLessThanOrEqual(MOST_LINES);
    expectBounds(verb, ran);
  }
}

describe('a path that is no image', () => {
  test('is missing', () => {
    expectFailures(ALL, /No such file/);
  });

  test('is a directory', () => {
    fs.mkdirSync(place.path('disk.qcow2'));
    expectFailures(ALL, /directory/);
  });

  test('is a FIFO without a writer', () => {
    execFileSync('mkfifo', [place.path('disk.qcow2')]);
    expectFailures(ALL, /FIFO/);
  });

  test('is a socket', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(place.path('disk.qcow2'), resolve));
    expectFailures(ALL, /socket/);
    server.close();
  });

  test('is a device', () => {
    fs.symlinkSync('/dev/zero', place.path('disk.qcow2'));
    expectFailures(ALL, /device/);
  });

  test('is a symbolic link to itself', () => {
    fs.symlinkSync('disk.qcow2', place.path('disk.qcow2'));
    expectFailures(ALL, /ELOOP|symbolic link/);
  });

  test('is a file without read permission', () => {
    put(image().toBuffer());
    fs.chmodSync(place.folder, 0o755);
    fs.chmodSync(place.path('disk.qcow2'), 0);
    // Root may read everything, so the command runs as user `nobody`.
    const options = process.getuid?.() === 0 ? { uid: 65534 } : {};
    expectFailures(ALL, /Permission denied/, options);
  });

  test('is an empty file', () => {
    put(new Uint8Array(0));
    expectFailures(ALL, /0 bytes|qcow2/);
  });

  test('is a file of zeroes, of letters, of another format', () => {
    for (const bytes of [
      Buffer.alloc(MIB),
      Buffer.alloc(MIB, 'x'),
      Buffer.from('KDMV\u0001\0\0\0'.repeat(64)),
    ]) {
      put(bytes);
      expectFailures(ALL, /qcow2/);
    }
  });
});

describe('a header that is cut off', () => {
  test('at any length says so in a line for each fault', () => {
    const bytes = image({ backing: { name: 'b', format: 'raw' } }).toBuffer();
    for (const length of [1, 3, 4, 7, 8, 71, 72, 99, 103, 104, 111, 112, 119]) {
      put(bytes.subarray(0, length));
      expectFaults(/:/);
    }
  });
});

describe('a file of 120 bytes', () => {
  /** A header alone, with some of its fields overwritten: [offset, value] of 32 bits. */
  function headerAlone(...fields: (readonly [offset: number, value: number])[]): void {
    const bytes = Buffer.from(
      image({ clusterBits: 21, size: 2 ** 40 })
        .toBuffer()
        .subarray(0, 120),
    );
    for (const [offset, value] of fields) bytes.writeUInt32BE(value, offset);
    put(bytes);
  }

  test('that declares an L1 table of 32 MiB says what is missing', () => {
    headerAlone([36, 2 ** 22]);
    expectFaults(/L1 table at offset 0x600000 reaches to 39845888, beyond the end of the file/);
  });

  test('that declares a refcount table of 8 MiB says what is missing', () => {
    headerAlone([56, 4]);
    expectFaults(/:/);
  });

  test('that declares 65536 snapshots says what is missing', () => {
    headerAlone([60, 65536]);
    expectFaults(/:/);
  });

  test('that declares 4 billion of everything says what is missing', () => {
    headerAlone([16, 0xffffffff], [36, 0xffffffff], [56, 0xffffffff], [60, 0xffffffff]);
    expectFaults(/:/);
  });

  test('that declares a directory of 64 MiB of bitmaps says what is missing', () => {
    const bytes = image({ clusterBits: 9, size: 0 }).bitmap('b').toBuffer();
    bytes.writeBigUInt64BE(67_107_840n, bytes.indexOf(Buffer.from('23852875', 'hex')) + 16);
    put(bytes.subarray(0, 512));
    expectFaults(/:/);
  });
});

describe('numbers out of range', () => {
  test('a disk beyond 2^53 bytes is refused by name', () => {
    const bytes = image({ clusterBits: 21 }).toBuffer();
    bytes.writeBigUInt64BE(2n ** 53n, 24);
    bytes.writeUInt32BE(16384, 36);
    put(bytes);
    expectFailures(ALL, /9007199254740992|0x20000000000000|2\^53/);
  });

  test('an L1 table beyond 2^53 is refused by name', () => {
    const bytes = image().data(0).toBuffer();
    bytes.writeBigUInt64BE(2n ** 54n, 40);
    put(bytes);
    expectFailures(ALL, /L1|l1_table/);
  });

  test('an L1 table beyond the file is named', () => {
    const bytes = image().data(0).toBuffer();
    bytes.writeBigUInt64BE(2n ** 40n, 40);
    put(bytes);
    expectFaults(/L1 table at offset 0x10000000000 /);
  });

  test('a data cluster beyond the file is refused where it is read', () => {
    const built = image().data(0).build();
    const bytes = built.toBuffer();
    bytes.writeBigUInt64BE((1n << 63n) | (2n ** 55n), built.layout.l2Offsets.get(0));
    put(bytes);
    expectFailures(['read', 'map'], /0x80000000000000|end of the file|beyond/);
  });

  test('tables that overlap the header end in one line or in an answer, soon', () => {
    for (const field of [40, 48, 64]) {
      const bytes = image({ clusterBits: 9 }).data(0).snapshot('one').toBuffer();
      bytes.writeBigUInt64BE(0n, field);
      put(bytes);
      for (const verb of ALL) {
        const ran = measuredCli(VERBS[verb], { cwd: place.folder });
        expect(ran.stderr).toMatch(/^(?:qcow2: [^\n]+: [^\n]+\n)?$/);
        expect(ran.milliseconds).toBeLessThan(TIME_LIMIT);
        expect(ran.peakMemory).toBeLessThan(MEMORY_LIMIT);
      }
    }
  });
});

describe('a file that lies about what it holds', () => {
  test('4 million L1 entries in a sparse file are walked in time', () => {
    const entries = 2 ** 22;
    const built = image({ clusterBits: 9, size: entries * 64 * 512 }).build();
    built.writeTo(place.path('disk.qcow2'));
    expectFailures([], /./);
  });

  /** Gives every L1 entry of a 512 TiB disk an L2 table: what `table` says for its index, from the file's end on. */
  function putTables(table: (index: number) => number, tables: number): void {
    const entries = 2 ** 20;
    const built = image({ size: entries * 2 ** 29 }).build();
    built.writeTo(place.path('disk.qcow2'));
    const end = fs.statSync(place.path('disk.qcow2')).size;
    const l1 = Buffer.alloc(entries * 8);
    for (let index = 0; index < entries; index++) {
      l1.writeBigUInt64BE((1n << 63n) | BigInt(end + table(index) * 65536), index * 8);
    }
    const file = fs.openSync(place.path('disk.qcow2'), 'r+');
    fs.writeSync(file, l1, 0, l1.length, built.layout.l1Offset);
    fs.ftruncateSync(file, end + tables * 65536);
    fs.closeSync(file);
  }

  test('a million L1 entries that name one L2 table are walked in time', () => {
    putTables(() => 0, 1);
    expectFailures([], /./);
  });

  test('a million L2 tables in a hole of a sparse file are walked in time', () => {
    putTables((index) => index, 2 ** 20);
    expectFailures([], /./);
  });

  test('a compressed cluster that inflates without end stops at its cluster', () => {
    // A deflate stream of 4 KiB that would fill 4 MiB.
    const bomb = deflateRawSync(Buffer.alloc(4 * MIB), { windowBits: 12 });
    const built = image({ clusterBits: 12 }).compressed(0).data(1).data(2).build();
    const bytes = built.toBuffer();
    const at = built.layout.hostOffsets.get(0)!;
    bomb.copy(bytes, at, 0, Math.min(bomb.length, 1024));
    // Two sectors beyond the first.
    bytes.writeBigUInt64BE((1n << 62n) | (2n << 58n) | BigInt(at), built.layout.l2Offsets.get(0));
    put(bytes);
    for (const verb of ALL) {
      const ran = measuredCli(VERBS[verb], { cwd: place.folder });
      expect(ran.stderr).toMatch(/^(?:qcow2: [^\n]+: [^\n]+\n)?$/);
      expect(ran.peakMemory).toBeLessThan(MEMORY_LIMIT);
    }
  });

  test('compressed bytes that are garbage end in one line', () => {
    for (const compression of ['deflate', 'zstd'] as const) {
      const built = image({ clusterBits: 12, compression }).compressed(0).data(1).build();
      const bytes = built.toBuffer();
      bytes.fill(0xff, built.layout.hostOffsets.get(0), built.layout.hostOffsets.get(0)! + 40);
      put(bytes);
      expectFailures(['read'], /compressed/);
    }
  });

  test('an extension chain without end stops at its cluster', () => {
    // 2 MiB of extensions of no length.
    const bytes = image({ clusterBits: 21 }).toBuffer();
    for (let at = 112; at < 2 * MIB; at += 8) bytes.writeUInt32BE(0x01020304, at);
    for (let at = 112; at < 2 * MIB; at += 8) bytes.writeUInt32BE(0, at + 4);
    put(bytes);
    for (const verb of ALL) {
      const ran = measuredCli(VERBS[verb], { cwd: place.folder });
      expect(ran.stderr).toMatch(/^(?:qcow2: [^\n]+: [^\n]+\n)?$/);
      expect(ran.milliseconds).toBeLessThan(TIME_LIMIT);
      expect(ran.peakMemory).toBeLessThan(MEMORY_LIMIT);
    }
  });

  test('a feature name table of 2 MiB is read in bounds', () => {
    put(
      image({ clusterBits: 21 })
        .extension(EXTENSION.featureNameTable, Buffer.alloc(48 * 43_000, 0x41))
        .toBuffer(),
    );
    expectFailures([], /./);
  });
});

describe('a circle of backing files', () => {
  const needsChain: readonly Verb[] = ['chain', 'map', 'read'];
  const overlay = (name: string, backing: string): void => {
    image({ backing: { name: backing, format: 'qcow2' } }).writeTo(place.path(name));
  };

  test('of one image over itself is named', () => {
    overlay('disk.qcow2', 'disk.qcow2');
    expectFailures(needsChain, /circle|cycle|itself|again/);
  });

  test('of five images is named', () => {
    ['disk', 'b', 'c', 'd', 'e'].forEach((name, index, names) => {
      overlay(`${name}.qcow2`, `${names[(index + 1) % names.length]!}.qcow2`);
    });
    expectFailures(needsChain, /circle|cycle|itself|again/);
  });

  test('through a json: name is named', () => {
    const filename = place.path('disk.qcow2');
    overlay('disk.qcow2', `json:${JSON.stringify({ driver: 'qcow2', file: { driver: 'file', filename } })}`);
    expectFailures(needsChain, /circle|cycle|itself|again/);
  });

  test('through a symbolic link is named', () => {
    overlay('disk.qcow2', 'link.qcow2');
    fs.symlinkSync('disk.qcow2', place.path('link.qcow2'));
    expectFailures(needsChain, /circle|cycle|itself|again/);
  });

  test('through a hard link is named', () => {
    overlay('disk.qcow2', 'sub/link.qcow2');
    fs.mkdirSync(place.path('sub'));
    fs.linkSync(place.path('disk.qcow2'), place.path('sub/link.qcow2'));
    // Beside the link, the name leads elsewhere: to a file that is not there.
    expectFailures(needsChain, /circle|cycle|itself|again|No such file/);
  });

  test('is not what a long chain is', () => {
    for (let level = 1; level <= 40; level++) overlay(`${level}.qcow2`, `${level + 1}.qcow2`);
    image().data(0).writeTo(place.path('41.qcow2'));
    overlay('disk.qcow2', '1.qcow2');
    expectFailures([], /./);
  });

  test('is told from a chain that is too long', () => {
    for (let level = 1; level <= 300; level++) overlay(`${level}.qcow2`, `${level + 1}.qcow2`);
    overlay('disk.qcow2', '1.qcow2');
    expectFailures(needsChain, /256/);
  });
});

describe('a backing name', () => {
  const needsChain: readonly Verb[] = ['chain', 'map', 'read'];
  const named = (name: string, format?: string): void => {
    const backing = format === undefined ? { name } : { name, format };
    image({ clusterBits: 16, backing }).writeTo(place.path('disk.qcow2'));
  };

  test('of 1023 bytes is shown in one line', () => {
    named('n'.repeat(1023), 'raw');
    expectFailures(needsChain, /n{100}/);
  });

  test('of 1023 bytes with a path that exists is opened', () => {
    const name = `${'./'.repeat(507)}basefile0`;
    expect(name).toHaveLength(1023);
    named(name, 'raw');
    fs.writeFileSync(place.path('basefile0'), Buffer.alloc(MIB, 7));
    expectFailures([], /./);
  });

  test('with newlines and control characters stays one line', () => {
    named('base\nqcow2: all is well\r\u001b[2J\u0007', 'raw');
    expectFailures(needsChain, /base\\x0aqcow2: all is well\\x0d\\x1b\[2J\\x07/);
  });

  test('that is no UTF-8 stays one line', () => {
    const bytes = image({ backing: { name: 'xyz', format: 'raw' } }).toBuffer();
    bytes.write('\xff\xfe\x80', bytes.readUInt32BE(12), 'latin1');
    put(bytes);
    expectFailures(needsChain, /No such file|name/);
  });

  test('that leads out of the folder by .. is followed', () => {
    fs.mkdirSync(place.path('sub'));
    image({ backing: { name: '../base.raw', format: 'raw' } }).writeTo(place.path('sub/disk.qcow2'));
    fs.writeFileSync(place.path('base.raw'), Buffer.alloc(MIB, 7));
    const ran = measuredCli(['read', 'sub/disk.qcow2', '0', '512'], { cwd: place.folder });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toStrictEqual(Buffer.alloc(512, 7));
  });

  test('of a directory, a device or a protocol ends in one line', () => {
    for (const name of [
      '..',
      '/',
      '/dev/zero',
      'nbd:localhost:1',
      'http://localhost/x',
      'host_device:/dev/sda',
    ]) {
      named(name, 'raw');
      expectFailures(needsChain, /:/);
    }
  });

  test('of a FIFO does not wait', () => {
    execFileSync('mkfifo', [place.path('pipe')]);
    named('pipe');
    expectFailures(needsChain, /FIFO/);
  });

  test('in json: that is deep, wrong or of another driver ends in one line', () => {
    for (const name of [
      'json:',
      'json:[]',
      'json:null',
      'json:{"driver":"qcow2"}',
      'json:{"driver":"qcow2","file":"base"}',
      'json:{"file.driver":"nbd","file.host":"x"}',
      'json:{"driver":"quorum","children":[]}',
      `json:${'{"file":'.repeat(100)}0${'}'.repeat(100)}`,
      `json:${'['.repeat(1000)}`,
    ]) {
      named(name, 'qcow2');
      expectFailures(needsChain, /:/);
    }
  });
});

describe('a file that shrinks while it is open', () => {
  test.each(['map', 'read', 'read of compressed data'])('ends a %s in an error of the engine', (what) => {
    const path = place.path('disk.qcow2');
    image({ clusterBits: 12, size: '64M' }).data(0, 1000).compressed(8000, 4).writeTo(path);
    const chain = openChain(path, { followsNames: true });
    fs.truncateSync(path, 512);
    const action = (): unknown => {
      if (what === 'map') return exportMap(chain.layers, { form: 'json' }, { write: () => undefined });
      readGuest(
        chain.layers,
        new Uint8Array(4096),
        what === 'read' ? guestOffset(0) : guestOffset(8000 * 4096),
      );
      return undefined;
    };
    const error = caught(action);
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).problem).toMatchObject({ code: 'file.shrank', kind: 'io', value: 512 });
    expect(chain.hasChanged()).toBe(true);
    chain.close();
  });

  test('ends a read of its raw backing file in an error of the engine', () => {
    fs.writeFileSync(place.path('base.raw'), Buffer.alloc(MIB, 7));
    image({ backing: { name: 'base.raw', format: 'raw' } }).writeTo(place.path('disk.qcow2'));
    const chain = openChain(place.path('disk.qcow2'), { followsNames: true });
    fs.truncateSync(place.path('base.raw'), 0);
    const error = caught(() => {
      readGuest(chain.layers, new Uint8Array(4096), guestOffset(0));
    });
    expect((error as EngineError).problem).toMatchObject({ code: 'file.shrank', value: 0, limit: MIB });
    chain.close();
  });
});

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a change of an image', () => {
  test('stays small with a quarter of a million header extensions', () => {
    const bytes = image({ clusterBits: 21, size: '64M' }).data(0).toBuffer();
    for (let at = 112; at < 2 * MIB - 16; at += 8) bytes.writeBigUInt64BE(0x12345678n << 32n, at);
    put(bytes);
    const ran = measuredCli(['write-zeroes', '-q', 'disk.qcow2', '0', '64k'], { cwd: place.folder });
    expect(ran.status).toBe(0);
    expect(ran.peakMemory).toBeLessThan(MEMORY_LIMIT);
  });
});
