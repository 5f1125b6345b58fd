/** Where the header puts the refcount, snapshot and L1 tables, checked as QEMU checks it when it opens an image. */
import { hex } from '../../text/hex';
import type { Fact } from '../factText';
import { type ByteLength, hostOffset, type HostOffset } from '../units';
import type { FaultSink } from './faults';
import type { Header } from './header';
import type { HeaderFieldName } from './headerFields';
import { MAX_L1_INDEX, MAX_L1_SIZE, MAX_REFCOUNT_TABLE_SIZE, MAX_SNAPSHOTS } from './limits';
import type { RawHeader } from './rawHeader';
import { refuseBeyondFile } from './beyondFile';

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

type RefcountTablePlace = Pick<TablePlaces, 'refcountTableOffset' | 'refcountTableClusters'>;
type SnapshotTablePlace = Pick<TablePlaces, 'snapshotsOffset' | 'snapshotCount'>;
type L1TablePlace = Pick<TablePlaces, 'l1TableOffset' | 'l1Size'>;

export const NO_REFCOUNT_TABLE: RefcountTablePlace = {
  refcountTableOffset: hostOffset(0),
  refcountTableClusters: 0,
};
export const NO_L1_TABLE: L1TablePlace = { l1TableOffset: hostOffset(0), l1Size: 0 };

/**
 * Checks them in QEMU's order.
 * @param l2Span guest bytes of one L2 table
 */
export function checkTables(
  raw: RawHeader,
  clusterSize: ByteLength,
  l2Span: ByteLength,
  faults: FaultSink,
): TablePlaces {
  const refcountTable = checkRefcountTable(raw, clusterSize, faults);
  const snapshotTable = checkSnapshotTable(raw, clusterSize, faults);
  const l1Table = faults.attempt('L1 table', 'repair', () => checkL1Table(raw, clusterSize), NO_L1_TABLE);
  const { l1TableOffset, l1Size } = l1Table;

  // Where the size cannot be told, the disk is what the L1 table covers.
  const declaredSize = faults.attempt('disk size', 'repair', () => raw.safe('size'), l1Size * l2Span);
  const refuseUncovered = (): void => {
    refuseUncoveredDisk(raw, declaredSize, l1Size, l2Span);
  };
  faults.attempt('L1 table', 'repair', refuseUncovered, undefined);
  const { refcountTableOffset } = refcountTable;
  const refcountTableSize = refcountTableNeed(raw, clusterSize, refcountTable);
  const beyond = (what: 'L1 table' | 'refcount table', offset: HostOffset, size: ByteLength): void => {
    const refuse = (): void => {
      refuseBeyondFile(raw.file, what, offset, size);
    };
    faults.attempt(what, 'change', refuse, undefined);
  };
  beyond('L1 table', l1TableOffset, l1Size * 8);
  beyond('refcount table', refcountTableOffset, refcountTableSize);
  return {
    ...refcountTable,
    ...snapshotTable,
    ...l1Table,
    declaredSize,
    size: declaredSize - (declaredSize % 512),
  };
}

function checkRefcountTable(raw: RawHeader, clusterSize: ByteLength, faults: FaultSink): RefcountTablePlace {
  const refcountTableClusters = raw.number('refcount_table_clusters');
  const refuseEmpty = (): void => {
    if (refcountTableClusters === 0) throw raw.broken('header.noRefcountTable', 'refcount_table_clusters');
  };
  faults.attempt('refcount table', 'use', refuseEmpty, undefined);
  const check = (): RefcountTablePlace => {
    const refcountTableOffset = checkTable(raw, 'refcount_table_offset', clusterSize, {
      what: 'refcount table',
      size: refcountTableClusters * clusterSize,
      limit: MAX_REFCOUNT_TABLE_SIZE,
    });
    return { refcountTableOffset, refcountTableClusters };
  };
  return faults.attempt('refcount table', 'repair', check, NO_REFCOUNT_TABLE);
}

function checkSnapshotTable(raw: RawHeader, clusterSize: ByteLength, faults: FaultSink): SnapshotTablePlace {
  const snapshotCount = raw.number('nb_snapshots');
  const refuseTooMany = (): void => {
    if (snapshotCount <= MAX_SNAPSHOTS) return;
    throw raw.broken('header.tooManySnapshots', 'nb_snapshots', {
      value: snapshotCount,
      limit: MAX_SNAPSHOTS,
    });
  };
  faults.attempt('snapshot table', 'check', refuseTooMany, undefined);
  const table = { what: 'snapshot table', size: 0, limit: Infinity } as const;
  const check = (): SnapshotTablePlace => {
    return { snapshotsOffset: checkTable(raw, 'snapshots_offset', clusterSize, table), snapshotCount };
  };
  return faults.attempt('snapshot table', 'repair', check, {
    snapshotsOffset: hostOffset(0),
    snapshotCount: 0,
  });
}

function checkL1Table(raw: RawHeader, clusterSize: ByteLength): L1TablePlace {
  const l1Size = raw.number('l1_size');
  const l1TableOffset = checkTable(raw, 'l1_table_offset', clusterSize, {
    what: 'L1 table',
    size: l1Size * 8,
    limit: MAX_L1_SIZE,
  });
  return { l1TableOffset, l1Size };
}

/** An L1 table has an entry for each part of the disk. */
function refuseUncoveredDisk(
  raw: RawHeader,
  declaredSize: ByteLength,
  l1Size: number,
  l2Span: ByteLength,
): void {
  const l1Needed = Math.ceil(declaredSize / l2Span);
  if (l1Needed > MAX_L1_INDEX) {
    throw raw.broken('header.imageTooBig', 'size', { value: declaredSize, limit: MAX_L1_INDEX * l2Span });
  }
  if (l1Size < l1Needed) {
    throw raw.broken('header.l1TooSmall', 'l1_size', { value: l1Size, limit: l1Needed });
  }
}

interface TableExtent {
  readonly what: Fact;
  /** Bytes. */
  readonly size: ByteLength;
  /** Bytes. */
  readonly limit: number;
}

/** Size before offset, and an offset even of an empty table, as QEMU has it. */
function checkTable(
  raw: RawHeader,
  field: HeaderFieldName,
  clusterSize: ByteLength,
  table: TableExtent,
): HostOffset {
  if (table.size > table.limit) {
    const facts = { what: table.what, value: table.size, limit: table.limit };
    throw raw.broken('header.tableTooLarge', field, facts);
  }
  if (raw.wide(field) % BigInt(clusterSize) !== 0n) {
    const facts = { what: table.what, value: hex(raw.wide(field)), limit: clusterSize };
    throw raw.broken('header.tableOffset', field, facts);
  }
  return hostOffset(raw.safe(field));
}

/**
 * The bytes of the refcount table that describe clusters of the file; what follows may be missing, it could only
 * be zero.
 */
function refcountTableNeed(
  raw: RawHeader,
  clusterSize: ByteLength,
  { refcountTableClusters }: RefcountTablePlace,
): number {
  const order = raw.number('version') === 2 ? 4 : raw.number('refcount_order');
  const perBlock = (clusterSize * 8) / 2 ** order;
  const entries = Math.ceil(raw.file.size / clusterSize / perBlock);
  return Math.min(refcountTableClusters * clusterSize, entries * 8);
}
