/** Makes the checksums of version 5 right again after damage, so that readers meet the damage itself. */
import { checksumOf } from '../../../../src/guest/xfs/checksum';

/** By magic numbers: where the checksum is. Lengths are those of a block, or of a sector. */
const SEALS: ReadonlyMap<string, readonly [number, 'block' | 'sector' | 'inode' | 'directory']> = new Map([
  ['XFSB', [224, 'sector']],
  ['XAGF', [216, 'sector']],
  ['XAGI', [312, 'sector']],
  ['XAFL', [32, 'sector']],
  ['AB3B', [52, 'block']],
  ['AB3C', [52, 'block']],
  ['BMA3', [64, 'block']],
  ['XDB3', [4, 'directory']],
  ['XDD3', [4, 'directory']],
  ['XSLM', [12, 'block']],
]);

export function reseal(bytes: Uint8Array): void {
  const disk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (disk.length < 512) return;
  const lengths = {
    block: disk.readUInt32BE(4),
    sector: disk.readUInt16BE(102),
    inode: disk.readUInt16BE(104),
    directory: disk.readUInt32BE(4) * 2 ** (disk[192]! & 15),
  };
  for (let at = 0; at + 512 <= disk.length; at += 256) {
    if (disk[at] === 0) continue;
    const [checksumAt, kind] =
      SEALS.get(disk.toString('latin1', at, at + 4)) ??
      (disk.readUInt16BE(at) === 0x494e && disk[at + 4] === 3
        ? ([100, 'inode'] as const)
        : [0, 'block' as const]);
    const length = lengths[kind];
    if (checksumAt === 0 || length < 256 || at + length > disk.length || checksumAt + 4 > length) continue;
    disk.writeUInt32LE(checksumOf(disk.subarray(at, at + length), checksumAt), at + checksumAt);
  }
}
