/** The disks of test/fixtures/guest/vol, with what the systems' own tools say of them. */
import { KeptDisks } from './sparse';

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
