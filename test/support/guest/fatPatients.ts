/** Small images of each kind of FAT, to be damaged. */
import * as fs from 'node:fs';
import { openExfat } from '../../../src/guest/fat/exfat';
import { openFat } from '../../../src/guest/fat/fat';
import type { BlockDevice } from '../../../src/guest/blockDevice';
import type { FileSystem } from '../../../src/guest/fileSystem';
import { seededRandom } from '../builder/random';
import { exfatFixture } from './exfatFixtures';
import { copyIn, type FatShape, makeFat, makeTree } from './fatTools';

export interface FatPatient {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly open: (device: BlockDevice) => FileSystem;
}

const SHAPES: readonly FatShape[] = [
  { bits: 12, mebibytes: 1, sectorSize: 512, perCluster: 1, copies: 2 },
  { bits: 16, mebibytes: 4, sectorSize: 512, perCluster: 1, copies: 2 },
  { bits: 32, mebibytes: 34, sectorSize: 512, perCluster: 1, copies: 2 },
];

/** @param folder an empty one, for a short time */
export function fatPatients(folder: string): FatPatient[] {
  const fat = SHAPES.map((shape) => {
    const [image, source] = [`${folder}/${shape.bits}.img`, `${folder}/${shape.bits}`];
    makeFat(image, shape, 'DAMAGED');
    makeTree(source, seededRandom(shape.bits), 100, 4000);
    copyIn(image, source);
    fs.rmSync(source, { recursive: true });
    const bytes = shape.bits === 32 ? shortened(fs.readFileSync(image)) : fs.readFileSync(image);
    return { name: `FAT${shape.bits}`, bytes, open: openFat };
  });
  const exfat = (['exfat-512', 'exfat-2k'] as const).map((name) => {
    return { name, bytes: exfatFixture(name).whole(), open: openExfat };
  });
  return [...fat, ...exfat];
}

const SHORT = 2 * 1024 * 1024;

/** mtools takes FAT32 with few clusters for FAT16; readers that go by the boot sector, as Linux, do not. */
function shortened(image: Buffer): Uint8Array {
  image.writeUInt32LE(SHORT / 512, 32);
  return image.subarray(0, SHORT);
}
