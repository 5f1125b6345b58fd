/**
 * All that a save, and giving space back, ask of the system, and nothing else: the tests put a disk in its place that
 * loses whatever was not flushed and fails where they like.
 */
import type { FileAccess } from '../io/fileAccess';
import type { ByteLength, HostOffset } from '../units';

/** A file that is open for reading and changing. Every error of the system is a FileError. */
export interface MutableFile {
  /** The path. */
  readonly name: string;
  /** Length in bytes as it is now. */
  readonly size: ByteLength;
  readonly identity: DiskFileIdentity;
  /** Undefined where the system has no owners. */
  readonly access: FileAccess | undefined;
  /** Fills `target` with the bytes at `offset`; what lies past the end reads as zeroes. */
  read(target: Uint8Array, offset: HostOffset): void;
  /** Writes all of `bytes`; a file that ends before becomes longer. */
  write(bytes: Uint8Array, offset: HostOffset): void;
  /** Makes the file that long, in bytes; what is new reads as zeroes. */
  truncate(size: ByteLength): void;
  /**
   * Gives the storage behind a stretch, in bytes, back to the system: it reads as zeroes then, and the length stays.
   * @returns false where this system, or the file system, cannot
   */
  makeHole(offset: HostOffset, length: ByteLength): boolean;
  /** Bytes of storage behind the file now. */
  readonly allocatedBytes: ByteLength;
  /** Has what was written so far on its way to stable storage, where the system can: `flush` has less to wait for. */
  startFlush(): void;
  /** Returns when what was written and the length are on stable storage. */
  flush(): void;
  /**
   * Takes the file for this open file alone. It is free again when it is closed, which the system does for a thread or
   * a process that ends.
   * - `held`: another open file has it
   * - `unknown`: this system, or this file system, has no such locks
   */
  claim(): 'taken' | 'held' | 'unknown';
  close(): void;
}

/** What tells a file from another one, and one state of it from another. */
export interface DiskFileIdentity {
  readonly device: string;
  readonly inode: string;
  /** Names that lead to it. */
  readonly links: number;
}

/** Who writes a journal: for people, and to tell later whether that thread still runs where locks do not tell. */
export interface Writer {
  readonly host: string;
  /** Of the system's start; empty where the system has none. */
  readonly boot: string;
  readonly pid: number;
  /** When the process started, in the system's own unit; empty where it cannot be told. */
  readonly started: string;
  /** Number of the thread in its process; 0 is the main one. */
  readonly thread?: number;
  /** It has claimed the journal, so that a journal that is free has no writer any more. */
  readonly isLocked?: boolean;
}

export interface Disk {
  /** The path with symbolic links followed. @throws FileError */
  resolve(path: string): string;
  /** Undefined where there is no such file. Symbolic links are not followed. @throws FileError */
  identify(path: string): DiskFileIdentity | undefined;
  /** Opens a regular file; a symbolic link is refused. @throws FileError */
  openForChange(path: string): MutableFile;
  /**
   * Makes a file that only its owner can read.
   * @returns undefined where there is something of that name
   * @throws FileError
   */
  createExclusive(path: string): MutableFile | undefined;
  /** @throws FileError */
  remove(path: string): void;
  /** Makes creations and deletions in a folder stable, where the system can. @throws FileError */
  flushFolder(folder: string): void;
  /** Bytes that can still be written where `folder` is; Infinity where it cannot be told. */
  freeBytes(folder: string): ByteLength;
  /** This thread. */
  readonly writer: Writer;
  /** The user that this process acts for; undefined where the system has no owners. */
  readonly user: number | undefined;
  /** Whether a thread runs, by process and thread number; undefined where this machine cannot tell. */
  isRunning(writer: Writer): boolean | undefined;
  /** Lets others go on for a while. */
  pause(milliseconds: number): void;
}
