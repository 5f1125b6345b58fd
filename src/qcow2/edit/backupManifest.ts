/** The manifest of a backup (backup.ts): JSON, replaced as a whole, beside a file of pages. */
import { readFileSync } from 'node:fs';
import { FileError } from '../errors';
import { systemMessage } from '../io/systemError';
import type { ByteLength, ClusterCount, HostCluster, HostOffset } from '../units';
import type { EditFacts } from './history';

/** 1: edits that are all done and not saved. */
export const VERSION = 2;

/** One stretch of changed pages; what they hold is a fill, pages of the page file, or the image's own bytes. */
export type PieceRecord =
  | readonly [
      offset: HostOffset,
      length: ByteLength,
      kind: 'fill',
      high: number,
      low: number,
      step: number,
      origin: number,
    ]
  | readonly [offset: HostOffset, length: ByteLength, kind: 'pages', at: number]
  | readonly [offset: HostOffset, length: ByteLength, kind: 'base'];

export interface StateRecord {
  readonly size: ByteLength;
  readonly pieces: readonly PieceRecord[];
}

export interface PairRecord {
  readonly image: StateRecord;
  readonly dataFile?: StateRecord;
}

/** The state after the edit as it differs from the one before, or the other way round for a saved one. */
export interface EditRecord extends PairRecord, EditFacts {
  /** What the person is shown. */
  readonly label: string;
  /** Runs of host clusters that it gave up. */
  readonly freed: readonly (readonly [first: HostCluster, count: ClusterCount])[];
}

export interface BackupFacts {
  readonly image: string;
  readonly fingerprints: readonly string[];
}

export interface Manifest extends BackupFacts {
  readonly version: number;
  /** Name of the file of pages, beside the manifest. */
  readonly pages: string;
  readonly edits: readonly EditRecord[];
  readonly done: number;
  /** Absent where no edit leads to what is on disk. */
  readonly saved?: number;
  /**
   * The state that was saved, or the one before the first edit, as it differs from what is on disk: a save leaves out
   * what lies in clusters that are free, which only undo needs.
   */
  readonly start?: PairRecord;
  /** Edits before the first one that were left out. */
  readonly missing: number;
}

/** A backup that was written or read. */
export interface BackupPlace {
  /** Name of the file of pages beside the manifest; another backup may share it. */
  readonly pages: string;
}

/** Whether a file is called as those are that hold the pages of backups; it lies beside the manifest. */
const isPagesName = (name: unknown): name is string =>
  typeof name === 'string' && /^pages-[0-9a-f]{12}$/.test(name);

export function readManifest(manifestPath: string): Manifest {
  try {
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest;
    // The file of pages is removed with the backup: no other may be called one.
    if (!isPagesName(manifest.pages)) throw new Error('it does not name its file of pages');
    if (manifest.version === VERSION) return manifest;
    if (manifest.version !== 1) throw new Error(`it is of version ${manifest.version}`);
    return { ...manifest, done: manifest.edits.length, saved: 0, missing: 0 };
  } catch (error) {
    throw new FileError(manifestPath, 'backup.read', { value: systemMessage(error) });
  }
}
