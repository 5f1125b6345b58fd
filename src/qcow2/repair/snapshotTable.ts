/** The snapshot table made anew (qcow2.txt, "Snapshots"): without what cannot be kept, with what version 3 asks for. */
import { dataView } from '../format/bytes';
import type { Qcow2Image } from '../image/qcow2Image';
import { l1TableFault, type Snapshot } from '../format/snapshotTable';
import { hex } from '../units';
import type { RepairWork } from './work';

/** Bytes of an entry before its extra data. */
const ENTRY_LENGTH = 40;
const EXTRA_SIZE_AT = 36;
/** Size of the VM state, size of the disk, instruction count. */
const FULL_EXTRA = 24;
const NO_ICOUNT = 0xffff_ffff_ffff_ffffn;

/** Removes snapshots whose L1 table cannot be one, and completes entries of version 3. */
export function mendSnapshotTable(work: RepairWork, image: Qcow2Image): void {
  const { header, snapshots } = image;
  const overhanging = header.snapshotCount - snapshots.length;
  if (overhanging > 0) {
    work.log.did(
      'snapshotRemoved',
      { at: 60, structure: 'snapshot table', found: header.snapshotCount, becomes: snapshots.length },
      overhanging,
    );
  }
  let isChanged = overhanging > 0;
  const kept: Uint8Array[] = [];
  for (const [index, snapshot] of snapshots.entries()) {
    const { l1TableOffsetField, l1Size, offset, virtualSize } = snapshot;
    const l1Fault = l1TableFault(snapshot, header.clusterSize);
    if (l1Fault !== undefined) {
      const isMisaligned = l1Fault === 'misaligned';
      const found = isMisaligned ? hex(l1TableOffsetField) : l1Size;
      work.log.did('snapshotRemoved', { at: offset, snapshot: index, structure: 'snapshot table', found });
      const size = Number(virtualSize ?? BigInt(header.size));
      const why = isMisaligned ? 'snapshotL1Misaligned' : 'snapshotL1TooLarge';
      work.lost(0, size, size, why, 'zeroes', index);
      isChanged = true;
      continue;
    }
    const isIncomplete = header.version === 3 && virtualSize === undefined;
    if (isIncomplete) {
      work.log.did('snapshotCompleted', { at: offset, snapshot: index, structure: 'snapshot table' });
      isChanged = true;
    }
    const { excessExtraData = 0 } = snapshot;
    if (excessExtraData > 0) {
      work.log.did('snapshotExtraDataCut', {
        at: offset,
        snapshot: index,
        structure: 'snapshot table',
        found: excessExtraData,
      });
      isChanged = true;
    }
    kept.push(entryOf(image, snapshot, isIncomplete));
  }
  if (isChanged) writeTable(work, kept);
}

/** Where the table is. */
interface TablePlace {
  readonly offset: number;
  /** Bytes, with the padding after the last entry. */
  readonly size: number;
}

/** Moves the table to clusters of its own, as its entries are now. */
export function moveSnapshotTable(work: RepairWork, image: Qcow2Image): TablePlace {
  const entries = image.snapshots.map((snapshot) => entryOf(image, snapshot, false));
  const { snapshotsOffset: at } = image.header;
  work.log.did('structureCopied', { at: 64, host: at, structure: 'snapshot table' });
  return writeTable(work, entries);
}

function writeTable(work: RepairWork, entries: readonly Uint8Array[]): TablePlace {
  const size = entries.reduce((sum, entry) => sum + entry.length, 0);
  const offset = size === 0 ? 0 : work.fresh.take(Math.ceil(size / work.clusterSize));
  let at = offset;
  for (const entry of entries) {
    work.file.write(entry, at);
    at += entry.length;
  }
  work.setHeader('nb_snapshots', entries.length);
  work.setHeader('snapshots_offset', offset);
  return { offset, size };
}

/** The bytes of an entry with its padding. */
function entryOf({ file, header }: Qcow2Image, snapshot: Snapshot, completes: boolean): Uint8Array {
  const { offset, vmStateSize, excessExtraData = 0 } = snapshot;
  const fixed = new Uint8Array(ENTRY_LENGTH);
  file.read(fixed, offset);
  const view = dataView(fixed);
  const extraSize = view.getUint32(EXTRA_SIZE_AT);
  const textSize = view.getUint16(12) + view.getUint16(14);
  const kept = extraSize - excessExtraData;
  const newExtra = completes ? Math.max(FULL_EXTRA, kept) : kept;
  const entry = new Uint8Array(Math.ceil((ENTRY_LENGTH + newExtra + textSize) / 8) * 8);
  entry.set(fixed);
  dataView(entry).setUint32(EXTRA_SIZE_AT, newExtra);
  file.read(entry.subarray(ENTRY_LENGTH, ENTRY_LENGTH + kept), offset + ENTRY_LENGTH);
  const text = entry.subarray(ENTRY_LENGTH + newExtra, ENTRY_LENGTH + newExtra + textSize);
  file.read(text, offset + ENTRY_LENGTH + extraSize);
  if (completes) {
    const complete = dataView(entry);
    complete.setBigUint64(ENTRY_LENGTH, vmStateSize);
    complete.setBigUint64(ENTRY_LENGTH + 8, BigInt(header.size));
    complete.setBigUint64(ENTRY_LENGTH + 16, NO_ICOUNT);
  }
  return entry;
}
