/**
 * What all file systems have in common. Readers are lazy, bounded by what the device can hold, and synchronous; they read
 * what is on the disk, and replay no journal. Whatever can still be read of a damaged file system is.
 */
import type { GuestProblem } from './errors';
import type { DeviceOffset } from './units';

/** How long walks tell how far they are, and learn that they are to stop (`checkCancelled` throws). */
export interface WalkProgress {
  /** `done` of `total`, in whatever unit the walk counts in; never decreases. */
  report(done: number, total: number): void;
  checkCancelled(): void;
}

/** The number that a file system knows a file by: inode, record of the MFT, place of a directory entry. */
export type FileId = number;

export type FileType =
  'file' | 'folder' | 'link' | 'blockDevice' | 'characterDevice' | 'pipe' | 'socket' | 'other';

export interface DirectoryEntry {
  /** As it is on disk; bytes that are not valid text are replaced. `.` and `..` are left out. */
  readonly name: string;
  readonly id: FileId;
  /** Undefined where only `stat` can tell. */
  readonly type: FileType | undefined;
}

export interface Listing {
  readonly entries: readonly DirectoryEntry[];
  /** Why there may be more entries than could be read. */
  readonly problem?: GuestProblem;
}

export interface FileInfo {
  readonly id: FileId;
  readonly type: FileType;
  /** Bytes of its contents; of a link, of its target. */
  readonly size: number;
  /** Bytes of the device that its contents take; inline contents take none. */
  readonly allocated: number;
  /** Last change of the contents, in milliseconds since 1970 UTC. */
  readonly modified: number | undefined;
  /** Permission bits, with set-user-ID and the like (`0o7777`); undefined where the file system has none. */
  readonly mode?: number;
  readonly owner?: number;
  readonly group?: number;
  /** Names that the file has, where the file system counts them. */
  readonly links?: number;
  /** Of a link. */
  readonly target?: string;
  /** Why its contents cannot be read as they are for the guest: encrypted, say. */
  readonly problem?: GuestProblem;
  /** Other streams of the file (NTFS), by name. */
  readonly streams?: readonly { readonly name: string; readonly size: number }[];
}

/** A stretch of a file's contents. */
export interface FileExtent {
  /** Bytes from the start of the file. */
  readonly at: number;
  /** Bytes; the last one may reach beyond the end of the file. */
  readonly length: number;
  /** Where it is on the device; undefined for holes, inline contents, and what only a compressed unit as a whole holds. */
  readonly place: DeviceOffset | undefined;
  /** Nothing is stored for it, and it reads as zeroes. */
  readonly isHole?: true;
}

export interface FileSystem {
  /** As people call it: `ext4`, `FAT32`, `NTFS`. */
  readonly kind: string;
  /** Empty where there is none. */
  readonly label: string;
  /** As the system's own tools print it; undefined where there is none. */
  readonly uuid: string | undefined;
  /** Bytes that the file system says it has; the device may be longer. */
  readonly size: number;
  /** Bytes of what it allocates in: a block, a cluster. */
  readonly blockSize: number;
  readonly root: FileId;
  /** Whether names that differ only in case are the same name. */
  readonly ignoresCase?: boolean;
  /**
   * Why its map of free space may not be believed: it was not closed, has errors, or uses what this reader does not know.
   * Empty: it may, unless `forEachFree` throws.
   */
  readonly doubts: readonly GuestProblem[];

  /** Bytes in use, as the file system counts them. @throws GuestError */
  used(progress: WalkProgress): number;
  /** @throws GuestError `guest.notFolder`, or where nothing of it can be read */
  list(folder: FileId): Listing;
  /** @throws GuestError */
  stat(file: FileId): FileInfo;
  /**
   * Reads contents from a byte of the file on. Holes read as zeroes.
   * @returns bytes read: fewer than `target` has at the end of the file only
   * @throws GuestError `guest.notFile`, or where the contents cannot be read
   */
  read(file: FileId, at: number, target: Uint8Array): number;
  /** The stretches of a file's (or folder's) contents, ascending. @throws GuestError */
  extents(file: FileId): Iterable<FileExtent>;
  /**
   * Tells the stretches of the device that are free, ascending, not touching each other.
   * @throws GuestError where the map cannot be read whole, or a checksum is wrong: nothing told so far may be used then
   */
  forEachFree(visit: (start: DeviceOffset, length: number) => void, progress: WalkProgress): void;
}
