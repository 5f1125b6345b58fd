/** What can be asked about the places of a disk's inside: which parts, files and structures lie where. All data is plain. */
import type { FileId } from '../guest/fileSystem';
import type { CellsRequest } from '../qcow2/map/overview';
import type { ByteLength, GuestOffset } from '../qcow2/units';
import type { MapCells } from './mapCells';
import type { OperationId, Result } from './result';

export type { ContentKind } from './contentKinds';

/** A partition or a logical volume, as it lies on the disk. */
export interface GuestBand {
  /** What paths of its files begin with: `1`, `vg0/root`. */
  readonly path: string;
  /** Its label: of the file system, of the partition, or what the partition table says that it is; may be empty. */
  readonly name: string;
  /** The file system, or what else it holds; empty where nothing is recognised. */
  readonly holds: string;
  readonly size: ByteLength;
  /** Starts and ends on the disk in turn, ascending; of a volume in very many pieces, the first ones. */
  readonly pieces: Float64Array;
}

/** Where a file lies on the disk, or a folder with everything in it. */
export interface GuestFilePlaces {
  /** Starts and ends on the disk in turn, ascending, not touching each other; the first ones where there are very many. */
  readonly pieces: Float64Array;
  /** All pieces. */
  readonly count: number;
  /** Bytes in all pieces. */
  readonly bytes: ByteLength;
  /** Guest byte of the start of the contents; absent where nothing of it is stored in a place of its own. */
  readonly first?: GuestOffset;
}

/** Who has some bytes of a range. */
export interface GuestOwner {
  /**
   * `metadata`, `free` and `undecided` are a file system's: its own structures, what it does not use, or one of the two
   * where that is not certain. A `part` has no file system there that can be read; `extents` belong to no volume of a
   * group.
   */
  readonly kind: 'file' | 'metadata' | 'free' | 'undecided' | 'part' | 'extents' | 'table' | 'unpartitioned';
  readonly bytes: ByteLength;
  /** Path of the part, or the name of the volume group; absent for `table` and `unpartitioned`. */
  readonly part?: string;
  /** As in `GuestBand`. */
  readonly name?: string;
  readonly holds?: string;
  /** Of a file, from the root of its file system with `/` in front. */
  readonly path?: string;
  readonly file?: FileId;
}

/** Questions about the places of the disk, staged changes included. */
export interface ContentMapCalls {
  /** Partitions and logical volumes, inner ones last; empty where there are none, and without those that overlap. */
  guestBands(): Result<readonly GuestBand[]>;
  /** @param part path of the part */
  guestFilePlaces(part: string, file: FileId, operation: OperationId): Result<GuestFilePlaces>;
  /**
   * Cells as `cells` has them, of `ContentKind`s. The first call for a state reads all maps of free space and walks the
   * whole disk, and can be stopped.
   */
  contentCells(request: CellsRequest, operation: OperationId): Result<MapCells>;
  /** Builds the index that `guestOwners` answers from; reads all folders, and can be stopped. */
  indexGuestOwners(operation: OperationId): Result<undefined>;
  /** The owners of a range, those of the most bytes first, at most 64; undefined where there is no index. */
  guestOwners(start: GuestOffset, length: ByteLength): Result<readonly GuestOwner[] | undefined>;
}
