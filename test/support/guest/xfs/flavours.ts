/** Kinds of XFS that tests make: what `mkfs.xfs` is told. */

export interface Flavour {
  readonly name: string;
  readonly args: readonly string[];
  /** MiB of the device. */
  readonly size: number;
  /** The kernel no longer mounts version 4. */
  readonly isOld?: boolean;
}

const V4 = '-m crc=0';

export const FLAVOURS: readonly Flavour[] = [
  flavour('v5', '', 40),
  flavour('v5, 2048-byte inodes, 8 KiB directory blocks', '-i size=2048 -n size=8k', 40),
  flavour('v5, 64 KiB directory blocks', '-n size=64k', 40),
  flavour('v5, 1 KiB blocks, big counters', '-b size=1k -i nrext64=1', 40),
  flavour(
    'v5, no big timestamps, no reflink, no sparse inodes',
    '-m bigtime=0,inobtcount=0,reflink=0 -i sparse=0',
    40,
  ),
  flavour('v5, reverse mappings, 4 groups', '-m rmapbt=1 -d agcount=4', 72),
  flavour('v5, 4 KiB sectors, own log stripe unit', '-s size=4k -l su=32k', 40),
  flavour('v5, 1 KiB blocks, 4 KiB directory blocks, 16 groups', '-b size=1k -n size=4k -d agcount=16', 260),
  { ...flavour('v4', V4, 40), isOld: true },
  { ...flavour('v4, 512-byte blocks, no file types', `${V4} -b size=512 -n ftype=0`, 40), isOld: true },
  { ...flavour('v4, 1 KiB blocks, 8 KiB directory blocks', `${V4} -b size=1k -n size=8k`, 40), isOld: true },
  {
    ...flavour(
      'v4, log of version 1, no lazy counters',
      `${V4},finobt=0 -l version=1,lazy-count=0 -i attr=1`,
      40,
    ),
    isOld: true,
  },
];

function flavour(name: string, args: string, size: number): Flavour {
  return { name, args: args === '' ? [] : args.split(' '), size };
}
