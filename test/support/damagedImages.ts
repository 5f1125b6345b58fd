/** Small images of all kinds, to be cut off and changed. */
import * as fs from 'node:fs';
import { type BuiltImage, image, type ImageBuilder } from './imageBuilder';

/** Version 2 has no zero flag. */
const plain = (builder: ImageBuilder): ImageBuilder => builder.data(0, 3).compressed(7, 3).data(12);
const mixed = (builder: ImageBuilder): ImageBuilder => plain(builder).zeroPlain(4).zeroAllocated(5);

const MAKERS: Readonly<Record<string, (folder: string) => ImageBuilder>> = {
  fresh: () => image({ clusterBits: 16, featureNames: true }),
  v2: () => plain(image({ version: 2, clusterBits: 12 })),
  v3: () => mixed(image({ clusterBits: 16, featureNames: true })),
  shuffled: () => mixed(image({ clusterBits: 9, size: '256k', order: { shuffledBy: 5 } })).data(300, 3),
  extended: () =>
    image({ clusterBits: 14, extendedL2: true })
      .data(0)
      .subclusters(1, 'DZ.')
      .subclusters(2, 'Z.')
      .subclusters(3, 'Z..', { allocated: true })
      .compressed(4, 2),
  snapshots: () =>
    mixed(image({ clusterBits: 12 }))
      .snapshot('one')
      .data(1)
      .snapshot('two', { extraSize: 16, vmStateSize: 2 ** 33 })
      .data(2),
  snapshotsV2: () =>
    plain(image({ version: 2, clusterBits: 9 }))
      .snapshot('one')
      .data(1),
  bitmaps: () =>
    mixed(image({ clusterBits: 12, size: '1M' }))
      .bitmap('b0', { granularityBits: 9, dirty: [[0, 40_000]], auto: true })
      .bitmap('b1', { dirty: 'all', inUse: true }),
  compressed: () => image({ clusterBits: 12, compression: 'zstd' }).compressed(0, 12),
  dataFile: (folder) =>
    image({ clusterBits: 12, dataFile: { name: `${folder}/disk.data` } })
      .data(0, 2)
      .zeroAllocated(3),
  overlay: () => mixed(image({ clusterBits: 12, backing: { name: 'base.raw', format: 'raw' } })),
};

export interface SmallImage {
  readonly name: string;
  readonly built: BuiltImage;
  readonly bytes: Buffer;
}

/** @param folder of the images, in which the files are made that they name */
export function smallImages(folder: string): readonly SmallImage[] {
  fs.writeFileSync(`${folder}/disk.data`, Buffer.alloc(65536, 7));
  fs.writeFileSync(`${folder}/base.raw`, Buffer.alloc(65536, 9));
  return Object.entries(MAKERS).map(([name, make]) => {
    const built = make(folder).build();
    return { name, built, bytes: built.toBuffer() };
  });
}
