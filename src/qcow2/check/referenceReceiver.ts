/** What a walk over the references of an image (references.ts) hands out, and to whom. */
import type { ByteLength, GuestOffset, HostOffset } from '../units';
import type { Structure } from '../findingText';
import type { L1Table } from './l1Tables';
import type { L2Visitor } from './walkL2';

/** Where a reference is. Bytes. */
export interface Place {
  readonly at?: HostOffset;
  readonly guest?: GuestOffset;
  readonly snapshot?: number;
}

/** An L2 table that is about to be walked. */
export interface L2Table {
  /** Bytes from the start of the image file; a broken L1 entry may put it anywhere. */
  readonly offset: HostOffset;
  /** L1 entries that name it. */
  readonly times: number;
  /** Those of the active table among them. */
  readonly activeTimes: number;
  /** Guest offset of its first cluster in the layer that names it first. */
  readonly guest: GuestOffset;
  readonly snapshot?: number;
}

export interface ReferenceReceiver extends L2Visitor {
  /** A structure refers to `size` bytes at `offset`, `times` times. */
  region(structure: Structure, offset: HostOffset, size: ByteLength, times: number, place: Place): void;
  /** An L1 entry that is not zero; its L2 table comes as a `region` after it. */
  l1Entry(table: L1Table, index: number, high: number, low: number): void;
  /** `run` and `single` are about this table from here on, with `index` counted from `setPiece`. */
  beginTable(table: L2Table): void;
  /** @param first index of the piece's first entry in the table */
  setPiece(first: number): void;
  bitmapEntry(at: HostOffset, high: number, low: number): void;
  /** An entry of the refcount table that is not zero. */
  refcountBlock(index: number): void;
}
