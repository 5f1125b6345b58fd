/** Backing chains of the matrix. */
import type { Kitchen, Recipe } from './recipe';

const MIB = 2 ** 20;

/** `base.raw`: 4 MiB unless told, with data between holes. */
const rawBase = (kitchen: Kitchen, size = 4 * MIB): Kitchen =>
  kitchen.raw('base.raw', size, [
    [0, 65536],
    [128 * 1024, 4096],
    [MIB + 512, 1024],
    [size - 5120, 5120],
  ]);

/** `base.qcow2`: data, both kinds of zeroes and unallocated stretches. */
const qcow2Base = (kitchen: Kitchen, size = '4M', options = ''): Kitchen =>
  kitchen
    .create('base.qcow2', size, options)
    .io(
      'base.qcow2',
      'write -P 0xb0 0 200k',
      'write -P 0xb1 512k 64k',
      'write -z 576k 64k',
      'write -P 0xb2 1M 64k',
    );

const OVERLAY_WRITES = ['write -P 0xa0 64k 64k', 'write -P 0xa1 1000k 2k', 'write -z 128k 64k'];

const overlay = (
  kitchen: Kitchen,
  backing: string,
  format: string | undefined,
  size = '',
  options = '',
): Kitchen =>
  kitchen.overlay('disk.qcow2', backing, format, size, options).io('disk.qcow2', ...OVERLAY_WRITES);

const overRaw: Recipe[] = [
  {
    name: 'an overlay over a raw base',
    make: (kitchen) => overlay(rawBase(kitchen), 'base.raw', 'raw'),
  },
  {
    name: 'an overlay over a raw base that is shorter',
    make: (kitchen) => overlay(rawBase(kitchen, 2 * MIB), 'base.raw', 'raw', '6M'),
  },
  {
    name: 'an overlay over a raw base that is longer',
    make: (kitchen) => overlay(rawBase(kitchen), 'base.raw', 'raw', '2M'),
  },
  {
    name: 'an overlay over a raw base that ends within a cluster',
    make: (kitchen) => overlay(rawBase(kitchen, 2 * MIB + 1536), 'base.raw', 'raw', '4M'),
  },
  {
    name: 'an overlay over a raw base of no whole number of sectors',
    make: (kitchen) => overlay(rawBase(kitchen, 2 * MIB + 700), 'base.raw', 'raw', '4M'),
  },
  {
    name: 'an overlay over an empty raw base',
    make: (kitchen) => overlay(kitchen.raw('base.raw', 0), 'base.raw', 'raw', '2M'),
  },
  {
    name: 'a compat 0.10 overlay over a raw base',
    make: (kitchen) =>
      rawBase(kitchen)
        .overlay('disk.qcow2', 'base.raw', 'raw', '', 'compat=0.10')
        .io('disk.qcow2', 'write -P 0xa0 64k 64k', 'discard 64k 64k', 'write -P 0xa1 1000k 2k'),
  },
  {
    name: 'an overlay whose raw base is named without a format',
    make: (kitchen) => rawBase(kitchen).overlay('disk.qcow2', 'base.raw', undefined, '4M'),
  },
  {
    name: 'an overlay that takes its qcow2 base for raw',
    make: (kitchen) => overlay(qcow2Base(kitchen), 'base.qcow2', 'raw', '2M'),
  },
];

const overQcow2: Recipe[] = [
  {
    name: 'an overlay over a qcow2 base',
    make: (kitchen) => overlay(qcow2Base(kitchen), 'base.qcow2', 'qcow2'),
  },
  {
    name: 'an overlay over a qcow2 base that is shorter',
    make: (kitchen) => overlay(qcow2Base(kitchen, '1088k'), 'base.qcow2', 'qcow2', '8M'),
  },
  {
    name: 'an overlay over a qcow2 base that is longer',
    make: (kitchen) => overlay(qcow2Base(kitchen), 'base.qcow2', 'qcow2', '1026k'),
  },
  {
    name: 'an overlay whose qcow2 base is named without a format',
    make: (kitchen) => overlay(qcow2Base(kitchen), 'base.qcow2', undefined, '4M'),
  },
  {
    name: 'an overlay over a base with discarded clusters, itself discarded in parts',
    make: (kitchen) =>
      overlay(qcow2Base(kitchen).io('base.qcow2', 'discard 64k 64k'), 'base.qcow2', 'qcow2').io(
        'disk.qcow2',
        'discard 0 64k',
        'write -P 5 512k 64k',
        'discard 512k 64k',
      ),
  },
  {
    name: 'an overlay over an empty qcow2 base',
    make: (kitchen) => overlay(kitchen.create('base.qcow2', '2M'), 'base.qcow2', 'qcow2'),
  },
  {
    name: 'an overlay over a qcow2 base of no bytes',
    make: (kitchen) => overlay(kitchen.create('base.qcow2', '0'), 'base.qcow2', 'qcow2', '2M'),
  },
  {
    name: 'an empty overlay over a qcow2 base',
    make: (kitchen) => qcow2Base(kitchen).overlay('disk.qcow2', 'base.qcow2', 'qcow2'),
  },
  {
    name: 'an overlay of 512-byte clusters over a base of 2 MiB clusters',
    make: (kitchen) =>
      overlay(qcow2Base(kitchen, '4M', 'cluster_size=2M'), 'base.qcow2', 'qcow2', '', 'cluster_size=512'),
  },
  {
    name: 'an overlay of 2 MiB clusters over a base of 512-byte clusters',
    make: (kitchen) =>
      overlay(qcow2Base(kitchen, '4M', 'cluster_size=512'), 'base.qcow2', 'qcow2', '', 'cluster_size=2M'),
  },
  {
    name: 'a compat 0.10 overlay over a compat 1.1 base',
    make: (kitchen) =>
      qcow2Base(kitchen)
        .overlay('disk.qcow2', 'base.qcow2', 'qcow2', '', 'compat=0.10')
        .io('disk.qcow2', 'write -P 0xa0 64k 64k', 'write -P 0xa1 1000k 2k'),
  },
  {
    name: 'an overlay with extended L2 entries over a qcow2 base',
    make: (kitchen) =>
      overlay(qcow2Base(kitchen), 'base.qcow2', 'qcow2', '', 'extended_l2=on').io(
        'disk.qcow2',
        'write -P 7 514k 2k',
        'write -z 520k 4k',
        'discard 64k 8k',
        'write -P 8 3M 2k',
      ),
  },
  {
    name: 'an overlay with extended L2 entries over a raw base that ends within a cluster',
    make: (kitchen) =>
      overlay(rawBase(kitchen, 2 * MIB + 1536), 'base.raw', 'raw', '4M', 'extended_l2=on').io(
        'disk.qcow2',
        'write -P 7 2052k 2k',
        'write -P 8 130k 2k',
      ),
  },
  {
    name: 'an overlay over a base with extended L2 entries',
    make: (kitchen) => {
      qcow2Base(kitchen, '4M', 'extended_l2=on').io('base.qcow2', 'write -P 9 2M 2k', 'discard 0 6k');
      overlay(kitchen, 'base.qcow2', 'qcow2');
    },
  },
  {
    name: 'an overlay over a compressed base',
    make: (kitchen) =>
      overlay(
        rawBase(kitchen).img(['convert', '-c', '-O', 'qcow2', 'base.raw', 'base.qcow2']),
        'base.qcow2',
        'qcow2',
      ),
  },
  {
    name: 'a compressed overlay over a qcow2 base',
    make: (kitchen) =>
      qcow2Base(kitchen)
        .overlay('disk.qcow2', 'base.qcow2', 'qcow2')
        .io('disk.qcow2', 'write -c -P 0xc0 64k 64k', 'write -c -P 0xc1 2M 64k'),
  },
  {
    name: 'an overlay over a preallocated base',
    make: (kitchen) => overlay(qcow2Base(kitchen, '4M', 'preallocation=metadata'), 'base.qcow2', 'qcow2'),
  },
  {
    name: 'an overlay over a base with an external data file',
    make: (kitchen) => overlay(qcow2Base(kitchen, '4M', 'data_file=base.data'), 'base.qcow2', 'qcow2'),
  },
  {
    name: 'an overlay with an external data file over a qcow2 base',
    make: (kitchen) => overlay(qcow2Base(kitchen), 'base.qcow2', 'qcow2', '', 'data_file=disk.data'),
  },
  {
    name: 'an overlay over a base with snapshots and bitmaps',
    make: (kitchen) =>
      overlay(
        qcow2Base(kitchen)
          .img(['snapshot', '-c', 'first', 'base.qcow2'])
          .img(['bitmap', '--add', 'base.qcow2', 'b0']),
        'base.qcow2',
        'qcow2',
      ),
  },
  {
    name: 'an overlay with a snapshot over a qcow2 base',
    make: (kitchen) =>
      overlay(qcow2Base(kitchen), 'base.qcow2', 'qcow2').img(['snapshot', '-c', 'first', 'disk.qcow2']),
  },
];

const names: Recipe[] = [
  {
    name: 'an overlay that names its base by an absolute path',
    make: (kitchen) => overlay(qcow2Base(kitchen), kitchen.path('base.qcow2'), 'qcow2'),
  },
  {
    name: 'an overlay that names its base by file: and a relative path',
    make: (kitchen) => overlay(qcow2Base(kitchen), 'file:base.qcow2', 'qcow2'),
  },
  {
    name: 'an overlay that names its base by file: and an absolute path',
    make: (kitchen) => overlay(qcow2Base(kitchen), `file:${kitchen.path('base.qcow2')}`, 'qcow2'),
  },
  {
    name: 'an overlay that names its base by a json: name',
    make: (kitchen) =>
      overlay(
        qcow2Base(kitchen),
        `json:{"driver":"qcow2","file":{"driver":"file","filename":"${kitchen.path('base.qcow2')}"}}`,
        'qcow2',
      ),
  },
  {
    name: 'an overlay that names its base by a json: name with dotted keys',
    make: (kitchen) =>
      overlay(
        qcow2Base(kitchen),
        `json:{"driver":"qcow2","file.driver":"file","file.filename":"${kitchen.path('base.qcow2')}"}`,
        'qcow2',
      ),
  },
  {
    name: 'an overlay that names its raw base by a json: name',
    make: (kitchen) =>
      overlay(
        rawBase(kitchen),
        `json:{"driver":"raw","file":{"driver":"file","filename":"${kitchen.path('base.raw')}"}}`,
        'raw',
      ),
  },
  {
    name: 'an overlay in another folder than its base',
    image: 'sub/disk.qcow2',
    make: (kitchen) =>
      qcow2Base(kitchen)
        .mkdir('sub')
        .create('sub/disk.qcow2', '', '', ['-b', '../base.qcow2', '-F', 'qcow2'])
        .io('sub/disk.qcow2', ...OVERLAY_WRITES),
  },
  {
    name: 'an overlay opened through a symbolic link in another folder',
    image: 'sub/link.qcow2',
    make: (kitchen) => {
      // QEMU resolves the base beside the name it was given, not beside the link's target.
      qcow2Base(kitchen).mkdir('sub');
      kitchen.img(['convert', '-O', 'qcow2', 'base.qcow2', 'sub/base.qcow2']);
      overlay(kitchen, 'base.qcow2', 'qcow2').symlink('../disk.qcow2', 'sub/link.qcow2');
    },
  },
  {
    name: 'an overlay whose base is a symbolic link',
    make: (kitchen) => overlay(qcow2Base(kitchen).symlink('base.qcow2', 'link.qcow2'), 'link.qcow2', 'qcow2'),
  },
  {
    name: 'an overlay whose base has spaces, per cent and letters beyond ASCII in its name',
    make: (kitchen) =>
      overlay(
        qcow2Base(kitchen).img(['convert', '-O', 'qcow2', 'base.qcow2', 'bäse 100%, "1".qcow2']),
        'bäse 100%, "1".qcow2',
        'qcow2',
      ),
  },
  {
    name: 'an image with a colon behind a slash in its name',
    image: './with:colon.qcow2',
    make: (kitchen) => qcow2Base(kitchen).img(['convert', '-O', 'qcow2', 'base.qcow2', './with:colon.qcow2']),
  },
  {
    name: 'an overlay whose base has a colon behind a slash in its name',
    make: (kitchen) =>
      overlay(
        qcow2Base(kitchen).img(['convert', '-O', 'qcow2', 'base.qcow2', './with:colon.qcow2']),
        './with:colon.qcow2',
        'qcow2',
      ),
  },
];

const deep: Recipe[] = [
  {
    name: 'a chain of three over a raw base',
    make: (kitchen) =>
      overlay(
        rawBase(kitchen)
          .overlay('middle.qcow2', 'base.raw', 'raw', '5M')
          .io('middle.qcow2', 'write -P 0x40 1M 64k', 'write -z 64k 128k', 'write -P 0x41 4500k 64k'),
        'middle.qcow2',
        'qcow2',
        '6M',
      ),
  },
  {
    name: 'a chain of three qcow2 layers, the middle one shortest',
    make: (kitchen) =>
      overlay(
        qcow2Base(kitchen)
          .overlay('middle.qcow2', 'base.qcow2', 'qcow2', '1M')
          .io('middle.qcow2', 'write -P 0x40 320k 64k'),
        'middle.qcow2',
        'qcow2',
        '4M',
      ),
  },
  {
    name: 'a chain of three with other cluster sizes, versions and compression',
    make: (kitchen) =>
      rawBase(kitchen)
        .img(['convert', '-c', '-O', 'qcow2', '-o', 'compat=0.10', 'base.raw', 'base.qcow2'])
        .overlay('middle.qcow2', 'base.qcow2', 'qcow2', '', 'cluster_size=4096,compression_type=zstd')
        .io('middle.qcow2', 'write -c -P 0x40 8k 4k', 'write -P 0x41 1M 6k')
        .overlay('disk.qcow2', 'middle.qcow2', 'qcow2', '', 'cluster_size=256k,extended_l2=on')
        .io('disk.qcow2', 'write -P 0xa0 64k 8k', 'write -z 1M 8k'),
  },
  {
    name: 'a chain of six',
    make: (kitchen) => {
      qcow2Base(kitchen);
      let below = 'base.qcow2';
      for (let level = 1; level <= 4; level++) {
        const name = `level${level}.qcow2`;
        kitchen.overlay(name, below, 'qcow2').io(name, `write -P ${level} ${level * 100}k 30k`);
        below = name;
      }
      overlay(kitchen, below, 'qcow2');
    },
  },
  {
    name: 'a chain over folders, each name relative to its own layer',
    image: 'a/b/disk.qcow2',
    make: (kitchen) =>
      qcow2Base(kitchen)
        .mkdir('a/b')
        .create('a/middle.qcow2', '', '', ['-b', '../base.qcow2', '-F', 'qcow2'])
        .io('a/middle.qcow2', 'write -P 0x40 320k 64k')
        .create('a/b/disk.qcow2', '', '', ['-b', '../middle.qcow2', '-F', 'qcow2'])
        .io('a/b/disk.qcow2', ...OVERLAY_WRITES),
  },
  {
    name: 'a huge overlay over a small base',
    windows: [
      [0, 2 * MIB],
      [4 * MIB - 4096, 8192],
      [2 ** 40 - 512, 512],
    ],
    make: (kitchen) => overlay(qcow2Base(kitchen), 'base.qcow2', 'qcow2', '1T'),
  },
];

export const CHAINS: readonly Recipe[] = [...overRaw, ...overQcow2, ...names, ...deep];
