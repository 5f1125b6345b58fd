/**
 * A receiver that gets each reference that the check counts as the region that it refers to, whether the entry is sound or
 * not.
 */
import { isBrokenBitmapEntry } from '../format/bitmapEntry';
import { LOW } from '../format/bytes';
import { compressedRegion } from '../format/compressedDescriptor';
import { offsetOf } from '../format/entryBits';
import { EntryKind, entryKind, hasHostCluster } from '../format/l2Kind';
import type { Qcow2Image } from '../image/qcow2Image';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import type { DiskRefcounts } from './diskRefcounts';
import type { Structure } from '../findingText';
import type { Place } from './referenceReceiver';
import { TableReceiver } from './tableReceiver';

export abstract class RegionReceiver extends TableReceiver {
  constructor(
    image: Qcow2Image,
    readonly disk: DiskRefcounts,
  ) {
    super(image);
  }

  abstract override region(
    structure: Structure,
    offset: HostOffset,
    size: ByteLength,
    times: number,
    place: Place,
  ): void;

  /** `count` clusters of data from `host` on, in a row. @param index of the first one's entry, for `place` */
  abstract override run(index: number, count: number, host: HostOffset): void;

  override single(index: number, high: number, low: number, zeroes: number, allocated: number): void {
    const { rules } = this.image.tables;
    if (rules.hasDataFile) return;
    const kind = entryKind(rules, high, low);
    const { times } = this.table;
    if (kind === EntryKind.compressed) {
      if ((zeroes | allocated) !== 0) return;
      const { offset, size } = compressedRegion(high, low, rules.clusterBits);
      this.region('compressed data', offset, size, times, this.place(index));
    } else if (hasHostCluster(kind)) {
      this.region('data', offsetOf(high, low), this.clusterSize, times, this.place(index));
    }
  }

  override bitmapEntry(at: HostOffset, high: number, low: number): void {
    const offset = offsetOf(high, low);
    if (isBrokenBitmapEntry(high, low, this.clusterSize)) return;
    if (offset !== 0) this.region('bitmap data', offset, this.clusterSize, 1, { at });
  }

  override refcountBlock(index: number): void {
    if ((this.disk.table[index * 2 + LOW]! & (this.clusterSize - 1)) !== 0) return;
    const at = plus(this.image.header.refcountTableOffset, index * 8);
    this.region('refcount block', hostOffset(this.disk.blockOffset(index)), this.clusterSize, 1, { at });
  }
}
