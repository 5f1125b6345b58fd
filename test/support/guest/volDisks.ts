/** The disks of test/fixtures/guest/vol, with what the systems' own tools say of them. */
import { readPartitions } from '../../../src/guest/partitions/readPartitions';
import { KeptDisks, type SparseDevice } from './sparse';

const SECTOR = 512;

export interface SfdiskTable {
  readonly label: 'dos' | 'gpt';
  readonly id: string;
  readonly sectorsize: number;
  readonly partitions?: readonly {
    readonly node: number;
    readonly start: number;
    readonly size: number;
    readonly type: string;
    readonly uuid?: string;
    readonly name?: string;
    readonly attrs?: string;
    readonly bootable?: boolean;
  }[];
}

export interface Segment {
  readonly lv_name: string;
  readonly lv_uuid: string;
  readonly lv_size: string;
  readonly stripes: string;
  readonly stripe_size: string;
  readonly seg_start_pe: string;
  readonly seg_size_pe: string;
  /** `1:0-19 2:0-19`: number of the partition, extents. */
  readonly seg_pe_ranges: string;
}

export interface Judged {
  readonly wipefs?: readonly {
    readonly offset: string;
    readonly type: string;
    readonly uuid: string | null;
    readonly label: string | null;
  }[];
  readonly sfdisk?: SfdiskTable;
  readonly segments?: readonly Segment[];
  readonly group?: { readonly vg_name: string; readonly vg_uuid: string; readonly vg_extent_size: string };
  readonly volumes?: readonly {
    readonly pe_start: string;
    readonly lv_name?: string;
    readonly vg_name?: string;
  }[];
  /** Extents of each physical volume, by partition `1:`. */
  readonly free?: readonly {
    readonly pv_name: string;
    readonly pvseg_start: string;
    readonly pvseg_size: string;
    readonly lv_name: string;
  }[];
}

let kept: KeptDisks<Judged> | undefined;

/** Unpacked once for each file of tests. */
export const volDisks = (): KeptDisks<Judged> => (kept ??= new KeptDisks<Judged>('guest/vol'));

/** Sectors of the kept disk `lvm` that a logical volume's sectors are, from lvm's table of segments. */
export function sectorsOf(disk: SparseDevice, segments: readonly Segment[]): number[] {
  const { group, volumes } = volDisks().judged['lvm']!;
  const perExtent = Number(group!.vg_extent_size) / SECTOR;
  const partitions = readPartitions(disk).partitions;
  const sectors: number[] = [];
  for (const { seg_start_pe, seg_size_pe, stripe_size, seg_pe_ranges } of segments) {
    const stripes = seg_pe_ranges.split(' ').map((range) => {
      const [, partition = '', first = ''] = /^(\d+):(\d+)-\d+$/.exec(range)!;
      const own = Number(partition) - 1;
      return (partitions[own]!.start + Number(volumes![own]!.pe_start)) / SECTOR + Number(first) * perExtent;
    });
    const chunk = stripes.length === 1 ? Infinity : Number(stripe_size) / SECTOR;
    for (let sector = 0; sector < Number(seg_size_pe) * perExtent; sector++) {
      const row = chunk === Infinity ? 0 : Math.floor(sector / chunk / stripes.length);
      const stripe = chunk === Infinity ? 0 : Math.floor(sector / chunk) % stripes.length;
      const within = chunk === Infinity ? sector : row * chunk + (sector % chunk);
      sectors[Number(seg_start_pe) * perExtent + sector] = stripes[stripe]! + within;
    }
  }
  return sectors;
}
