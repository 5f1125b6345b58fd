/**
 * The engine behind a typed interface: what a document asks of its worker thread. Everything is plain JSON or
 * exact-size typed arrays. A request is answered by a value or by a `Problem`, never by a rejection that loses
 * its fields (custom error fields do not survive a thread boundary).
 */
import type { Problem } from '../qcow2/errors';
import type { ChainView } from '../qcow2/chain/chainView';
import type { HeaderView } from '../qcow2/scan/headerView';
import type { ClusterReport } from '../qcow2/scan/inspect';
import type { MapForm } from '../qcow2/scan/mapExport';
import type { Cells, CellsRequest, KindTotals } from '../qcow2/scan/overview';

// The rooms above the worker import the engine's data types from here, so that they depend on one door.
export type { Problem } from '../qcow2/errors';
export type { ChainLayerView, ChainView } from '../qcow2/chain/chainView';
export type {
  BitmapView,
  ExtensionView,
  FeatureBit,
  HeaderField,
  HeaderView,
  SnapshotView,
} from '../qcow2/scan/headerView';
export type { ClusterReport, EntryField } from '../qcow2/scan/inspect';
export type { MapForm } from '../qcow2/scan/mapExport';
export type { CellKind, Cells, CellsRequest, KindTotals } from '../qcow2/scan/overview';

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export interface OpenOptions {
  /** The number that the state will carry; the host counts, so that it also rises over a new thread. */
  readonly generation: number;
  /** The file's content, where it is not on a local disk; `path` is then only its name. Names are not followed. */
  readonly bytes?: Uint8Array;
  /**
   * False in Restricted Mode: no backing file and no external data file is opened; header, the top layer's map and
   * the raw names are all there is.
   */
  readonly followsNames: boolean;
}

/** What is known of the file as soon as it was looked at, openable or not. */
export interface ImageState {
  readonly path: string;
  /** Bytes; 0 when the file could not be looked at. */
  readonly fileSize: number;
  readonly allocatedBytes: number;
  /** Changes whenever the worker has read the file anew. */
  readonly generation: number;
  /** Why the image could not be opened; the header is then shown as far as it can be read. */
  readonly problem?: Problem;
  /** Why data cannot be read or the chain is incomplete although the image is open (encrypted, missing base, …). */
  readonly warnings: readonly Problem[];
  readonly header?: HeaderView;
  readonly chain?: ChainView;
  readonly summary?: ImageSummary;
}

export interface ImageSummary {
  readonly virtualSize: number;
  readonly version: number;
  readonly clusterSize: number;
  readonly extendedL2: boolean;
  readonly snapshots: number;
  readonly bitmaps: number;
  readonly backingName?: string;
  readonly dataFileName?: string;
  readonly encryption?: 'aes' | 'luks';
  readonly dirty: boolean;
  readonly corrupt: boolean;
}

export interface MapRequest {
  readonly destination: string;
  readonly form: MapForm;
}

/** What the host may ask of the worker. */
export interface EngineApi {
  /**
   * Opens, or opens again after a change on disk, and starts the whole-disk scan. Always answers with a state:
   * `problem` says what is wrong.
   */
  open(path: string, options: OpenOptions): ImageState;
  /** Whether the file (or one of its chain) differs from what was read: size, time or identity. */
  hasChanged(): boolean;
  /** Aggregated cells for a stretch of the guest's disk; may be incomplete while the whole-disk scan runs. */
  cells(request: CellsRequest): Result<Cells>;
  /** Totals of a range of guest bytes by kind. */
  totals(start: number, length: number): Result<KindTotals>;
  inspect(guestOffset: number): Result<ClusterReport>;
  /** Guest bytes through the chain; at most 1 MiB at a time, clamped to the disk's end. */
  readBytes(guestOffset: number, length: number): Result<Uint8Array>;
  /** JSON as `qemu-img info --output=json` prints it; numbers beyond 2^53 keep their digits. */
  info(): Result<string>;
  /**
   * Streams the map to a file, which is there whole or not at all. Answers with the number of extents and bytes
   * written. Keeps the thread busy until it is done: exports run in a thread of their own (client.ts).
   */
  exportMap(request: MapRequest): Result<{ readonly extents: number; readonly bytes: number }>;
  close(): void;
}

/** What the worker tells the host without being asked. */
export interface EngineEvents {
  /** The whole-disk scan got further: `done` of `total` guest bytes. */
  scanProgress(done: number, total: number): void;
  /** The whole-disk scan cannot go on; what it has seen stays. */
  scanFailed(problem: Problem): void;
  exportProgress(done: number, total: number): void;
}
