/**
 * What the workspace index asks of its thread: which files are qcow2 images, by their first bytes, and the headers of
 * those; nothing beyond the header's cluster.
 */
import type { BackingReference } from '../qcow2/chain/backingReference';
import type { Problem } from '../qcow2/errors';
import type { ByteLength } from '../qcow2/units';
import type { ImageSummary } from './api';

export type { BackingReference } from '../qcow2/chain/backingReference';

export interface IndexedImage {
  readonly path: string;
  /** Device and inode: two paths with the same identity are one file. Absent where the file is not there. */
  readonly identity?: string;
  /** Where `path` is a link: the file that it leads to. */
  readonly linkTarget?: string;
  readonly fileSize: ByteLength;
  readonly allocatedBytes: ByteLength;
  /** `raw` where the magic is not there; `unknown` where the file could not be read. */
  readonly format: 'qcow2' | 'raw' | 'unknown';
  /** Why the header could not be used. */
  readonly problem?: Problem;
  readonly summary?: ImageSummary;
  readonly backing?: BackingReference;
}

/** A glob of what is left out, as in `files.exclude`. */
export interface Exclusion {
  readonly glob: string;
  /** Left out only where this name is in the same folder; `$(basename)` is the file's name without its ending. */
  readonly when?: string;
}

/** A walk over folders for images. */
export interface WalkRequest {
  /** Exclusions are relative to this folder. */
  readonly root: string;
  /** Files and folders at or below `root` to begin with. */
  readonly starts: readonly string[];
  readonly exclude: readonly Exclusion[];
  /** Subfolders, too. */
  readonly isDeep: boolean;
  /** Linked folders, too; each folder is walked once. */
  readonly followsLinks: boolean;
  /** The walk ends where there are more images than this. */
  readonly maxImages: number;
  /** The walk ends where there are more files than this to look at. */
  readonly maxFiles: number;
}

export type WalkId = number;

/** What a walk has found since the part before. */
export interface WalkPart {
  readonly images: readonly IndexedImage[];
  /** Files and folders that could not be read: they may be images. */
  readonly unreadable: readonly string[];
  readonly isOver: boolean;
  /** It ended early, at one of its limits. */
  readonly isCut: boolean;
}

/** The images in a file's own folder and, as far as that is quick, below it; and what they name. */
export interface Surroundings {
  /** The file itself; absent where it is not there. */
  readonly identity?: string;
  readonly images: readonly IndexedImage[];
  /** Files that only headers of `images` name. */
  readonly named: readonly IndexedImage[];
  readonly unreadable: readonly string[];
  /** There are more images than are taken note of. */
  readonly isCut: boolean;
}

/** Why some images that use a file as their backing file may not be known. */
export type SearchGap =
  | { readonly kind: 'off' }
  /** More images or files than are indexed. */
  | { readonly kind: 'cut' }
  /** The search has not come to its end. */
  | { readonly kind: 'running' }
  | { readonly kind: 'unreadable'; readonly paths: readonly string[] };

export interface IndexApi {
  /** Answers in the order of `paths`. */
  readHeaders(paths: readonly string[]): readonly IndexedImage[];
  startWalk(request: WalkRequest): WalkId;
  /** Walks on for some milliseconds. Not to be called again once the walk is over. */
  continueWalk(walk: WalkId): WalkPart;
  endWalk(walk: WalkId): void;
  /**
   * Looks around a file, apart from any index and its exclusions.
   * @param followsNames false in Restricted Mode: nothing is opened because an image names it
   */
  lookAround(path: string, followsNames: boolean): Surroundings;
}
