/** L2 entries that break a rule, each table once: layers that share it share what becomes of it. */
import { DiskRefcounts } from '../check/diskRefcounts';
import { forEachL1Entry, l1TablesOf } from '../check/l1Tables';
import { References } from '../check/references';
import { TableReceiver } from '../check/tableReceiver';
import { entryHex } from '../format/bytes';
import { offsetOf } from '../format/entryBits';
import type { Qcow2Image } from '../image/qcow2Image';
import { type ByteLength, guestOffset, type HostOffset, plus } from '../units';
import { repairEntry, type RepairedEntry } from './repairEntry';
import type { RepairWork } from './work';

/** What was lost in a table, for the other layers that have it. */
interface TableLoss {
  /** From the first guest byte of the table. */
  readonly start: ByteLength;
  readonly length: ByteLength;
  readonly why: RepairedEntry['why'];
  readonly reads: 'zeroes' | 'backing';
}

/** Losses that are told of other layers than the first one. */
const MAX_SHARED_LOSSES = 10_000;

export function repairL2Entries(work: RepairWork): void {
  const image = work.open();
  const clusters = Math.ceil(image.file.size / work.clusterSize);
  const disk = new DiskRefcounts(image.file, image.header, clusters);
  const repairer = new L2Repairer(work, image);
  new References(image, disk, clusters, work.progress).forEach(repairer);
  repairer.tellOtherLayers();
}

class L2Repairer extends TableReceiver {
  readonly #losses = new Map<number, TableLoss[]>();
  #lossCount = 0;

  constructor(
    readonly work: RepairWork,
    image: Qcow2Image,
  ) {
    super(image);
  }

  run(index: number, count: number, host: HostOffset): void {
    const { clusterSize, fileEnd } = this.work;
    const inFile = Math.ceil((fileEnd - host) / clusterSize);
    for (let done = Math.max(0, inFile); done < count; done++) this.#repairAgain(index + done);
  }

  single(index: number, high: number, low: number, zeroes: number, allocated: number): void {
    const { work } = this;
    const guest = guestOffset(this.guestOf(index));
    const place = { guest, fileEnd: work.fileEnd, namesBacking: work.namesBacking };
    const { rules } = this.image.tables;
    // One fault may hide another one.
    let words = { high, low, zeroes, allocated };
    for (let repaired = repairEntry(rules, place, words); repaired !== undefined;) {
      this.#put(index, words, repaired);
      words = repaired;
      repaired = repairEntry(rules, place, words);
    }
  }

  /** Losses of tables that several layers have, in those that did not come first. */
  tellOtherLayers(): void {
    const { image, work } = this;
    const { header, snapshots } = image;
    if (this.#losses.size === 0 || snapshots.length === 0) return;
    const told = new Set<number>();
    for (const table of l1TablesOf(image)) {
      const size = Number(snapshots[table.snapshot ?? -1]?.virtualSize ?? BigInt(header.size));
      const visit = (index: number, high: number, low: number): void => {
        const offset = offsetOf(high, low);
        const losses = this.#losses.get(offset);
        if (losses === undefined) return;
        if (!told.has(offset)) {
          told.add(offset);
          return;
        }
        for (const { start, length, why, reads } of losses) {
          const guest = guestOffset(index * header.l2Span + start);
          work.lost(guest, length, size, why, reads, table.snapshot);
        }
      };
      forEachL1Entry(image.file, table, visit, () => {
        work.progress.checkCancelled();
      });
    }
  }

  /** An entry of a run: its words are read again. */
  #repairAgain(index: number): void {
    const { header, file } = this.image;
    const bytes = new Uint8Array(16);
    file.read(bytes, this.place(index).at);
    const view = new DataView(bytes.buffer);
    const hasBitmap = header.l2EntrySize === 16;
    const [zeroes, allocated] = hasBitmap ? ([view.getUint32(8), view.getUint32(12)] as const) : [0, 0];
    this.single(index, view.getUint32(0), view.getUint32(4), zeroes, allocated);
  }

  #put(index: number, before: { high: number; low: number }, repaired: RepairedEntry): void {
    const { work, image } = this;
    const { header, snapshots } = image;
    const { offset, snapshot } = this.table;
    const place = this.place(index);
    const { at, guest } = place;
    work.setEntry(at, repaired.high, repaired.low);
    if (header.l2EntrySize === 16) work.setEntry(plus(at, 8), repaired.zeroes, repaired.allocated);
    work.log.did(repaired.kind, () => ({
      ...place,
      structure: 'data',
      found: entryHex(before.high, before.low),
      becomes: entryHex(repaired.high, repaired.low),
    }));
    const { lost, why } = repaired;
    if (lost === undefined) return;
    const size = Number(snapshots[snapshot ?? -1]?.virtualSize ?? BigInt(header.size));
    work.lost(plus(guest, lost.start), lost.end - lost.start, size, why, lost.reads, snapshot);
    if (snapshots.length === 0 || this.#lossCount++ >= MAX_SHARED_LOSSES) return;
    const start = this.entryOf(index) * header.clusterSize + lost.start;
    const loss = { start, length: lost.end - lost.start, why, reads: lost.reads };
    const known = this.#losses.get(offset);
    if (known === undefined) this.#losses.set(offset, [loss]);
    else known.push(loss);
  }
}
