/** A disk as machines have it: a GPT with a FAT partition to boot from, and ext4. */
import * as fs from 'node:fs';
import { must } from '../process';
import { mustQemuImg } from '../qemu';

const SECTOR = 512;
const FAT_START = 2048;
const FAT_SECTORS = 16 * 2048;
export const EXT_START = FAT_START + FAT_SECTORS;
const EXT_SECTORS = 40 * 2048;
export const EXT_BYTES = EXT_SECTORS * SECTOR;

/**
 * Makes `disk.qcow2`, of 64 MiB, in a folder.
 * @param files what the second partition is filled with: a folder; the first one has EFI/BOOT/BOOTX64.EFI
 */
export function makePartitionedDisk(folder: string, files: string, options = 'compat=1.1'): void {
  const raw = `${folder}/disk.raw`;
  const [fat, ext] = [`${folder}/fat.raw`, `${folder}/ext.raw`];
  fs.rmSync(fat, { force: true });
  must('mkfs.fat', [
    '-C',
    '-F',
    '16',
    '-n',
    'EFI',
    '-i',
    '12345678',
    fat,
    String((FAT_SECTORS * SECTOR) / 1024),
  ]);
  const loader = `${folder}/BOOTX64.EFI`;
  fs.writeFileSync(loader, 'boot loader');
  must('mmd', ['-i', fat, '::EFI', '::EFI/BOOT']);
  must('mcopy', ['-i', fat, loader, '::EFI/BOOT/BOOTX64.EFI']);
  must('mke2fs', [
    '-q',
    '-F',
    '-t',
    'ext4',
    '-L',
    'root',
    '-d',
    files,
    ext,
    `${(EXT_SECTORS * SECTOR) / 1024}k`,
  ]);
  // Space that the file system has freed, and that is still stored.
  fs.writeFileSync(`${folder}/gone`, Buffer.alloc(8 * 2 ** 20, 0x5a));
  must('debugfs', ['-w', '-R', `write ${folder}/gone gone`, ext]);
  must('debugfs', ['-w', '-R', 'rm gone', ext]);
  const disk = fs.openSync(raw, 'w');
  fs.ftruncateSync(disk, 64 * 2 ** 20);
  fs.writeSync(disk, fs.readFileSync(fat), 0, null, FAT_START * SECTOR);
  fs.writeSync(disk, fs.readFileSync(ext), 0, null, EXT_START * SECTOR);
  fs.closeSync(disk);
  must('sgdisk', [
    `-n1:${FAT_START}:+16M`,
    '-t1:ef00',
    `-n2:${EXT_START}:${EXT_START + EXT_SECTORS - 1}`,
    '-t2:8300',
    raw,
  ]);
  mustQemuImg(['convert', '-f', 'raw', '-O', 'qcow2', '-o', options, raw, `${folder}/disk.qcow2`]);
}
