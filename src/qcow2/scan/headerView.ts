/**
 * The header as a person reads it: every field with its place, raw and decoded value. It is built from raw bytes
 * without trusting them, so that a header that cannot be used can still be shown as far as it goes.
 */
export interface HeaderView {
  readonly fields: readonly HeaderField[];
  readonly features: readonly FeatureBit[];
  readonly extensions: readonly ExtensionView[];
  readonly snapshots: readonly SnapshotView[];
  readonly bitmaps: readonly BitmapView[];
  /** The first bytes of the file, at most 4096, as they are. */
  readonly raw: Uint8Array;
}

export interface HeaderField {
  /** The specification's name, `cluster_bits` and the like; the editor has a sentence for each. */
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  /** `0x…`, zero padded. */
  readonly raw: string;
  /** Decoded: `65536`, `zstd`, a name; empty where raw says it all. */
  readonly decoded: string;
  /** Host offset that the field points at, for following it. */
  readonly pointsTo?: number;
}

export interface FeatureBit {
  readonly type: 'incompatible' | 'compatible' | 'autoclear';
  readonly bit: number;
  readonly isSet: boolean;
  /** The specification's name; absent for a bit it does not know. */
  readonly name?: string;
  /** The name from the image's own feature name table. */
  readonly nameInImage?: string;
}

export interface ExtensionView {
  readonly type: string;
  /** `backing file format`, `feature name table`, …, or `unknown`. */
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  /** Decoded content in one line, or hex of its first bytes. */
  readonly decoded: string;
}

export interface SnapshotView {
  readonly id: string;
  readonly name: string;
  readonly dateSeconds: number;
  readonly dateNanoseconds: number;
  readonly vmClockNanoseconds: string;
  readonly vmStateSize: string;
  readonly virtualSize?: string;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly icount?: string;
}

export interface BitmapView {
  readonly name: string;
  readonly granularity: number;
  readonly flags: readonly string[];
  readonly tableOffset: number;
  readonly tableEntries: number;
}
