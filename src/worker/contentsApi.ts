/** What can be asked about the inside of a disk: its partitions, file systems and files. All data is plain. */
import type { GuestProblem } from '../guest/errors';
import type { FileId, FileType } from '../guest/fileSystem';
import type { ByteLength, GuestOffset } from '../qcow2/units';
import type { CopyReport } from '../inside/copyOut';
import type { FindReport, FindRequest, FoundFile } from '../inside/findFiles';
import type { LargestReport } from '../inside/largest';
import type { ContentMapCalls } from './contentMapApi';
import type { OperationId, Result } from './result';

export type { GuestProblem } from '../guest/errors';
export type { FileId, FileType } from '../guest/fileSystem';
export type { CopyReport } from '../inside/copyOut';
export { HostNames } from '../inside/hostName';
export type { FindReport, FindRequest, FoundFile as GuestFound } from '../inside/findFiles';
export type { LargeFile, LargestReport } from '../inside/largest';

/** What the disk consists of. */
export interface GuestParts {
  readonly table: 'mbr' | 'gpt' | 'none';
  /** Partitions in their order, or the whole disk where there are none; then logical volumes. */
  readonly parts: readonly GuestPart[];
  /** What is wrong with the partition table and with logical volumes. */
  readonly problems: readonly GuestProblem[];
}

/** Something that may hold a file system. */
export interface GuestPart {
  /** What paths of its files begin with: `1`, `vg0/root`; empty for the whole disk. */
  readonly path: string;
  readonly kind: 'disk' | 'partition' | 'volume';
  /** Absent for volumes, which may lie in pieces. */
  readonly start?: GuestOffset;
  readonly size: ByteLength;
  /** What the partition table says that it is, in words: "Linux", "EFI System"; empty where there is none. */
  readonly typeName: string;
  /** Its name in a GPT; empty where there is none. */
  readonly name: string;
  /** What it holds, as marks on it say: "ext2/3/4", "LUKS"; empty where nothing is recognised. */
  readonly holds: string;
  /** Absent where there is none that can be read; `problem` says why. */
  readonly system?: GuestSystem;
  readonly problem?: GuestProblem;
}

/** A file system that can be looked into. */
export interface GuestSystem {
  /** As people call it: `ext4`, `NTFS`. */
  readonly kind: string;
  /** Empty where there is none. */
  readonly label: string;
  readonly uuid?: string;
  readonly size: ByteLength;
  /** Absent where it cannot be counted. */
  readonly used?: ByteLength;
  readonly root: FileId;
  /** Why its map of free space may not be believed: it was not closed, say. Its files are read as they are on disk. */
  readonly doubts: readonly GuestProblem[];
}

/** A file or folder, as it is known by one of its names. */
export interface GuestEntry {
  readonly name: string;
  readonly id: FileId;
  readonly type: FileType;
  /** Bytes of the contents; of a link, of its target. */
  readonly size: number;
  /** Bytes of the disk that the contents take. */
  readonly allocated: number;
  /** Milliseconds since 1970 UTC. */
  readonly modified?: number;
  /** Permission bits. */
  readonly mode?: number;
  /** Of a link. */
  readonly target?: string;
  /** Why its contents cannot be read, or why nothing but its name is known. */
  readonly problem?: GuestProblem;
}

/** A file or folder, as a path leads to it. */
export interface GuestTarget extends GuestEntry {
  /** From the root, without links. */
  readonly realPath: string;
}

export interface GuestFolder {
  /** Folders and files, in the order in which the file system has them. */
  readonly entries: readonly GuestEntry[];
  /** Why there may be more than could be read. */
  readonly problem?: GuestProblem;
}

/** Questions about the inside of the disk, staged changes included. `part` is the path of a part. */
export interface ContentsCalls extends ContentsWorkCalls, ContentMapCalls {
  guestParts(operation: OperationId): Result<GuestParts>;
  guestFolder(part: string, folder: FileId): Result<GuestFolder>;
  /** @param path from the root, with `/` between names; links are followed, the last one too */
  guestFileAt(part: string, path: string): Result<GuestTarget>;
  /** Contents of a file; at most 1 MiB at a time, clamped to the file's end. */
  readGuestFile(part: string, file: FileId, at: number, length: number): Result<Uint8Array>;
}

export interface GuestCopy {
  /** Path of a part. */
  readonly part: string;
  /** A file, or a folder, which is copied with everything below it. */
  readonly file: FileId;
  /** Absolute path on the host; nothing may be there. */
  readonly destination: string;
}

/** Questions that go through many files (contentsWork.ts). */
export interface ContentsWorkCalls {
  /** Looks through all file systems; what is found is told by the event `guestFound`. */
  findGuestFiles(request: FindRequest, operation: OperationId): Promise<Result<FindReport>>;
  /** By allocated bytes. @param part path of a part */
  largestGuestFiles(part: string, operation: OperationId): Promise<Result<LargestReport>>;
  /** Copies to the host, all or nothing; progress is in bytes. No other call is answered meanwhile. */
  copyGuestFile(copy: GuestCopy, operation: OperationId): Result<CopyReport>;
}

/** What is told while such a question is being answered. */
export interface ContentsEvents {
  guestFound(operation: OperationId, files: readonly FoundFile[]): void;
}
