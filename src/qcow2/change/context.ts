/** What a change works on and what it is asked to do. */
import type { WritableFile } from '../io/writableFile';
import type { Layers } from '../image/layer';
import type { Qcow2Image } from '../image/qcow2Image';
import type { Progress } from '../progress';
import type { HostCluster } from '../units';
import type { ClusterBits, ClusterSet } from '../clusterSet';
import type { ZeroPolicy } from './decide';
import type { ChangeTally } from './tally';

/**
 * Everything is read and written through `file` (and `dataFile`); where a change fails half-way, the caller puts back
 * what they were.
 */
export interface ChangeContext {
  /** Opened on `file` as it is now, with `dataFile`. */
  readonly image: Qcow2Image;
  readonly file: WritableFile;
  /** The external data file, where the image has one that is open. */
  readonly dataFile: WritableFile | undefined;
  /** The chain, the image first; where the last one names a backing file, what needs that is refused. */
  readonly layers: Layers;
  /** Refcounts of the image file as it is on disk; 0 past its table. */
  readonly disk: { refcountOf(cluster: HostCluster): number };
  /** Host clusters that are not to be handed out: some state that undo or redo can reach uses them. */
  readonly held: ClusterSet;
  readonly progress: Progress;
}

export interface ZeroOptions {
  /** Host clusters may be given up. */
  readonly unmap: boolean;
  /** Explicit zeroes may be written where an entry cannot say it; otherwise that is an error. */
  readonly fallback: boolean;
  readonly policy: ZeroPolicy;
  /** With `unmap` and policy `unallocate`: looks whether all that a backing file would show through is zero. */
  readonly thorough: boolean;
}

export interface DiscardOptions {
  /** Leaves every cluster unallocated, whatever shows through then. */
  readonly full: boolean;
}

/** What a change did. */
export interface Change {
  readonly tally: ChangeTally;
  /** Host clusters whose refcount fell to 0: undo needs them. */
  readonly freed: ClusterBits;
  /** Host clusters that were free before: redo needs them. */
  readonly allocated: ClusterBits;
}
