/** Images of the matrix that have no backing file. */
import type { Kitchen, Recipe } from './recipe';

const CLUSTER_SIZES = [512, 1024, 4096, 65536, 2097152];

/**
 * Writes of every kind, at distances of clusters: data, data across a cluster's edge, zeroes with and without
 * allocation, discarded data, data again behind a gap.
 */
function mixedWrites(cluster: number): string[] {
  const at = (clusters: number): number => clusters * cluster;
  return [
    `write -P 0x11 0 ${at(2)}`,
    `write -P 0x22 ${at(3) + cluster / 2} ${cluster}`,
    `write -P 0x33 ${at(6)} ${at(2)}`,
    `write -z -u ${at(6)} ${cluster}`,
    `write -z ${at(9)} ${at(1)}`,
    `write -P 0x44 ${at(10)} ${at(3)}`,
    `discard ${at(11)} ${cluster}`,
    `write -P 0x55 ${at(14)} 512`,
  ];
}

const mixed = (kitchen: Kitchen, cluster: number, options: string): Kitchen =>
  kitchen
    .create('disk.qcow2', String(cluster * 16), `cluster_size=${cluster}${options}`)
    .io('disk.qcow2', ...mixedWrites(cluster));

const versionsAndClusters: Recipe[] = ['0.10', '1.1'].flatMap((compat) =>
  CLUSTER_SIZES.map((cluster) => ({
    name: `a compat ${compat} image with clusters of ${cluster} bytes`,
    make: (kitchen: Kitchen) => mixed(kitchen, cluster, `,compat=${compat}`),
  })),
);

const otherClusters: Recipe[] = [2048, 8192, 16384, 32768, 131072, 262144, 524288, 1048576].map(
  (cluster) => ({
    name: `an image with clusters of ${cluster} bytes`,
    make: (kitchen) => mixed(kitchen, cluster, ''),
  }),
);

const refcountWidths: Recipe[] = [1, 2, 4, 8, 16, 32, 64].map((bits) => ({
  name: `an image with refcounts of ${bits} bits`,
  make: (kitchen) => mixed(kitchen, 4096, `,refcount_bits=${bits}`),
}));

const extendedL2: Recipe[] = [16384, 65536, 2097152].map((cluster) => ({
  name: `an image with extended L2 entries and clusters of ${cluster} bytes`,
  make: (kitchen) => {
    const sub = cluster / 32;
    mixed(kitchen, cluster, ',extended_l2=on').io(
      'disk.qcow2',
      `write -P 0x66 ${cluster * 12 + sub} ${sub}`,
      `write -z ${cluster * 12 + sub * 4} ${sub * 2}`,
      `write -P 0x77 ${cluster * 13 + sub * 31} ${sub * 2}`,
      `discard ${cluster * 13 + sub * 31} ${sub}`,
    );
  },
}));

const compressed: Recipe[] = [
  ['0.10', 'zlib', 512],
  ['0.10', 'zlib', 65536],
  ['1.1', 'zlib', 512],
  ['1.1', 'zlib', 4096],
  ['1.1', 'zlib', 65536],
  ['1.1', 'zlib', 2097152],
  ['1.1', 'zstd', 512],
  ['1.1', 'zstd', 4096],
  ['1.1', 'zstd', 65536],
  ['1.1', 'zstd', 2097152],
].map(([compat, type, cluster]) => ({
  name: `a compat ${compat} image with ${type} clusters of ${cluster} bytes`,
  make: (kitchen) => {
    const size = Number(cluster);
    const isV3 = compat !== '0.10';
    const options = `compat=${compat},cluster_size=${size}${isV3 ? `,compression_type=${type}` : ''}`;
    // Content that compresses to different lengths; clusters of it lie across host clusters' edges.
    kitchen
      .raw('source.raw', size * 24, [
        [0, size * 3 + 100],
        [size * 5, 700],
        [size * 8, size * 10],
      ])
      .img(['convert', '-c', '-O', 'qcow2', '-o', options, 'source.raw', 'disk.qcow2'])
      .io('disk.qcow2', `write -P 0x12 ${size * 9} 512`, `write -z ${size * 11} ${size}`);
  },
}));

const extendedCompressed: Recipe[] = ['zlib', 'zstd'].map((type) => ({
  name: `an image with extended L2 entries and ${type} clusters`,
  make: (kitchen) =>
    kitchen
      .create('disk.qcow2', '2M', `extended_l2=on,compression_type=${type}`)
      .io('disk.qcow2', 'write -c -P 0x3c 0 64k', 'write -c -P 0x3d 192k 64k', 'write -P 1 194k 2k'),
}));

const preallocated: Recipe[] = ['off', 'metadata', 'falloc', 'full'].flatMap((mode) => [
  {
    name: `an image preallocated by ${mode}`,
    make: (kitchen: Kitchen) =>
      kitchen.create('disk.qcow2', '4M', `preallocation=${mode}`).io('disk.qcow2', 'write -P 9 1M 100k'),
  },
  {
    name: `an image with extended L2 entries preallocated by ${mode}`,
    make: (kitchen: Kitchen) =>
      kitchen
        .create('disk.qcow2', '4M', `extended_l2=on,preallocation=${mode}`)
        .io('disk.qcow2', 'write -P 9 1M 101k'),
  },
]);

const preallocatedWithHoles: Recipe[] = [
  {
    name: 'a compat 0.10 image preallocated by metadata',
    make: (kitchen) => kitchen.create('disk.qcow2', '4M', 'compat=0.10,preallocation=metadata'),
  },
  {
    name: 'a preallocated image of 512-byte clusters with data in the middle of holes',
    make: (kitchen) =>
      kitchen
        .create('disk.qcow2', '1M', 'cluster_size=512,preallocation=metadata')
        .io('disk.qcow2', 'write -P 1 100k 8k', 'write -P 2 300k 4k', 'write -P 3 1020k 4k'),
  },
  {
    name: 'a preallocated image with zeroes and discards',
    make: (kitchen) =>
      kitchen
        .create('disk.qcow2', '8M', 'preallocation=metadata')
        .io('disk.qcow2', 'write -P 1 1M 1M', 'write -z 2M 1M', 'discard 4M 1M', 'write -P 1 6M 64k'),
  },
];

const states: Recipe[] = [
  {
    name: 'an image with lazy refcounts',
    make: (kitchen) => mixed(kitchen, 65536, ',lazy_refcounts=on'),
  },
  {
    name: 'a dirty image',
    make: (kitchen) =>
      kitchen
        .create('disk.qcow2', '1M', 'lazy_refcounts=on')
        .abort('disk.qcow2', 'write -P 1 0 128k', 'flush', 'write -P 2 256k 64k'),
  },
  {
    name: 'a corrupt image',
    // incompatible_features, bit 1
    make: (kitchen) => mixed(kitchen, 65536, '').poke('disk.qcow2', 79, Uint8Array.of(2)),
  },
  {
    name: 'a dirty and corrupt image',
    make: (kitchen) => mixed(kitchen, 65536, '').poke('disk.qcow2', 79, Uint8Array.of(3)),
  },
  {
    name: 'an image with unknown compatible and autoclear bits',
    make: (kitchen) =>
      mixed(kitchen, 65536, '')
        .poke('disk.qcow2', 80, Uint8Array.of(0x80))
        .poke('disk.qcow2', 88, Uint8Array.of(0x40)),
  },
  {
    name: 'an image with an unknown header extension',
    // The end marker becomes an extension of four bytes; zeroes behind it are the new end.
    make: (kitchen) =>
      kitchen
        .create('disk.qcow2', '1M', 'compat=0.10')
        .poke('disk.qcow2', 72, Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0))
        .poke('disk.qcow2', 88, new Uint8Array(16)),
  },
];

const snapshots: Recipe[] = ['0.10', '1.1'].flatMap((compat) => [
  {
    name: `a compat ${compat} image with a snapshot and nothing changed since`,
    make: (kitchen: Kitchen) =>
      mixed(kitchen, 65536, `,compat=${compat}`).img(['snapshot', '-c', 'first', 'disk.qcow2']),
  },
  {
    name: `a compat ${compat} image with three snapshots and changes between`,
    make: (kitchen: Kitchen) =>
      mixed(kitchen, 4096, `,compat=${compat}`)
        .img(['snapshot', '-c', 'first', 'disk.qcow2'])
        .io('disk.qcow2', 'write -P 0x70 4k 8k')
        .img(['snapshot', '-c', 'second, with a comma and ünïcode', 'disk.qcow2'])
        .io('disk.qcow2', 'write -P 0x71 20k 3k', 'write -z 0 4k')
        .img(['snapshot', '-c', 'a name that is quite a bit longer than twenty letters', 'disk.qcow2']),
  },
]);

const moreSnapshots: Recipe[] = [
  {
    name: 'an image with forty snapshots, some deleted',
    make: (kitchen) => {
      mixed(kitchen, 4096, '');
      for (let index = 1; index <= 40; index++) {
        kitchen.img(['snapshot', '-c', `number ${index}`, 'disk.qcow2']);
      }
      for (const index of [1, 20, 39]) kitchen.img(['snapshot', '-d', `number ${index}`, 'disk.qcow2']);
    },
  },
  {
    name: 'an image with a snapshot, extended L2 entries and compressed clusters',
    make: (kitchen) =>
      kitchen
        .create('disk.qcow2', '2M', 'extended_l2=on')
        .io('disk.qcow2', 'write -P 1 0 64k', 'write -c -P 2 64k 64k')
        .img(['snapshot', '-c', 'before', 'disk.qcow2'])
        .io('disk.qcow2', 'write -P 3 66k 2k', 'discard 0 4k'),
  },
];

const bitmaps: Recipe[] = [
  {
    name: 'an image with a bitmap',
    make: (kitchen) =>
      kitchen
        .create('disk.qcow2', '16M')
        .img(['bitmap', '--add', 'disk.qcow2', 'b0'])
        .io('disk.qcow2', 'write -P 1 0 1M'),
  },
  {
    name: 'an image with bitmaps of several granularities, one disabled',
    make: (kitchen) =>
      kitchen
        .create('disk.qcow2', '16M', 'cluster_size=4096')
        .img(['bitmap', '--add', '-g', '512', 'disk.qcow2', 'fine'])
        .img(['bitmap', '--add', '-g', '2M', 'disk.qcow2', 'coarse'])
        .img(['bitmap', '--add', '--disable', 'disk.qcow2', 'disabled, "quoted" ü'])
        .io('disk.qcow2', 'write -P 1 0 1M', 'write -P 2 9M 4k'),
  },
  {
    name: 'an image whose bitmap is in use',
    make: (kitchen) =>
      kitchen
        .create('disk.qcow2', '16M')
        .img(['bitmap', '--add', 'disk.qcow2', 'b0'])
        .abort('disk.qcow2', 'write -P 1 0 1M'),
  },
  {
    name: 'an image with bitmaps and snapshots',
    make: (kitchen) =>
      mixed(kitchen, 65536, '')
        .img(['bitmap', '--add', 'disk.qcow2', 'b0'])
        .img(['snapshot', '-c', 'first', 'disk.qcow2']),
  },
];

const dataFiles: Recipe[] = [
  ['', ''],
  [' that is raw', ',data_file_raw=on'],
  [' and extended L2 entries', ',extended_l2=on'],
  [' preallocated by metadata', ',preallocation=metadata'],
  [' that is raw, fully preallocated', ',data_file_raw=on,preallocation=full'],
  [' and clusters of 512 bytes', ',cluster_size=512'],
].map(([words, options]) => ({
  name: `an image with an external data file${words}`,
  make: (kitchen) =>
    kitchen
      .create('disk.qcow2', '2M', `data_file=disk.data${options}`)
      .io('disk.qcow2', 'write -P 1 0 128k', 'write -z 256k 64k', 'write -P 2 1M 4k', 'discard 64k 64k'),
}));

const SECRET = 'open sesame';

const ENCRYPTIONS: readonly (readonly [words: string, options: string])[] = [
  ['encrypted with LUKS', 'encrypt.format=luks,encrypt.iter-time=10'],
  [
    'encrypted with LUKS, another cipher and mode',
    'encrypt.format=luks,encrypt.iter-time=10,encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,' +
      'encrypt.ivgen-alg=essiv,encrypt.ivgen-hash-alg=sha256,encrypt.hash-alg=sha512',
  ],
  ['encrypted with the old AES method', 'encrypt.format=aes'],
];

const encrypted: Recipe[] = ENCRYPTIONS.map(([words, options]) => ({
  name: `an image ${words}`,
  secret: SECRET,
  make: (kitchen) =>
    kitchen
      .createEncrypted('disk.qcow2', '4M', options, SECRET)
      .ioWithKey('disk.qcow2', SECRET, 'write -P 1 0 100k', 'write -z 1M 64k', 'write -P 2 2M 64k'),
}));

const SIZES: readonly (readonly [words: string, size: string, options: string])[] = [
  ['no bytes', '0', ''],
  ['no bytes, compat 0.10', '0', 'compat=0.10'],
  ['one sector', '512', ''],
  ['one sector and clusters of 2 MiB', '512', 'cluster_size=2M'],
  ['a cluster less a sector', '65024', ''],
  ['a cluster and a sector', '66048', ''],
  ['an odd number of sectors', '1000448', 'cluster_size=4096'],
  ['a size that is rounded up to sectors', '1000001', ''],
  ['one L2 table of 512-byte clusters and a sector', '33280', 'cluster_size=512'],
];

const sizes: Recipe[] = SIZES.map(([words, size, options]) => ({
  name: `an empty image of ${words}`,
  make: (kitchen) => kitchen.create('disk.qcow2', size, options),
}));

const lastSector: Recipe[] = [66048, 1000448, 33280].map((size) => ({
  name: `an image of ${size} bytes with its last sector written`,
  make: (kitchen) =>
    kitchen
      .create('disk.qcow2', String(size), size === 33280 ? 'cluster_size=512' : '')
      .io('disk.qcow2', `write -P 8 ${size - 512} 512`),
}));

const huge: Recipe[] = [
  ['1T', 2 ** 40, ''],
  ['64T', 2 ** 46, ''],
  ['2P', 2 ** 51, 'cluster_size=2M'],
  ['1T', 2 ** 40, 'extended_l2=on,cluster_size=128k'],
  ['127G', 127 * 2 ** 30, 'cluster_size=512'],
].map(([words, bytes, options]) => {
  const size = Number(bytes);
  return {
    name: `a sparse image of ${words}${options === '' ? '' : ` (${options})`}`,
    windows: [
      [0, 70000],
      [size / 2 - 4096, 70000],
      [size - 4096, 4096],
    ],
    make: (kitchen) =>
      kitchen
        .create('disk.qcow2', String(words), String(options))
        .io(
          'disk.qcow2',
          'write -P 1 0 4k',
          `write -P 2 ${size / 2} 64k`,
          `write -z ${size / 2 + 2 ** 21} 2M`,
          `write -P 3 ${size - 512} 512`,
        ),
  };
});

export const SINGLE_IMAGES: readonly Recipe[] = [
  ...versionsAndClusters,
  ...otherClusters,
  ...refcountWidths,
  ...extendedL2,
  ...compressed,
  ...extendedCompressed,
  ...preallocated,
  ...preallocatedWithHoles,
  ...states,
  ...snapshots,
  ...moreSnapshots,
  ...bitmaps,
  ...dataFiles,
  ...encrypted,
  ...sizes,
  ...lastSector,
  ...huge,
];
