/** An image to build, as data; `ImageBuilder` fills it in and `assemble` makes files of it. */
import type { CompressionType } from './compression';
import type { ClusterStates } from './guestState';
import type { HostOrder } from './hostFile';
import type { BitmapOptions, SnapshotOptions } from './metadata';
import type { HeaderExtension } from './tables';

export interface ImageDescription {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly refcountOrder: number;
  /** Guest bytes. */
  readonly size: number;
  readonly extendedL2: boolean;
  readonly compression: CompressionType;
  readonly backing: { readonly name: string; readonly format?: string } | undefined;
  readonly dataFile:
    { readonly name: string; readonly raw: boolean; readonly scattered: boolean } | undefined;
  readonly crypt: 'none' | 'aes' | 'luks';
  /** Feature bits to set besides those that the other fields ask for. */
  readonly incompatible: bigint;
  readonly compatible: bigint;
  readonly autoclear: bigint;
  /** Whether to write a feature name table. */
  readonly featureNames: boolean;
  readonly headerLength: number;
  readonly order: HostOrder;
  /** Whether compressed streams share host clusters where they can. */
  readonly packsCompressed: boolean;
  /** Header extensions behind the builder's own. */
  readonly extensions: readonly HeaderExtension[];
  readonly active: ClusterStates;
  readonly snapshots: readonly (SnapshotOptions & {
    readonly name: string;
    readonly states: ClusterStates;
  })[];
  readonly bitmaps: readonly (BitmapOptions & { readonly name: string })[];
}
