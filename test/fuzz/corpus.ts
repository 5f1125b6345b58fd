/** The valid images that fuzzing starts from: small, and together they contain every structure of the format. */
import { type BuiltImage, fill, image, type ImageBuilder, noise } from '../support/imageBuilder';

export interface Seed {
  readonly name: string;
  readonly built: BuiltImage;
  readonly bytes: Buffer;
  /** Content of the external data file, where there is one. */
  readonly dataFile: Buffer | undefined;
}

/** Data, both kinds of zero, compressed clusters and gaps. */
const mixed = (builder: ImageBuilder): ImageBuilder =>
  builder.data(0, 3).zeroPlain(4).zeroAllocated(5).compressed(7, 3).data(12);

const overlay = (name: string, format?: string): ImageBuilder =>
  image({ clusterBits: 12, backing: format === undefined ? { name } : { name, format } })
    .data(1)
    .zeroPlain(2);

const builders: Readonly<Record<string, () => ImageBuilder>> = {
  v2: () => mixed(image({ version: 2, clusterBits: 9 })),
  v3: () => mixed(image({ clusterBits: 9 })),
  shuffled: () => mixed(image({ clusterBits: 9, size: '256k', order: { shuffledBy: 5 } })).data(300, 3),
  refcount1: () => mixed(image({ clusterBits: 9, refcountOrder: 0 })),
  refcount64: () => mixed(image({ clusterBits: 9, refcountOrder: 6 })),
  clusters64k: () => mixed(image({ clusterBits: 16 })),
  extended: () =>
    image({ clusterBits: 14, extendedL2: true })
      .data(0)
      .subclusters(1, 'DZ.')
      .subclusters(2, 'Z.')
      .subclusters(3, 'Z..', { allocated: true })
      .compressed(4, 2),
  zstd: () =>
    image({ clusterBits: 12, compression: 'zstd' })
      .compressed(0, 3)
      .compressed(3, 1, fill(7))
      .compressed(4, 1, noise(9)),
  deflate: () => image({ clusterBits: 12 }).compressed(0, 6).compressed(6, 1, noise(9)),
  snapshots: () =>
    mixed(image({ clusterBits: 9 }))
      .snapshot('one')
      .data(1)
      .snapshot('two', { extraSize: 16, vmStateSize: 2 ** 33 })
      .data(2),
  snapshotsV2: () =>
    mixed(image({ version: 2, clusterBits: 9 }))
      .snapshot('one')
      .data(1),
  bitmaps: () =>
    mixed(image({ clusterBits: 9, size: '1M' }))
      .bitmap('b0', { granularityBits: 9, dirty: [[0, 40_000]], auto: true })
      .bitmap('b1', { dirty: 'all', inUse: true }),
  dataFile: () =>
    image({ clusterBits: 12, dataFile: { name: 'disk.data', raw: true } })
      .data(0, 2)
      .zeroAllocated(3),
  aes: () => mixed(image({ clusterBits: 9, crypt: 'aes' })),
  luks: () => mixed(image({ clusterBits: 9, crypt: 'luks' })),
  named: () =>
    mixed(image({ clusterBits: 12, featureNames: true, lazyRefcounts: true, dirty: true, corrupt: true }))
      .extension(0x12345678, 'of nobody')
      .extension(0x12345679, ''),
  empty: () => image({ clusterBits: 9, size: 0 }),
  oddSize: () => image({ clusterBits: 16, size: 66_048 }).data(0, 2),
  sparse: () => image({ clusterBits: 16, size: '4G' }).data(0).data(60_000),
  overRaw: () => overlay('base.raw', 'raw'),
  overProbed: () => overlay('base.qcow2'),
  overQcow2: () => overlay('base.qcow2', 'qcow2'),
  overJson: () =>
    overlay('json:{"driver":"qcow2","file":{"driver":"file","filename":"base.qcow2"}}', 'qcow2'),
  overItself: () => overlay('disk.qcow2', 'qcow2'),
  overMissing: () => overlay('missing.qcow2', 'qcow2'),
};

/** The backing files that lie beside every image: content never changes. */
export const NEIGHBOURS: Readonly<Record<string, () => Buffer>> = {
  'base.raw': () => Buffer.alloc(50_000, 0x5a),
  'base.qcow2': () =>
    image({ clusterBits: 9, backing: { name: 'base.raw', format: 'raw' } })
      .data(3, 4)
      .toBuffer(),
};

export function corpus(): Seed[] {
  return Object.entries(builders).map(([name, make]) => {
    const built = make().build();
    return { name, built, bytes: built.toBuffer(), dataFile: built.dataFileBuffer() };
  });
}
