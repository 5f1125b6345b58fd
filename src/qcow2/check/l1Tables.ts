/** The L1 tables of an image, the active one and those of snapshots. */
import { l1TableFault } from '../format/snapshotTable';
import type { Qcow2Image } from '../image/qcow2Image';
import { type EntryVisitor, forEachTableEntry } from '../image/tableEntries';
import type { BlockFile } from '../io/blockFile';
import type { HostOffset } from '../units';

export interface L1Table {
  /** Bytes from the start of the image file. */
  readonly offset: HostOffset;
  /** Entries. */
  readonly size: number;
  readonly isActive: boolean;
  /** Snapshots that have this very table; 1 for the active one. */
  readonly times: number;
  /** The first of them, by its place in the snapshot table. */
  readonly snapshot?: number;
}

/** The active table first; snapshots with the same table are one. Those whose table cannot be one are left out. */
export function l1TablesOf(image: Qcow2Image): L1Table[] {
  const { header, snapshots } = image;
  const active = { offset: header.l1TableOffset, size: header.l1Size, isActive: true, times: 1 };
  const shared = new Map<string, { -readonly [Field in keyof L1Table]: L1Table[Field] }>();
  snapshots.forEach((each, snapshot) => {
    const { l1TableOffset, l1Size } = each;
    if (l1Size === 0 || l1TableFault(each, header.clusterSize) !== undefined) return;
    const key = `${l1TableOffset} ${l1Size}`;
    const known = shared.get(key);
    if (known !== undefined) known.times++;
    else {
      const table = { offset: l1TableOffset, size: l1Size, isActive: false, times: 1, snapshot };
      shared.set(key, table);
    }
  });
  return [active, ...shared.values()].filter(({ size }) => size > 0);
}

/** Visits the entries that are not zero (`forEachTableEntry`). */
export const forEachL1Entry = (
  file: BlockFile,
  { offset, size }: L1Table,
  visit: EntryVisitor,
  between: (index: number) => void,
): void => {
  forEachTableEntry(file, offset, size * 8, visit, between);
};
