/** COPIED flags of the active layer: set exactly where the refcount is one (qcow2.txt, "L1 table entry", bit 63). */
import { DiskRefcounts } from '../check/diskRefcounts';
import type { L1Table } from '../check/l1Tables';
import { References } from '../check/references';
import { TableReceiver } from '../check/tableReceiver';
import { entryHex } from '../format/bytes';
import { COPIED_HIGH, offsetOf, withOffset } from '../format/entryBits';
import { entryKind, hasHostCluster } from '../format/l2Kind';
import type { Qcow2Image } from '../image/qcow2Image';
import { clusterOf, guestOffset, hostCluster, type HostOffset, plus } from '../units';
import type { RepairExample } from '../repairAction';
import type { RepairWork } from './work';

/** @param untouched clusters in which no entry is changed: something else uses them, too */
export function repairCopiedFlags(work: RepairWork, untouched: ReadonlySet<number> = new Set()): void {
  const image = work.open();
  const clusters = Math.ceil(image.file.size / work.clusterSize);
  const disk = new DiskRefcounts(image.file, image.header, clusters);
  new References(image, disk, clusters, work.progress).forEach(
    new CopiedRepairer(work, image, disk, untouched),
  );
}

class CopiedRepairer extends TableReceiver {
  constructor(
    readonly work: RepairWork,
    image: Qcow2Image,
    readonly disk: DiskRefcounts,
    readonly untouched: ReadonlySet<number>,
  ) {
    super(image);
  }

  override l1Entry(table: L1Table, index: number, high: number, low: number): void {
    const offset = offsetOf(high, low);
    if (!table.isActive || offset === 0) return;
    const refcount = this.disk.of(clusterOf(offset, this.work.clusterSize));
    const isCopied = (high & COPIED_HIGH) !== 0;
    if (refcount === undefined || (refcount === 1) === isCopied) return;
    const at = plus(table.offset, index * 8);
    this.#flip(at, high, low, {
      host: offset,
      guest: guestOffset(index * this.image.header.l2Span),
      structure: 'L2 table',
      refcount,
    });
  }

  run(index: number, count: number, host: HostOffset, isCopied: boolean): void {
    if (this.table.activeTimes === 0) return;
    const { clusterSize } = this.work;
    const first = host / clusterSize;
    const { ones, unreadable } = this.disk.countOnes(first, count);
    if (unreadable === 0 && ones === (isCopied ? count : 0)) return;
    for (let done = 0; done < count; done++) {
      const at = plus(host, done * clusterSize);
      if (this.disk.isOne(hostCluster(first + done)) === isCopied) continue;
      const { high, low } = withOffset(isCopied ? COPIED_HIGH : 0, 0, at);
      this.#entry(index + done, high, low, at);
    }
  }

  single(index: number, high: number, low: number): void {
    const { rules } = this.image.tables;
    if (this.table.activeTimes === 0 || !hasHostCluster(entryKind(rules, high, low))) return;
    const host = offsetOf(high, low);
    const isOne = rules.hasDataFile || this.disk.isOne(clusterOf(host, this.work.clusterSize));
    if (isOne !== ((high & COPIED_HIGH) !== 0)) this.#entry(index, high, low, host);
  }

  #entry(index: number, high: number, low: number, host: HostOffset): void {
    const { at, guest } = this.place(index);
    const { rules } = this.image.tables;
    const refcount = rules.hasDataFile ? 1 : (this.disk.of(clusterOf(host, this.work.clusterSize)) ?? 0);
    this.#flip(at, high, low, { host, guest, structure: 'data', refcount });
  }

  #flip(
    at: HostOffset,
    high: number,
    low: number,
    facts: Required<Pick<RepairExample, 'host' | 'guest' | 'structure' | 'refcount'>>,
  ): void {
    if (this.untouched.has(Math.floor(at / this.work.clusterSize))) return;
    const flipped = (high ^ COPIED_HIGH) >>> 0;
    this.work.changeByte(at, (byte) => byte ^ (COPIED_HIGH >>> 24));
    this.work.log.did('copiedFlag', () => ({
      at,
      ...facts,
      found: entryHex(high >>> 0, low),
      becomes: entryHex(flipped, low),
    }));
  }
}
