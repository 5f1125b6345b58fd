/** The two entries that say where one guest cluster is, raw and decoded, for people who look at them. */
import { FormatError, type Problem } from '../errors';
import { HIGH, LOW, type RawEntry } from '../format/bytes';
import { decodeL2Entry, type L2Meaning } from '../format/l2Entry';
import {
  alignDown,
  type GuestCluster,
  guestOffset,
  type GuestOffset,
  hostOffset,
  type HostOffset,
  plus,
} from '../units';
import type { ActiveTables } from './activeTables';
import { TABLE_PAGE } from './l2Cache';

export interface ClusterEntry {
  readonly guest: GuestOffset;
  readonly l1Index: number;
  /** Bytes from the start of the image file. */
  readonly l1EntryOffset: HostOffset;
  readonly l1Entry: RawEntry;
  /** Absent where there is no L2 table, or no usable one. */
  readonly l2?: L2EntryView;
  /** What the entries say; `invalid` with the rule they break. */
  readonly meaning: L2Meaning | { readonly kind: 'invalid'; readonly problem: Problem };
}

export interface L2EntryView {
  readonly tableOffset: HostOffset;
  readonly index: number;
  /** Bytes from the start of the image file. */
  readonly entryOffset: HostOffset;
  readonly entry: RawEntry;
  /** Extended L2: high word reads-as-zero bits, low word allocation bits, subcluster 0 lowest. */
  readonly bitmap?: RawEntry;
}

/** @throws FileError */
export function readClusterEntry(tables: ActiveTables, cluster: GuestCluster): ClusterEntry {
  const { header, rules } = tables;
  const l1Index = Math.floor(cluster / header.l2Entries);
  const l1EntryOffset = tables.l1EntryOffset(l1Index);
  const found = {
    guest: guestOffset(cluster * header.clusterSize),
    l1Index,
    l1EntryOffset,
    l1Entry: entryAt(tables, l1EntryOffset),
  };
  let l2: L2EntryView | undefined;
  try {
    const index = cluster % header.l2Entries;
    const tableOffset = tables.l2TableWith(l1Index, index);
    if (tableOffset === 0) return { ...found, meaning: { kind: 'unallocated' } };
    l2 = readL2Entry(tables, tableOffset, index);
    const place = { entryOffset: l2.entryOffset, guest: found.guest };
    return { ...found, l2, meaning: decodeL2Entry(rules, place, l2.entry, l2.bitmap) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return {
      ...found,
      ...(l2 === undefined ? {} : { l2 }),
      meaning: { kind: 'invalid', problem: error.problem },
    };
  }
}

function readL2Entry(tables: ActiveTables, tableOffset: HostOffset, index: number): L2EntryView {
  const { l2EntrySize } = tables.header;
  const entryOffset = plus(tableOffset, index * l2EntrySize);
  const entry = entryAt(tables, entryOffset);
  const view = { tableOffset, index, entryOffset, entry };
  return l2EntrySize === 8 ? view : { ...view, bitmap: entryAt(tables, hostOffset(entryOffset + 8)) };
}

/** The 64 bits at `offset`, which is a multiple of 8. */
function entryAt(tables: ActiveTables, offset: HostOffset): RawEntry {
  const page = alignDown(offset, TABLE_PAGE);
  const words = tables.cache.page(page);
  const at = (offset - page) / 4;
  return { high: words[at + HIGH]!, low: words[at + LOW]! };
}
