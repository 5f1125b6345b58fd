/**
 * A receiver of references that is told of entries of L2 tables, and knows where they are and what they are for. Of
 * everything else it takes no notice, unless told otherwise.
 */
import type { Qcow2Image } from '../image/qcow2Image';
import { type ByteLength, guestOffset, type GuestOffset, hostOffset, type HostOffset, plus } from '../units';
import type { Structure } from '../findingText';
import type { L1Table } from './l1Tables';
import type { L2Table, Place, ReferenceReceiver } from './referenceReceiver';

export abstract class TableReceiver implements ReferenceReceiver {
  protected readonly clusterSize: ByteLength;
  /** The L2 table that `run` and `single` are about. */
  protected table: L2Table = { offset: hostOffset(0), times: 0, activeTimes: 0, guest: guestOffset(0) };
  #piece = 0;

  constructor(readonly image: Qcow2Image) {
    this.clusterSize = image.header.clusterSize;
  }

  abstract run(index: number, count: number, host: HostOffset, isCopied: boolean): void;

  abstract single(index: number, high: number, low: number, zeroes: number, allocated: number): void;

  region(structure: Structure, offset: HostOffset, size: ByteLength, times: number, place: Place): void;
  region(): void {
    // For subclasses that need it.
  }

  l1Entry(table: L1Table, index: number, high: number, low: number): void;
  l1Entry(): void {
    // The table that it names comes as a region.
  }

  beginTable(table: L2Table): void {
    this.table = table;
  }

  setPiece(first: number): void {
    this.#piece = first;
  }

  bitmapEntry(at: HostOffset, high: number, low: number): void;
  bitmapEntry(): void {
    // As for regions.
  }

  refcountBlock(index: number): void;
  refcountBlock(): void {
    // As for regions.
  }

  /** Where an entry of the piece is, and what it is for. */
  protected place(index: number): Place & { readonly at: HostOffset; readonly guest: GuestOffset } {
    const { snapshot } = this.table;
    return {
      at: plus(this.table.offset, this.entryOf(index) * this.image.header.l2EntrySize),
      guest: guestOffset(this.guestOf(index)),
      ...(snapshot === undefined ? {} : { snapshot }),
    };
  }

  /** First guest byte of what an entry of the piece is for. */
  protected guestOf(index: number): number {
    return this.table.guest + this.entryOf(index) * this.clusterSize;
  }

  /** Its place in the table. */
  protected entryOf(index: number): number {
    return this.#piece + index;
  }
}
