/** Everything about one guest cluster: where its entry is, what each bit of it says, and who answers for it. */
import type { CellKind } from './overview';

export interface ClusterReport {
  /** First guest byte of the cluster, and its length (short at the disk's end). */
  readonly guestOffset: number;
  readonly length: number;
  readonly l1Index: number;
  readonly l1EntryOffset: number;
  /** Raw L1 entry as `0x…`. */
  readonly l1Entry: string;
  readonly l2Index?: number;
  readonly l2EntryOffset?: number;
  /** Raw L2 entry as `0x…`; absent where no L2 table exists. */
  readonly l2Entry?: string;
  /** The meaning of the entry in the top layer. */
  readonly kind: 'data' | 'zeroPlain' | 'zeroAllocated' | 'compressed' | 'unallocated' | 'invalid';
  /** Bits and fields of the L2 entry, high to low. */
  readonly fields: readonly EntryField[];
  readonly hostOffset?: number;
  /** Compressed clusters: bytes of the compressed stream's sectors. */
  readonly compressedLength?: number;
  /** Refcount of the host cluster; absent with an external data file or where there is none. */
  readonly refcount?: number;
  /** Extended L2: state of each of the 32 subclusters. */
  readonly subclusters?: readonly ('data' | 'zero' | 'unallocated' | 'invalid')[];
  /** Depth of the layer that answers for the first byte of the cluster; −1 when no layer does. */
  readonly providedBy: number;
  readonly cellKind: CellKind;
}

export interface EntryField {
  /** The specification's name: `COPIED`, `COMPRESSED`, `zero flag`, `host cluster offset`, … */
  readonly name: string;
  /** Highest and lowest bit, inclusive. */
  readonly bits: readonly [number, number];
  /** Value as `0x…` or `0`/`1`. */
  readonly value: string;
}
