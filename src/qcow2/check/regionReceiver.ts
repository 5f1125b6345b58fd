/**
 * A receiver that is told of references alone, each as the region that it refers to: those that the check counts, whether
 * the entries are sound or not.
 */
import { LOW } from '../format/bytes';
import { offsetOf } from '../format/offsetField';
import type { Qcow2Image } from '../image/qcow2Image';
import { isBrokenBitmapEntry } from './bitmapReferences';
import type { DiskRefcounts } from './diskRefcounts';
import type { Structure } from './findings';
import { compressedRegion, type L2Table, type Place, type ReferenceReceiver } from './references';
import { entryType } from './walkL2';

export abstract class RegionReceiver implements ReferenceReceiver {
  protected readonly clusterSize: number;
  /** The L2 table that `run` and `single` are about. */
  protected table: L2Table = { offset: 0, times: 0, activeTimes: 0, guest: 0 };
  #piece = 0;

  constructor(
    readonly image: Qcow2Image,
    readonly disk: DiskRefcounts,
  ) {
    this.clusterSize = image.header.clusterSize;
  }

  abstract region(structure: Structure, offset: number, size: number, times: number, place: Place): void;

  /** `count` clusters of data from `host` on, in a row. @param index of the first one's entry, for `place` */
  abstract run(index: number, count: number, host: number): void;

  l1Entry(): void {
    // The table it names comes as a region.
  }

  beginTable(table: L2Table): void {
    this.table = table;
  }

  setPiece(first: number): void {
    this.#piece = first;
  }

  single(index: number, high: number, low: number, zeroes: number, allocated: number): void {
    const { rules } = this.image.tables;
    if (rules.hasDataFile) return;
    const type = entryType(rules, high, low);
    const { times } = this.table;
    if (type === 'compressed') {
      if ((zeroes | allocated) !== 0) return;
      const { offset, size } = compressedRegion(high, low, rules.clusterBits);
      this.region('compressed data', offset, size, times, this.place(index));
    } else if (type === 'allocated') {
      this.region('data', offsetOf(high, low), this.clusterSize, times, this.place(index));
    }
  }

  bitmapEntry(at: number, high: number, low: number): void {
    const offset = offsetOf(high, low);
    if (isBrokenBitmapEntry(high, low, this.clusterSize)) return;
    if (offset !== 0) this.region('bitmap data', offset, this.clusterSize, 1, { at });
  }

  refcountBlock(index: number): void {
    if ((this.disk.table[index * 2 + LOW]! & (this.clusterSize - 1)) !== 0) return;
    const at = this.image.header.refcountTableOffset + index * 8;
    this.region('refcount block', this.disk.blockOffset(index), this.clusterSize, 1, { at });
  }

  /** Where an entry of the piece is, and what it is for. */
  protected place(index: number): Place {
    const { offset, snapshot } = this.table;
    return {
      at: offset + (this.#piece + index) * this.image.header.l2EntrySize,
      guest: this.guestOf(index),
      ...(snapshot === undefined ? {} : { snapshot }),
    };
  }

  /** First guest byte of what an entry of the piece is for. */
  protected guestOf(index: number): number {
    return this.table.guest + (this.#piece + index) * this.clusterSize;
  }
}
