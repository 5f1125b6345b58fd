/**
 * What the workspace index asks of its one thread: headers of many files, and nothing beyond the header's cluster.
 */
import type { Problem } from '../qcow2/errors';
import type { ImageSummary } from './api';

export interface IndexedImage {
  readonly path: string;
  /** Device and inode: two paths with the same identity are one file. Absent where the file is not there. */
  readonly identity?: string;
  readonly fileSize: number;
  readonly allocatedBytes: number;
  /** `raw` where the magic is not there; `unknown` where the file could not be read. */
  readonly format: 'qcow2' | 'raw' | 'unknown';
  /** Why the header could not be used. */
  readonly problem?: Problem;
  readonly summary?: ImageSummary;
  readonly backing?: BackingReference;
}

export interface BackingReference {
  readonly nameAsWritten: string;
  /** The format that the header names. */
  readonly format?: string;
  /** Absolute path, where the name comes down to a local file; whether it is there is not looked at. */
  readonly path?: string;
  /** Why the name is not followed. */
  readonly problem?: Problem;
}

export interface IndexApi {
  /** Answers in the order of `paths`. */
  readHeaders(paths: readonly string[]): readonly IndexedImage[];
}
