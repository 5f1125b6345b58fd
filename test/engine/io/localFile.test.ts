import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLocalFile } from '../../../src/qcow2/io/localFile';
import { SparseMemoryFile } from '../../../src/qcow2/io/memoryFile';
import { problemOf } from '../format/bytes';
import { hostOffset } from '../../../src/qcow2/units';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'local-file-'));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});
const inFolder = (name: string) => path.join(folder, name);
const written = (content: string | Uint8Array) => {
  fs.writeFileSync(inFolder('file'), content);
  return inFolder('file');
};

describe('a local file', () => {
  it('is read where it is asked for, with zeroes past its end', () => {
    const file = openLocalFile(written('abcdef'));
    const target = new Uint8Array(4).fill(9);
    file.read(target, hostOffset(4));
    expect([...target]).toEqual([0x65, 0x66, 0, 0]);
    file.read(target, hostOffset(2 ** 40));
    expect([...target]).toEqual([0, 0, 0, 0]);
    file.close();
    expect(
      problemOf(() => {
        file.read(target, hostOffset(0));
      }).code,
    ).toBe('file.closed');
  });

  it('says so when it shrank while it was open', () => {
    const file = openLocalFile(written(new Uint8Array(10000)));
    fs.truncateSync(inFolder('file'), 100);
    expect(
      problemOf(() => {
        file.read(new Uint8Array(200), hostOffset(0));
      }),
    ).toMatchObject({
      code: 'file.shrank',
      value: 100,
      limit: 10000,
    });
    file.close();
  });

  it('ends where it ended when it was opened, even if it grows', () => {
    const file = openLocalFile(written('ab'));
    fs.appendFileSync(inFolder('file'), 'cd');
    const target = new Uint8Array(4);
    file.read(target, hostOffset(0));
    expect([...target]).toEqual([0x61, 0x62, 0, 0]);
    expect(file.size).toBe(2);
    file.close();
  });

  it('knows whether it was changed or replaced since', () => {
    const file = openLocalFile(written('ab'));
    expect(file.hasChanged()).toBe(false);
    fs.appendFileSync(inFolder('file'), 'c');
    expect(file.hasChanged()).toBe(true);
    fs.rmSync(inFolder('file'));
    expect(file.hasChanged()).toBe(true);
    file.close();
  });

  it('has extents of data and holes', () => {
    const size = hostOffset(1024 * 1024);
    fs.writeFileSync(inFolder('sparse'), '');
    fs.truncateSync(inFolder('sparse'), size);
    const descriptor = fs.openSync(inFolder('sparse'), 'r+');
    fs.writeSync(descriptor, new Uint8Array(65536).fill(1), 0, 65536, 262144);
    fs.closeSync(descriptor);
    const file = openLocalFile(inFolder('sparse'));
    if (file.knowsHoles) {
      expect(file.extentAt(hostOffset(0))).toEqual({ isHole: true, end: 262144 });
      expect(file.extentAt(hostOffset(262145))).toEqual({ isHole: false, end: 262144 + 65536 });
      expect(file.extentAt(hostOffset(size - 1))).toEqual({ isHole: true, end: Infinity });
    } else {
      expect(file.extentAt(hostOffset(0))).toEqual({ isHole: false, end: size });
    }
    expect(file.extentAt(size)).toEqual({ isHole: true, end: Infinity });
    expect(file.allocatedBytes).toBeLessThan(size);
    file.close();
  });

  it('counts as data throughout when native calls are switched off', () => {
    process.env['QCOW2_NATIVE'] = 'off';
    try {
      fs.writeFileSync(inFolder('sparse'), '');
      fs.truncateSync(inFolder('sparse'), 65536);
      const file = openLocalFile(inFolder('sparse'));
      expect(file.knowsHoles).toBe(false);
      expect(file.extentAt(hostOffset(5))).toEqual({ isHole: false, end: 65536 });
      file.close();
    } finally {
      delete process.env['QCOW2_NATIVE'];
    }
  });
});

describe('what is not a regular file is refused by name', () => {
  const refusal = (name: string) => problemOf(() => openLocalFile(name));

  it('a directory, a FIFO, a device', () => {
    execFileSync('mkfifo', [inFolder('fifo')]);
    expect(refusal(folder)).toMatchObject({ code: 'file.notRegular', what: 'a directory' });
    expect(refusal(inFolder('fifo'))).toMatchObject({ code: 'file.notRegular', what: 'a FIFO' });
    expect(refusal('/dev/null')).toMatchObject({ code: 'file.notRegular', what: 'a character device' });
  });

  it('a missing file, a path through a file, a name with a null byte, a loop of links', () => {
    expect(refusal(inFolder('nothing')).code).toBe('file.missing');
    expect(refusal(path.join(written('x'), 'below')).code).toBe('file.missing');
    expect(refusal(inFolder('a\0b'))).toMatchObject({
      code: 'file.open',
      value: 'the name contains a null byte',
    });
    fs.symlinkSync('loop', inFolder('loop'));
    expect(refusal(inFolder('loop')).code).toBe('file.open');
  });
});

describe('a sparse file in memory', () => {
  it('has what was put into it, zeroes elsewhere, and knows which is which', () => {
    const file = new SparseMemoryFile('sparse', 2 ** 40);
    file.put(hostOffset(2 ** 39 - 1), Uint8Array.of(1, 2, 3));
    const target = new Uint8Array(5).fill(9);
    file.read(target, hostOffset(2 ** 39 - 2));
    expect([...target]).toEqual([0, 1, 2, 3, 0]);
    expect(file.extentAt(hostOffset(0))).toEqual({ isHole: true, end: 2 ** 39 - 4096 });
    expect(file.extentAt(hostOffset(2 ** 39))).toEqual({ isHole: false, end: 2 ** 39 + 4096 });
    expect(file.extentAt(hostOffset(2 ** 39 + 4096))).toEqual({ isHole: true, end: Infinity });
    expect(file.allocatedBytes).toBe(8192);
  });
});
