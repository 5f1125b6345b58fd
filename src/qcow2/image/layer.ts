/**
 * One layer of a backing chain, as everything above `image` sees it: a qcow2 image or a raw file that answers
 * for a range of guest bytes what it has there.
 */
import { EntryKind } from '../format/l2Kind';
import type { CompressionType } from '../format/header';
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, type GuestOffset, hostOffset, type HostOffset } from '../units';

/** What a layer has for a run of guest bytes: the kind of its L2 entries, or of a part of one, or nothing to read them from. */
export const RunKind = {
  /** Neither data nor zero flag: the backing file answers, or zero where there is none. */
  unallocated: EntryKind.unallocated,
  /** Bytes at `host` in the layer's data file. */
  data: EntryKind.data,
  /** Compressed; `host` is the offset of the first byte of the compressed stream. */
  compressed: EntryKind.compressed,
  /** Reads as zero; no host cluster. */
  zeroPlain: EntryKind.zeroPlain,
  /** Reads as zero; a host cluster is kept at `host`. */
  zeroAllocated: EntryKind.zeroAllocated,
  /** An allocated cluster whose subcluster is unallocated: as `unallocated`, but a host offset exists. */
  unallocatedSubcluster: 5,
  /**
   * The L2 entries lie beyond the end of the image file, the first one at `host`: QEMU takes that for `unallocated`, here
   * nothing is read there.
   */
  missing: 6,
} as const;
export type RunKind = (typeof RunKind)[keyof typeof RunKind];

/**
 * Receives runs in ascending order without gaps. `start` and `length` are guest bytes; `host` is the host offset of
 * `start` in the layer's `dataFile`, or `NO_HOST` where the kind has none. Return `false` to stop the walk.
 * Runs are maximal within one L2 table (kind equal, host contiguous), except that `compressed` runs are one cluster
 * each.
 */
export type RunVisitor = (
  start: GuestOffset,
  length: ByteLength,
  kind: RunKind,
  host: HostOffset,
) => boolean | undefined;

/** The host offset of a run whose kind has none. */
export const NO_HOST = hostOffset(-1);

/** A compressed cluster in an open file, for threads that have no layer. */
export interface CompressedStream {
  /** As `BlockFile.descriptor`. */
  readonly descriptor: number;
  readonly host: HostOffset;
  /** Bytes to read, all of them before the end of the file; what follows the stream may be among them. */
  readonly length: ByteLength;
  readonly type: CompressionType;
}

/** The open layers of a chain, top first. */
export type Layers = readonly [top: Layer, ...backing: Layer[]];

export interface Layer {
  readonly format: 'qcow2' | 'raw';
  /** The image file itself. */
  readonly file: BlockFile;
  /** Where host offsets of data point: the image file, or its external data file. */
  readonly dataFile: BlockFile;
  /**
   * The first offset of `dataFile` that is past its end; a last cluster that it ends in counts as whole (QEMU writes such
   * files). Data from here on is lost. `Infinity` where nothing is known of the file.
   */
  readonly dataEnd: HostOffset;
  /**
   * Whether a place past the end of `dataFile` was in use when the file was whole, as far as can be told: its refcount
   * says so. Otherwise the entry that leads there is broken.
   * @throws FileError
   */
  wasInUse(host: HostOffset): boolean;
  /** Guest bytes; a multiple of 512. */
  readonly size: ByteLength;
  /** True when the header names a backing file, openable or not. Always false for raw. */
  readonly namesBacking: boolean;
  /** Guest bytes that one entry stands for (cluster or subcluster); 512 for raw. */
  readonly granularity: ByteLength;
  /** The name of the backing file as the header writes it, where there is one. */
  readonly backingName?: string | undefined;
  /** True when the guest's bytes are encrypted: QEMU then gives no host offsets, and nothing here reads them. */
  readonly isEncrypted: boolean;

  /**
   * Walks what this layer alone has for the guest bytes from `start` to `end` (clamped to `size`).
   * Reads at most the tables it needs, each once; memory does not depend on the range.
   * @throws FormatError on an entry that breaks the specification, after the runs before it were visited; FileError.
   */
  forEachRun(start: GuestOffset, end: GuestOffset, visit: RunVisitor): void;

  /**
   * Reads guest bytes that this layer itself has: `kind` and `host` are those of a run that covers
   * `target.length` bytes from `guest`. Unallocated kinds are the caller's to resolve.
   * @throws FormatError, FileError; UnsupportedError for an encrypted image.
   */
  readRun(target: Uint8Array, guest: GuestOffset, kind: RunKind, host: HostOffset): void;

  /**
   * The stream that `readRun` would decompress for a compressed run. Undefined if it would do anything else: throw, read only
   * a part of the cluster, or read a file that other threads cannot read.
   * @throws FileError
   */
  compressedStream(guest: GuestOffset, length: ByteLength, host: HostOffset): CompressedStream | undefined;

  /**
   * Whether data runs of this layer must be looked up in the host file for holes, as QEMU does for a raw file
   * and for an image it takes for preallocated (QEMU block/qcow2-refcount.c,
   * qcow2_detect_metadata_preallocation).
   */
  readonly looksForHoles: boolean;

  close(): void;
}
