/** Files that are not qcow2 are named: other formats, made by their own programs if these are installed. */
import * as fs from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { parseHeader } from '../../../src/qcow2/format/parseHeader';
import { foreignKind, qemuFormatOf } from '../../../src/qcow2/format/foreign';
import { openLocalFile } from '../../../src/qcow2/io/localFile';
import { PROBLEM_TEXT } from '../../../src/qcow2/problemText';
import { cli } from '../../support/cli';
import { run } from '../../support/process';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { type Workspace, workspace } from '../../support/workspace';
import { problemOf } from './bytes';

let files: Workspace;
beforeEach(() => {
  files = workspace();
});
afterEach(() => {
  files.remove();
});

function codeOf(path: string): string {
  const file = openLocalFile(path);
  try {
    return problemOf(() => parseHeader(file)).code;
  } finally {
    file.close();
  }
}

function codeOfBytes(bytes: Uint8Array): string {
  const path = files.path('disk.qcow2');
  fs.writeFileSync(path, bytes);
  return codeOf(path);
}

const text = (content: string): Buffer => Buffer.from(content);

/** A disk of 64 KiB with bytes at offsets. */
function disk(...parts: (readonly [offset: number, bytes: Uint8Array])[]): Buffer {
  const bytes = Buffer.alloc(65536);
  for (const [offset, part] of parts) bytes.set(part, offset);
  return bytes;
}

const BOOT = [510, Uint8Array.of(0x55, 0xaa)] as const;
/** One Linux partition of 64 sectors from the first one on. */
const PARTITION = [446, Uint8Array.of(0x80, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 64, 0, 0, 0)] as const;
const PROTECTIVE = [446, Uint8Array.of(0, 0, 2, 0, 0xee, 255, 255, 255, 1, 0, 0, 0, 127, 0, 0, 0)] as const;

describe('a disk of another format', () => {
  test.each([
    ['qcow', 'qcow1', []],
    ['vmdk', 'vmdk', []],
    ['vmdk', 'vmdkDescriptor', ['-o', 'subformat=monolithicFlat']],
    ['vdi', 'vdi', []],
    ['vpc', 'vhd', []],
    ['vpc', 'vhd', ['-o', 'subformat=fixed']],
    ['vhdx', 'vhdx', []],
    ['qed', 'qed', []],
    ['parallels', 'parallels', []],
  ])('as QEMU makes it, %s, is foreign.%s, with %j', (format, kind, options) => {
    const path = files.path('disk.qcow2');
    mustQemuImg(['create', '-q', '-f', format, ...options, path, '4M']);
    expect(codeOf(path)).toBe(`foreign.${kind}`);
    const head = new Uint8Array(fs.readFileSync(path)).subarray(0, 80);
    const probed = JSON.parse(mustQemuImg(['info', '--output=json', path]).toString()) as { format: string };
    expect(qemuFormatOf(head) ?? 'raw').toBe(probed.format);
  });

  it('can be converted as the sentence says', () => {
    for (const [kind, sentence] of Object.entries(PROBLEM_TEXT)) {
      const command = /qemu-img (convert -f (\w+) -O qcow2) INPUT OUTPUT/.exec(sentence);
      if (!kind.startsWith('foreign.') || command === null) continue;
      const [, args = '', format = ''] = command;
      const [input, output] = [files.path(`${kind}.in`), files.path(`${kind}.out`)];
      mustQemuImg(['create', '-q', '-f', format, input, '4M']);
      expect(qemuImg([...args.split(' '), input, output]).status, sentence).toBe(0);
    }
  });
});

describe('a compressed file', () => {
  const compressed = (program: string, ...args: string[]): Buffer | undefined => {
    const ran = run(program, args, { input: Buffer.alloc(1000, 7) });
    return ran.status === 0 ? ran.stdout : undefined;
  };

  test.each([
    ['gzip', () => gzipSync(Buffer.alloc(1000))],
    ['xz', () => compressed('xz', '-c')],
    ['bzip2', () => compressed('bzip2', '-c')],
    ['zstd', () => compressed('zstd', '-c') ?? Buffer.from('28b52ffd2400010000', 'hex')],
    ['lz4', () => Buffer.from('04224d186440a7', 'hex')],
    ['zip', () => text('PK\x03\x04\x14\0')],
    ['7z', () => Buffer.from('377abcaf271c0004', 'hex')],
    ['tar', () => disk([0, text('disk.ovf')], [257, text('ustar')])],
  ])('is named: %s', (kind, make) => {
    const bytes = make();
    if (bytes !== undefined) expect(codeOfBytes(bytes)).toBe(`foreign.${kind}`);
  });
});

describe('a raw disk', () => {
  test.each([
    ['mbr', disk(BOOT, PARTITION)],
    ['gpt', disk(BOOT, PROTECTIVE, [512, text('EFI PART')])],
    ['gpt', disk(BOOT, PROTECTIVE, [4096, text('EFI PART')])],
    ['bootSector', disk([3, text('MSDOS5.0')], BOOT)],
    ['iso', disk([0x8000, text('\x01CD001')])],
    ['iso', disk(BOOT, PARTITION, [0x8000, text('\x01CD001')])],
    ['luks', disk([0, Buffer.from('LUKS\xba\xbe\0\x01', 'latin1')])],
    ['zeroes', disk()],
    ['zeroes', disk().subarray(0, 10)],
  ])('is foreign.%s', (kind, bytes) => {
    expect(codeOfBytes(bytes)).toBe(`foreign.${kind}`);
  });
});

describe('a download that went wrong', () => {
  test.each([
    ['html', '<!DOCTYPE html>\n<html><body>Not found</body></html>'],
    ['html', '\ufeff\n  <html lang="de"><title>Größe</title>'],
    ['html', '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN">'],
    ['xml', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ['json', '{"message":"Not Found"}'],
    ['text', '404: Not Found'],
    ['lfs', 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'],
  ])('is foreign.%s: %s', (kind, content) => {
    expect(codeOfBytes(text(content))).toBe(`foreign.${kind}`);
  });
});

it('is not named where nothing is known of it, nor in an empty file', () => {
  expect(codeOfBytes(Uint8Array.of(1, 2, 3, 4, 5))).toBe('header.magic');
  expect(codeOfBytes(Buffer.alloc(100_000, 0x90))).toBe('header.magic');
  expect(codeOfBytes(new Uint8Array())).toBe('header.empty');
  expect(foreignKind(new Uint8Array(), new Uint8Array())).toBeUndefined();
});

it('is said in one line by the command line, with the exit codes of qemu-img for a raw file', () => {
  const path = files.path('disk.qcow2');
  fs.writeFileSync(path, disk(BOOT, PARTITION));
  const sentence =
    /^qcow2: [^\n]*disk\.qcow2: Not a qcow2 image but a raw disk with an MBR partition table\. [^\n]*\n$/;
  const checked = cli(['check', path]);
  expect(checked.status).toBe(qemuImg(['check', path]).status);
  expect(checked.status).toBe(63);
  expect(checked.stderr).toMatch(sentence);
  for (const verb of ['info', 'map']) {
    const ran = cli([verb, path]);
    expect(ran.status, verb).toBe(1);
    expect(ran.stderr, verb).toMatch(sentence);
  }
  mustQemuImg(['create', '-q', '-f', 'qcow', path, '4M']);
  expect(cli(['check', path]).status).toBe(qemuImg(['check', path]).status);
});
