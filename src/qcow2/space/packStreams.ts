/**
 * Finds places for streams of compressed clusters, sector by sector: neighbours that share a sector stay together where
 * there is room, and what has unused sectors between it moves up.
 */
import { type ByteLength, type ClusterCount, hostCluster, type HostCluster } from '../units';
import type { FreeRuns } from './freeRuns';
import type { StreamEntry } from './streams';

export const SECTOR = 512;

/** Sectors that are copied, counted from the start of the file. */
export interface SectorMove {
  readonly source: number;
  readonly target: number;
  count: number;
}

export interface PackedStreams {
  /** In the order of the entries that were packed. */
  readonly entries: readonly StreamEntry[];
  /** For each of them, bytes from where its stream is to where it goes. */
  readonly shifts: readonly number[];
  readonly moves: readonly SectorMove[];
  /** Clusters that are written to. */
  readonly clusters: readonly { readonly first: HostCluster; readonly count: ClusterCount }[];
}

/** Free clusters in a row that are being filled. */
interface Window {
  readonly first: HostCluster;
  readonly count: ClusterCount;
  /** First sector that is not used, from the start of the file. */
  next: number;
  readonly end: number;
}

/** How many references a cluster may have, and how long it is. */
export interface PackRules {
  readonly clusterSize: ByteLength;
  readonly maxRefcount: number;
}

/**
 * @param entries sorted by the places of their streams
 * @param free what is used of it is taken
 * @returns undefined where there is not enough room; nothing is taken then
 */
export function packStreams(
  entries: readonly StreamEntry[],
  free: FreeRuns,
  rules: PackRules,
): PackedStreams | undefined {
  const packer = new Packer(free, rules);
  const isPacked = entries.every((entry) => packer.add(entry));
  return isPacked ? packer.finish(entries) : undefined;
}

class Packer {
  readonly #shifts: number[] = [];
  readonly #moves: SectorMove[] = [];
  readonly #windows: Window[] = [];
  readonly #references = new Map<number, number>();
  readonly #perCluster: number;
  /** Runs that are left, the longest one first. */
  #runs: { readonly first: HostCluster; readonly count: ClusterCount }[] | undefined;

  constructor(
    readonly free: FreeRuns,
    readonly rules: PackRules,
  ) {
    this.#perCluster = rules.clusterSize / SECTOR;
  }

  add(entry: StreamEntry): boolean {
    const first = Math.floor(entry.offset / SECTOR);
    const end = Math.ceil((entry.offset + entry.size) / SECTOR);
    return this.#continue(entry, first, end) || this.#begin(entry, first, end);
  }

  finish(entries: readonly StreamEntry[]): PackedStreams {
    const clusters = this.#windows
      .filter(({ first, next }) => next > first * this.#perCluster)
      .map(({ first, next }) => ({ first, count: Math.ceil(next / this.#perCluster) - first }));
    for (const { first, count } of clusters) this.free.take(first, count);
    return { entries, shifts: this.#shifts, moves: this.#moves, clusters };
  }

  /** Where a stream begins within what was placed last, it keeps its distance. */
  #continue(entry: StreamEntry, first: number, end: number): boolean {
    const [move, window] = [this.#moves.at(-1), this.#windows.at(-1)];
    if (move === undefined || window === undefined || first >= move.source + move.count) return false;
    const target = move.target + first - move.source;
    const targetEnd = target + end - first;
    if (targetEnd > window.end || !this.#refer(entry, target, targetEnd)) return false;
    const added = targetEnd - window.next;
    if (added > 0) {
      move.count += added;
      window.next = targetEnd;
    }
    this.#shifts.push((move.target - move.source) * SECTOR);
    return true;
  }

  #begin(entry: StreamEntry, first: number, end: number): boolean {
    const count = end - first;
    for (;;) {
      const window = this.#windows.at(-1) ?? this.#open();
      if (window === undefined) return false;
      const target = this.#placeIn(window, entry, count);
      if (target !== undefined) {
        window.next = target + count;
        this.#moves.push({ source: first, target, count });
        this.#shifts.push((target - first) * SECTOR);
        return true;
      }
      if (this.#open() === undefined) return false;
    }
  }

  /** The next sector, or the next cluster where no more may refer to this one. */
  #placeIn(window: Window, entry: StreamEntry, count: number): number | undefined {
    const nextCluster = Math.ceil(window.next / this.#perCluster) * this.#perCluster;
    return [window.next, nextCluster].find(
      (target) => target + count <= window.end && this.#refer(entry, target, target + count),
    );
  }

  /** Counts the references of an entry's stream to the clusters of its sectors, unless one would have too many. */
  #refer({ times }: StreamEntry, from: number, to: number): boolean {
    const first = Math.floor(from / this.#perCluster);
    const end = Math.ceil(to / this.#perCluster);
    for (let cluster = first; cluster < end; cluster++) {
      if ((this.#references.get(cluster) ?? 0) + times > this.rules.maxRefcount) return false;
    }
    for (let cluster = first; cluster < end; cluster++) {
      this.#references.set(cluster, (this.#references.get(cluster) ?? 0) + times);
    }
    return true;
  }

  #open(): Window | undefined {
    this.#runs ??= this.#freeRuns();
    const run = this.#runs.shift();
    if (run === undefined) return undefined;
    const { first, count } = run;
    const next = first * this.#perCluster;
    const window = { first, count, next, end: next + count * this.#perCluster };
    this.#windows.push(window);
    return window;
  }

  /** The longest ones: of short ones there may be millions. */
  #freeRuns(): { readonly first: HostCluster; readonly count: ClusterCount }[] {
    const runs: { readonly first: HostCluster; readonly count: ClusterCount }[] = [];
    const trim = (): void => {
      runs.sort((one, other) => other.count - one.count || one.first - other.first);
      runs.length = Math.min(runs.length, MOST_RUNS);
    };
    this.free.forEachRun(hostCluster(0), this.free.end, (first, count) => {
      runs.push({ first, count });
      if (runs.length >= 2 * MOST_RUNS) trim();
      return true;
    });
    trim();
    return runs;
  }
}

const MOST_RUNS = 4096;
