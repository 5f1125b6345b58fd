/**
 * Every structure that an image's own tables name, without a look into its L2 tables: where a search for the users of a
 * cluster begins. The check goes on into the L2 tables (references.ts); a save needs no more (save/uses.ts).
 */
import { offsetOf } from '../format/entryBits';
import type { Qcow2Image } from '../image/qcow2Image';
import { type EntryVisitor, forEachEntry } from '../image/tableEntries';
import type { Progress } from '../progress';
import { type GuestOffset, guestOffset, hostOffset, type HostOffset, plus } from '../units';
import { forEachBitmapReference } from './bitmapReferences';
import { forEachL1Entry, type L1Table } from './l1Tables';
import type { ReferenceReceiver } from './referenceReceiver';
import { snapshotTableSize } from './snapshotReferences';

export type StructureReceiver = Pick<
  ReferenceReceiver,
  'region' | 'l1Entry' | 'bitmapEntry' | 'refcountBlock'
>;

/**
 * Called for each L2 table that an L1 entry names.
 * @param offset of the table; it may be anywhere
 * @param guest offset of its first cluster on the disk
 * @param done L1 entries of all tables that came before
 */
export type L2TableVisitor = (table: L1Table, offset: HostOffset, guest: GuestOffset, done: number) => void;

/** L1 entries of all tables. */
export const l1EntriesOf = (tables: readonly L1Table[]): number =>
  tables.reduce((sum, table) => sum + table.size, 0);

/**
 * @param tables the image's L1 tables (`l1TablesOf`)
 * @param refcountTable words of its refcount table, two an entry
 * @param progress counts L1 entries
 * @param visitL2Table called after the table's `region`
 * @throws FileError, CancelledError
 */
export function forEachStructure(
  image: Qcow2Image,
  tables: readonly L1Table[],
  refcountTable: Uint32Array,
  receiver: StructureReceiver,
  progress: Progress,
  visitL2Table: L2TableVisitor = () => undefined,
): void {
  const { header, extensions } = image;
  receiver.region('header', hostOffset(0), header.clusterSize, 1, {});
  const total = l1EntriesOf(tables);
  let done = 0;
  for (const table of tables) {
    const before = done;
    walkL1Table(
      image,
      table,
      receiver,
      (index) => {
        progress.checkCancelled();
        progress.report(before + index, total);
      },
      (offset, guest, index) => {
        visitL2Table(table, offset, guest, before + index);
      },
    );
    done += table.size;
  }
  if (image.snapshots.length > 0) {
    const size = snapshotTableSize(image);
    receiver.region('snapshot table', header.snapshotsOffset, size, 1, { at: hostOffset(64) });
  }
  const tableSize = header.refcountTableClusters * header.clusterSize;
  receiver.region('refcount table', header.refcountTableOffset, tableSize, 1, { at: hostOffset(48) });
  const crypt = extensions.encryptionHeader;
  if (crypt !== undefined) receiver.region('encryption header', crypt.offset, crypt.length, 1, {});
  forEachBitmapReference(image, receiver, progress);
  forEachEntry(refcountTable, (index) => {
    receiver.refcountBlock(index);
  });
  progress.report(total, total);
}

function walkL1Table(
  { file, header, snapshots }: Qcow2Image,
  table: L1Table,
  receiver: StructureReceiver,
  reached: (index: number) => void,
  visit: (offset: HostOffset, guest: GuestOffset, index: number) => void,
): void {
  const snapshot = table.snapshot === undefined ? {} : { snapshot: table.snapshot };
  const at = table.isActive ? hostOffset(40) : snapshots[table.snapshot ?? 0]?.offset;
  receiver.region('L1 table', table.offset, table.size * 8, table.times, {
    ...(at === undefined ? {} : { at }),
    ...snapshot,
  });
  const visitEntry: EntryVisitor = (index, high, low) => {
    const offset = offsetOf(high, low);
    const guest = guestOffset(index * header.l2Span);
    receiver.l1Entry(table, index, high, low);
    receiver.region('L2 table', offset, header.clusterSize, table.times, {
      at: plus(table.offset, index * 8),
      guest,
      ...snapshot,
    });
    visit(offset, guest, index);
  };
  forEachL1Entry(file, table, visitEntry, reached);
}
