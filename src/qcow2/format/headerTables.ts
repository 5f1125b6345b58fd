/** Where the header puts the refcount, snapshot and L1 tables, checked as QEMU checks it when it opens an image. */
import type { Fact } from '../factText';
import { hex } from '../units';
import type { Header } from './header';
import type { HeaderFieldName } from './headerFields';
import { MAX_L1_INDEX, MAX_L1_SIZE, MAX_REFCOUNT_TABLE_SIZE, MAX_SNAPSHOTS } from './limits';
import type { RawHeader } from './rawHeader';
import { refuseBeyondFile } from './tableBounds';

/** What the header says about its tables, and the size of the disk that the L1 table has to cover. */
export type TablePlaces = Pick<
  Header,
  | 'refcountTableOffset'
  | 'refcountTableClusters'
  | 'snapshotsOffset'
  | 'snapshotCount'
  | 'l1TableOffset'
  | 'l1Size'
  | 'declaredSize'
  | 'size'
>;

/**
 * Checks them in QEMU's order.
 * @param l2Span guest bytes of one L2 table
 * @param isForRepair more snapshots than are allowed are read over
 * @throws FormatError
 */
export function checkTables(
  raw: RawHeader,
  clusterSize: number,
  l2Span: number,
  isForRepair: boolean,
): TablePlaces {
  const refcountTableClusters = raw.number('refcount_table_clusters');
  if (refcountTableClusters === 0) throw raw.broken('header.noRefcountTable', 'refcount_table_clusters');
  const refcountTableOffset = checkTable(raw, 'refcount_table_offset', clusterSize, {
    what: 'refcount table',
    size: refcountTableClusters * clusterSize,
    limit: MAX_REFCOUNT_TABLE_SIZE,
  });

  const snapshotCount = raw.number('nb_snapshots');
  if (snapshotCount > MAX_SNAPSHOTS && !isForRepair) {
    throw raw.broken('header.tooManySnapshots', 'nb_snapshots', {
      value: snapshotCount,
      limit: MAX_SNAPSHOTS,
    });
  }
  const snapshotsOffset = checkTable(raw, 'snapshots_offset', clusterSize, {
    what: 'snapshot table',
    size: 0,
    limit: Infinity,
  });

  const l1Size = raw.number('l1_size');
  const l1TableOffset = checkTable(raw, 'l1_table_offset', clusterSize, {
    what: 'L1 table',
    size: l1Size * 8,
    limit: MAX_L1_SIZE,
  });

  const declaredSize = raw.safe('size');
  const l1Needed = Math.ceil(declaredSize / l2Span);
  if (l1Needed > MAX_L1_INDEX) {
    throw raw.broken('header.imageTooBig', 'size', { value: declaredSize, limit: MAX_L1_INDEX * l2Span });
  }
  if (l1Size < l1Needed) {
    throw raw.broken('header.l1TooSmall', 'l1_size', { value: l1Size, limit: l1Needed });
  }
  refuseBeyondFile(raw.file, 'L1 table', l1TableOffset, l1Size * 8);
  refuseBeyondFile(raw.file, 'refcount table', refcountTableOffset, refcountTableNeed(raw, clusterSize));
  return {
    refcountTableOffset,
    refcountTableClusters,
    snapshotsOffset,
    snapshotCount,
    l1TableOffset,
    l1Size,
    declaredSize,
    size: declaredSize - (declaredSize % 512),
  };
}

interface TableExtent {
  readonly what: Fact;
  /** Bytes. */
  readonly size: number;
  /** Bytes. */
  readonly limit: number;
}

/** Size before offset, and an offset even of an empty table, as QEMU has it. */
function checkTable(raw: RawHeader, field: HeaderFieldName, clusterSize: number, table: TableExtent): number {
  if (table.size > table.limit) {
    const facts = { what: table.what, value: table.size, limit: table.limit };
    throw raw.broken('header.tableTooLarge', field, facts);
  }
  if (raw.wide(field) % BigInt(clusterSize) !== 0n) {
    const facts = { what: table.what, value: hex(raw.wide(field)), limit: clusterSize };
    throw raw.broken('header.tableOffset', field, facts);
  }
  return raw.safe(field);
}

/**
 * The bytes of the refcount table that describe clusters of the file; what follows may be missing, it could only
 * be zero.
 */
function refcountTableNeed(raw: RawHeader, clusterSize: number): number {
  const order = raw.number('version') === 2 ? 4 : raw.number('refcount_order');
  const perBlock = (clusterSize * 8) / 2 ** order;
  const entries = Math.ceil(raw.file.size / clusterSize / perBlock);
  return Math.min(raw.number('refcount_table_clusters') * clusterSize, entries * 8);
}
