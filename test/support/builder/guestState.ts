/**
 * What the guest of a built image must see: a state for each cluster, its bytes, and the kinds of a map. The builder knows
 * this from the description, without reading the image file.
 */
import { clusterContent, type Content } from './content';

/** Each object stands for one host cluster (or one compressed stream): states that share it share the object. */
export type ClusterState =
  | { readonly kind: 'data'; readonly content: Content }
  | { readonly kind: 'compressed'; readonly content: Content }
  | { readonly kind: 'zeroPlain' }
  /** The host cluster keeps `content`, which the guest must not see. */
  | { readonly kind: 'zeroAllocated'; readonly content: Content }
  /** Extended L2: 32 letters, `D` data, `Z` zero, `.` unallocated; a host cluster exists if `allocated`. */
  | {
      readonly kind: 'subclusters';
      readonly map: string;
      readonly allocated: boolean;
      readonly content: Content;
    };

/** What one guest byte is, as the layer alone sees it. */
export type GuestKind =
  'data' | 'compressed' | 'zeroPlain' | 'zeroAllocated' | 'unallocated' | 'unallocatedSubcluster';

export interface GuestRun {
  readonly start: number;
  readonly length: number;
  readonly kind: GuestKind;
}

export const SUBCLUSTERS = 32;

/** The guest's disk by guest cluster index; a cluster without state is unallocated. */
export type ClusterStates = ReadonlyMap<number, ClusterState>;

export class GuestModel {
  constructor(
    readonly size: number,
    readonly clusterSize: number,
    readonly states: ClusterStates,
  ) {}

  /**
   * The bytes the guest reads from `start`, as many as `length` or to the disk's end.
   * @param backing what unallocated bytes show; without it, and past its end, zeroes
   */
  read(start = 0, length = this.size, backing?: GuestModel): Uint8Array {
    const end = Math.min(this.size, start + length);
    const target = new Uint8Array(Math.max(0, end - start));
    if (backing !== undefined) target.set(backing.read(start, target.length));
    const last = Math.ceil(end / this.clusterSize);
    for (let index = Math.floor(start / this.clusterSize); index < last; index++) {
      const state = this.states.get(index);
      if (state === undefined) continue;
      for (const run of this.#runsOf(index, state)) {
        const from = Math.max(run.start, start);
        const to = Math.min(run.start + run.length, end);
        if (from < to) this.#fillRun(target.subarray(from - start, to - start), from, run.kind, state);
      }
    }
    return target;
  }

  /** All runs from 0 to the disk's end; neighbours of one kind are merged, except that nothing else is. */
  runs(): GuestRun[] {
    const merged: GuestRun[] = [];
    const add = (run: GuestRun): void => {
      const last = merged.at(-1);
      if (last?.kind === run.kind) merged[merged.length - 1] = { ...last, length: last.length + run.length };
      else merged.push(run);
    };
    for (let index = 0; index * this.clusterSize < this.size; index++) {
      this.#runsOf(index, this.states.get(index)).forEach(add);
    }
    return merged;
  }

  #fillRun(target: Uint8Array, start: number, kind: GuestKind, state: ClusterState): void {
    if (kind === 'zeroPlain' || kind === 'zeroAllocated') target.fill(0);
    if (state.kind === 'zeroPlain' || (kind !== 'data' && kind !== 'compressed')) return;
    const inCluster = start % this.clusterSize;
    const cluster = clusterContent(state.content, start - inCluster, this.clusterSize);
    target.set(cluster.subarray(inCluster, inCluster + target.length));
  }

  #runsOf(index: number, state: ClusterState | undefined): GuestRun[] {
    const start = index * this.clusterSize;
    const clamp = (from: number, length: number, kind: GuestKind): GuestRun[] =>
      from >= this.size ? [] : [{ start: from, length: Math.min(length, this.size - from), kind }];
    if (state?.kind !== 'subclusters') return clamp(start, this.clusterSize, state?.kind ?? 'unallocated');
    const length = this.clusterSize / SUBCLUSTERS;
    return Array.from(state.map).flatMap((letter, at) =>
      clamp(start + at * length, length, subclusterKind(letter, state.allocated)),
    );
  }
}

function subclusterKind(letter: string, allocated: boolean): GuestKind {
  switch (letter) {
    case 'D':
      return 'data';
    case 'Z':
      return allocated ? 'zeroAllocated' : 'zeroPlain';
    case '.':
      return allocated ? 'unallocatedSubcluster' : 'unallocated';
    default:
      throw new Error(`subcluster state ${letter}: D, Z or . expected`);
  }
}
