/**
 * A disk with two ext4 file systems in an MBR: one that has deleted a file, and one that was not closed; a swap area and space
 * that belongs to no partition, with something in both.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { must } from '../process';
import { mustQemuImg } from '../qemu';

const MIB = 2 ** 20;
const SECTOR = 512;

interface System {
  readonly start: number;
  readonly bytes: number;
}

export const ROOT: System = { start: MIB, bytes: 20 * MIB };
const DATA: System = { start: 21 * MIB, bytes: 8 * MIB };
const SWAP: System = { start: 29 * MIB, bytes: 2 * MIB };
const PAGE = 4096;
const DISK_BYTES = 36 * MIB;

/** Bytes that are stored in unpartitioned space. */
export const UNPARTITIONED_BYTES = MIB;

/** Bytes of the deleted file, which are still stored. */
export const DELETED_BYTES = 8 * MIB;

/** Makes a qcow2 image of 36 MiB. */
export function makeTwoSystems(path: string): void {
  const folder = fs.mkdtempSync(`${tmpdir()}/two-systems-`);
  const raw = `${folder}/two-systems.raw`;
  const disk = fs.openSync(raw, 'w+');
  fs.ftruncateSync(disk, DISK_BYTES);
  fs.writeSync(disk, mbr([ROOT, DATA, SWAP]), 0, SECTOR, 0);
  fs.writeSync(disk, rootSystem(folder), 0, null, ROOT.start);
  fs.writeSync(disk, uncleanSystem(folder), 0, null, DATA.start);
  fs.writeSync(disk, swapArea(), 0, null, SWAP.start);
  fs.writeSync(disk, Buffer.alloc(UNPARTITIONED_BYTES, 0x5b), 0, null, 32 * MIB);
  fs.closeSync(disk);
  mustQemuImg(['convert', '-f', 'raw', '-O', 'qcow2', raw, path]);
  fs.rmSync(folder, { recursive: true });
}

/** The first file system of an image as its own tools see it: a raw file. */
export function rootOf(image: string, raw: string): string {
  mustQemuImg(['convert', '-O', 'raw', image, raw]);
  fs.writeFileSync(raw, fs.readFileSync(raw).subarray(ROOT.start, ROOT.start + ROOT.bytes));
  return raw;
}

function rootSystem(folder: string): Buffer {
  const [ext, kept, gone] = [`${folder}/root.ext4`, `${folder}/kept`, `${folder}/gone`];
  make(ext, 'root', ROOT);
  fs.writeFileSync(gone, Buffer.alloc(DELETED_BYTES, 0x5a));
  fs.writeFileSync(kept, 'kept\n');
  for (const change of [`write ${gone} gone`, `write ${kept} kept`, 'rm gone'])
    must('debugfs', ['-w', '-R', change, ext]);
  return fs.readFileSync(ext);
}

function uncleanSystem(folder: string): Buffer {
  const ext = `${folder}/data.ext4`;
  make(ext, 'data', DATA);
  must('debugfs', ['-w', '-R', 'set_super_value state 0', ext]);
  return fs.readFileSync(ext);
}

/** Half full. */
function swapArea(): Buffer {
  const area = Buffer.alloc(SWAP.bytes / 2, 0x5c);
  area.fill(0, 0, PAGE);
  area.writeUInt32LE(1, 1024);
  area.writeUInt32LE(SWAP.bytes / PAGE - 1, 1028);
  area.write('SWAPSPACE2', PAGE - 10);
  return area;
}

function make(ext: string, label: string, { bytes }: System): void {
  must('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', label, ext, `${bytes / 1024}k`]);
}

function mbr(systems: readonly System[]): Buffer {
  const sector = Buffer.alloc(SECTOR);
  systems.forEach(({ start, bytes }, index) => {
    const at = 446 + 16 * index;
    sector.writeUInt8(start === SWAP.start ? 0x82 : 0x83, at + 4);
    sector.writeUInt32LE(start / SECTOR, at + 8);
    sector.writeUInt32LE(bytes / SECTOR, at + 12);
  });
  sector.writeUInt16BE(0x55aa, 510);
  return sector;
}
