/** What a header says (qcow2.txt, "Header"), once parseHeader.ts has read it. */
import type { Features } from './features';

export type CompressionType = 'deflate' | 'zstd';

/**
 * A header as `parseHeader` read it. Offsets and sizes are bytes. A field with a fault has a value that leads nowhere: no
 * table, no extensions.
 */
export interface Header {
  readonly version: 2 | 3;
  /** 0 where there is no backing file. */
  readonly backingFileOffset: number;
  readonly backingFileSize: number;
  readonly clusterBits: number;
  readonly clusterSize: number;
  /** `size` as it is written. */
  readonly declaredSize: number;
  /** The guest's disk: `size` cut down to a multiple of 512, as QEMU has it. */
  readonly size: number;
  /** As written; checked by `checkEncryption`, after the extensions. */
  readonly cryptMethod: number;
  /** Entries. */
  readonly l1Size: number;
  readonly l1TableOffset: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
  readonly snapshotCount: number;
  readonly snapshotsOffset: number;
  readonly features: Features;
  readonly refcountOrder: number;
  readonly refcountBits: number;
  readonly headerLength: number;
  readonly compressionType: CompressionType;

  /** Where header extensions must end: at the backing file name, or with the first cluster. */
  readonly extensionsEnd: number;
  /** Bytes of one L2 entry: 8, or 16 with extended L2. */
  readonly l2EntrySize: 8 | 16;
  /** Entries of one L2 table, which is one cluster. */
  readonly l2Entries: number;
  /** Guest bytes of one L2 table. */
  readonly l2Span: number;
  /** The cluster size, without extended L2. */
  readonly subclusterSize: number;
}
