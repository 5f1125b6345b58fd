/** Disks with a simple partition table, made without a program. */

/** As an MBR has it: type, first sector, how many sectors. */
export type MbrEntry = readonly [type: number, first: number, sectors: number];

/** @param disk its first sector is changed @param entries at most four */
export function writeMbr(disk: Buffer, entries: readonly MbrEntry[]): void {
  disk.fill(0, 446, 510);
  entries.forEach(([type, first, sectors], index) => {
    const at = 446 + 16 * index;
    disk.writeUInt8(type, at + 4);
    disk.writeUInt32LE(first, at + 8);
    disk.writeUInt32LE(sectors, at + 12);
  });
  disk.writeUInt16BE(0x55aa, 510);
}

const MIB = 2 ** 20;
const SECTOR = 512;

/** A disk whose partitions hold what is given, each beginning at a whole MiB, one MiB after the one before. */
export function mbrDisk(...parts: readonly (readonly [type: number, bytes: Uint8Array])[]): Buffer {
  const pieces: Buffer[] = [Buffer.alloc(MIB)];
  let at = MIB;
  const entries = parts.map(([type, bytes]): MbrEntry => {
    const first = at / SECTOR;
    const whole = Buffer.alloc((Math.ceil(bytes.length / MIB) + 1) * MIB);
    whole.set(bytes);
    pieces.push(whole);
    at += whole.length;
    return [type, first, bytes.length / SECTOR];
  });
  const disk = Buffer.concat(pieces);
  writeMbr(disk, entries);
  return disk;
}
