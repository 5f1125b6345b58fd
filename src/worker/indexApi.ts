/**
 * What the workspace index asks its thread: which files are qcow2 images, by their first bytes, and their headers. Nothing
 * past the first cluster is read.
 */
import type { BackingReference } from '../qcow2/chain/backingReference';
import type { Problem } from './result';
import type { ByteLength } from '../qcow2/units';
import type { ImageSummary } from './api';

export type { BackingReference } from '../qcow2/chain/backingReference';

export interface IndexedImage {
  readonly path: string;
  /** Device and inode: two paths with the same identity are one file. Absent if the file does not exist. */
  readonly identity?: string;
  /** If `path` is a link: its target. */
  readonly linkTarget?: string;
  readonly fileSize: ByteLength;
  readonly allocatedBytes: ByteLength;
  /** `raw` if there is no magic; `unknown` if the file could not be read. */
  readonly format: 'qcow2' | 'raw' | 'unknown';
  /** Why the header could not be used. */
  readonly problem?: Problem;
  readonly summary?: ImageSummary;
  readonly backing?: BackingReference;
}

/** A glob of what is excluded, as in `files.exclude`. */
export interface Exclusion {
  readonly glob: string;
  /** Excluded only if this name exists in the same folder; `$(basename)` is the file's name without its ending. */
  readonly when?: string;
}

/** A walk over folders in search of images. */
export interface WalkRequest {
  /** Exclusions are relative to this folder. */
  readonly root: string;
  /** Files and folders at or below `root` to start from. */
  readonly starts: readonly string[];
  readonly exclude: readonly Exclusion[];
  /** Includes subfolders. */
  readonly isDeep: boolean;
  /** Includes linked folders; each folder is walked once. */
  readonly followsLinks: boolean;
  /** The walk stops at more images than this. */
  readonly maxImages: number;
  /** The walk stops at more files than this. */
  readonly maxFiles: number;
}

export type WalkId = number;

/** What a walk has found since the previous part. */
export interface WalkPart {
  readonly images: readonly IndexedImage[];
  /** Files and folders that could not be read: they may be images. */
  readonly unreadable: readonly string[];
  readonly isOver: boolean;
  /** It stopped early, at one of its limits. */
  readonly isCut: boolean;
}

/** The images in the folder of a file and, as far as that is quick, below it; and the files that they name. */
export interface Surroundings {
  /** The file itself; absent if it does not exist. */
  readonly identity?: string;
  readonly images: readonly IndexedImage[];
  /** Files that only headers of `images` name. */
  readonly named: readonly IndexedImage[];
  readonly unreadable: readonly string[];
  /** There are more images than the limit. */
  readonly isCut: boolean;
}

/** Why images that use a file as their backing file may be unknown. */
export type SearchGap =
  | { readonly kind: 'off' }
  /** More images or files than are indexed. */
  | { readonly kind: 'cut' }
  /** The search has not finished. */
  | { readonly kind: 'running' }
  | { readonly kind: 'unreadable'; readonly paths: readonly string[] };

export interface IndexApi {
  /** Returns the answers in the order of `paths`. */
  readHeaders(paths: readonly string[]): readonly IndexedImage[];
  startWalk(request: WalkRequest): WalkId;
  /** Continues the walk for some milliseconds. Must not be called again once the walk is done. */
  continueWalk(walk: WalkId): WalkPart;
  endWalk(walk: WalkId): void;
  /**
   * Searches around a file, independent of the index and its exclusions.
   * @param followsNames false in Restricted Mode: nothing is opened because an image names it
   */
  lookAround(path: string, followsNames: boolean): Surroundings;
}
