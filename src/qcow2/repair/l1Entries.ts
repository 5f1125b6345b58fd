/**
 * L1 entries that cannot be kept, and L2 tables that something else uses, too: a structure, or another part of the
 * same layer's disk. Layers share tables with one another, and that is as it should be.
 */
import { hex } from '../../text/hex';
import { ClusterBits } from '../clusterSet';
import { forEachL1Entry, l1TablesOf, type L1Table } from '../check/l1Tables';
import { entryHex } from '../format/bytes';
import { hasAny, L1_RESERVED, offsetOf, without } from '../format/entryBits';
import type { Qcow2Image } from '../image/qcow2Image';
import { clusterOf, guestOffset, type GuestOffset, type HostOffset, plus } from '../units';
import type { RepairWork } from './work';

/** @param taken clusters of structures */
export function repairL1Entries(work: RepairWork, taken: ClusterBits): void {
  const image = work.open();
  for (const table of l1TablesOf(image)) new L1Repairer(work, image, table, taken).repair();
}

class L1Repairer {
  /** Tables of this layer. */
  readonly #seen = new ClusterBits();
  readonly #size: number;

  constructor(
    readonly work: RepairWork,
    readonly image: Qcow2Image,
    readonly table: L1Table,
    readonly taken: ClusterBits,
  ) {
    const snapshot = image.snapshots[table.snapshot ?? -1];
    this.#size = Number(snapshot?.virtualSize ?? BigInt(image.header.size));
  }

  repair(): void {
    const { work, image, table } = this;
    const visit = (index: number, high: number, low: number): void => {
      this.#repairEntry(index, high, low);
    };
    forEachL1Entry(image.file, table, visit, () => {
      work.progress.checkCancelled();
    });
  }

  #repairEntry(index: number, high: number, low: number): void {
    const { work, table } = this;
    const at = plus(table.offset, index * 8);
    const guest = guestOffset(index * this.image.header.l2Span);
    const change = (kind: 'l1EntryCleared' | 'reservedBitsCleared', toHigh: number, toLow: number): void => {
      work.setEntry(at, toHigh, toLow);
      work.log.did(kind, () => ({
        at,
        guest,
        ...this.#layer(),
        found: entryHex(high, low),
        becomes: entryHex(toHigh, toLow),
      }));
    };
    const offset = offsetOf(high, low);
    if (offset === 0) {
      // No table, whatever the flags say; the check, as QEMU has it, takes the header for one.
      change('l1EntryCleared', 0, 0);
      return;
    }
    const isMisaligned = offset % work.clusterSize !== 0;
    if (isMisaligned || offset >= work.fileEnd) {
      change('l1EntryCleared', 0, 0);
      const why = isMisaligned ? 'l1Misaligned' : 'beyondFile';
      const reads = work.namesBacking ? 'backing' : 'zeroes';
      work.lost(guest, this.image.header.l2Span, this.#size, why, reads, table.snapshot);
      return;
    }
    if (hasAny(high, low, L1_RESERVED)) {
      const clean = without(high, low, L1_RESERVED);
      change('reservedBitsCleared', clean.high, clean.low);
    }
    this.#separate(at, offset, guest);
  }

  /** A table of its own for this entry, where it has not. */
  #separate(at: HostOffset, offset: HostOffset, guest: GuestOffset): void {
    const { work, taken } = this;
    const cluster = clusterOf(offset, work.clusterSize);
    if (!taken.has(cluster) && !this.#seen.has(cluster)) {
      this.#seen.add(cluster);
      return;
    }
    const target = work.fresh.copy(offset, work.clusterSize);
    if (target === undefined) return;
    work.setEntry(at, Math.floor(target / 2 ** 32), target % 2 ** 32);
    this.#seen.add(clusterOf(target, work.clusterSize));
    const example = { at, host: offset, guest, structure: 'L2 table', ...this.#layer() } as const;
    work.log.did('structureCopied', { ...example, found: hex(offset), becomes: hex(target) });
  }

  #layer(): { readonly snapshot?: number } {
    const { snapshot } = this.table;
    return snapshot === undefined ? {} : { snapshot };
  }
}
