/** The snapshot table, rebuilt (qcow2.txt, "Snapshots"): without what cannot be kept, with what version 3 asks for. */
import { hex } from '../../text/hex';
import { dataView } from '../format/bytes';
import type { Qcow2Image } from '../image/qcow2Image';
import { l1TableFault, type Snapshot } from '../format/snapshotTable';
import { type ByteLength, guestOffset, hostOffset, type HostOffset, plus } from '../units';
import type { RepairWork } from './work';

/** Bytes of an entry before its extra data. */
const ENTRY_LENGTH = 40;
const EXTRA_SIZE_AT = 36;
/** Size of the VM state, size of the disk, instruction count. */
const FULL_EXTRA = 24;
const NO_ICOUNT = 0xffff_ffff_ffff_ffffn;

/** Removes snapshots whose L1 table cannot be one, and completes entries of version 3. */
export function repairSnapshotTable(work: RepairWork, image: Qcow2Image): void {
  const { header, snapshots } = image;
  const overhanging = header.snapshotCount - snapshots.length;
  if (overhanging > 0) {
    work.log.did(
      'snapshotRemoved',
      {
        at: hostOffset(60),
        structure: 'snapshot table',
        found: header.snapshotCount,
        becomes: snapshots.length,
      },
      overhanging,
    );
  }
  let isChanged = overhanging > 0;
  const table = new TableBuilder(image);
  for (const [index, snapshot] of snapshots.entries()) {
    const { l1TableOffsetField, l1Size, offset, virtualSize } = snapshot;
    const l1Fault = l1TableFault(snapshot, header.clusterSize);
    if (l1Fault !== undefined) {
      const isMisaligned = l1Fault === 'misaligned';
      const found = isMisaligned ? hex(l1TableOffsetField) : l1Size;
      work.log.did('snapshotRemoved', { at: offset, snapshot: index, structure: 'snapshot table', found });
      const size = Number(virtualSize ?? BigInt(header.size));
      const why = isMisaligned ? 'snapshotL1Misaligned' : 'snapshotL1TooLarge';
      work.lost(guestOffset(0), size, size, why, 'zeroes', index);
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
    table.add(snapshot, isIncomplete);
  }
  if (isChanged) writeTable(work, table);
}

/** Where the table is. */
interface TablePlace {
  readonly offset: HostOffset;
  /** Bytes, with the padding after the last entry. */
  readonly size: ByteLength;
}

/** Moves the table to clusters of its own, as its entries are now. */
export function moveSnapshotTable(work: RepairWork, image: Qcow2Image): TablePlace {
  const table = new TableBuilder(image);
  for (const snapshot of image.snapshots) table.add(snapshot, false);
  const { snapshotsOffset: at } = image.header;
  work.log.did('structureCopied', { at: hostOffset(64), host: at, structure: 'snapshot table' });
  return writeTable(work, table);
}

function writeTable(work: RepairWork, { bytes, count }: TableBuilder): TablePlace {
  const size = bytes.length;
  const offset = size === 0 ? hostOffset(0) : work.fresh.take(Math.ceil(size / work.clusterSize));
  if (size > 0) work.file.write(bytes, offset);
  work.setHeader('nb_snapshots', count);
  work.setHeader('snapshots_offset', offset);
  return { offset, size };
}

/** The entries of a table one after the other, each with its padding, in one buffer: there may be 65,536. */
class TableBuilder {
  count = 0;
  #buffer = new Uint8Array(4096);
  #view = dataView(this.#buffer);
  #size = 0;

  constructor(readonly image: Qcow2Image) {}

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  /** Copies an entry as it is in the file now, without extra data beyond what is allowed. */
  add({ offset, vmStateSize, excessExtraData = 0 }: Snapshot, completes: boolean): void {
    const start = this.#size;
    this.#copy(offset, start, ENTRY_LENGTH);
    const extraSize = this.#view.getUint32(start + EXTRA_SIZE_AT);
    const textSize = this.#view.getUint16(start + 12) + this.#view.getUint16(start + 14);
    const kept = extraSize - excessExtraData;
    const newExtra = completes ? Math.max(FULL_EXTRA, kept) : kept;
    this.#view.setUint32(start + EXTRA_SIZE_AT, newExtra);
    const extra = start + ENTRY_LENGTH;
    this.#copy(plus(offset, ENTRY_LENGTH), extra, kept);
    this.#copy(plus(offset, ENTRY_LENGTH + extraSize), extra + newExtra, textSize);
    this.#size = Math.ceil((extra + newExtra + textSize) / 8) * 8;
    this.#reserve(this.#size);
    this.count++;
    if (!completes) return;
    this.#view.setBigUint64(extra, vmStateSize);
    this.#view.setBigUint64(extra + 8, BigInt(this.image.header.size));
    this.#view.setBigUint64(extra + 16, NO_ICOUNT);
  }

  #copy(from: HostOffset, to: number, length: ByteLength): void {
    this.#reserve(to + length);
    if (length > 0) this.image.file.read(this.#buffer.subarray(to, to + length), from);
  }

  #reserve(size: ByteLength): void {
    if (size <= this.#buffer.length) return;
    const buffer = new Uint8Array(Math.max(size, this.#buffer.length * 2));
    buffer.set(this.#buffer);
    this.#buffer = buffer;
    this.#view = dataView(buffer);
  }
}
