/**
 * L1 and L2 tables of a test image's disks (the active one and those of its snapshots) and the host clusters behind
 * them. Equal L2 tables are shared, as QEMU shares them after taking a snapshot.
 */
import { clusterContent } from './content';
import { compressCluster } from './compression';
import type { ImageDescription } from './description';
import { type ClusterState, type ClusterStates, SUBCLUSTERS } from './guestState';
import { type Region, region } from './hostFile';
import { compressedEntry, COPIED, entryTable, subclusterBitmap, ZERO_FLAG } from './tables';

/** One L2 table. */
interface L2Group {
  readonly l1Index: number;
  /** By entry index within the table. */
  readonly states: ReadonlyMap<number, ClusterState>;
  readonly table: Region;
  /** Whether the active L1 table refers to it. */
  isActive: boolean;
  /** L1 tables that refer to it. */
  references: number;
}

/** A compressed cluster's place: `at` bytes from the start of a run of host clusters. */
interface Stream {
  readonly run: Region;
  readonly at: number;
  readonly length: number;
}

type HostState = Exclude<ClusterState, { kind: 'zeroPlain' }>;

/** How often a stretch of host clusters is referred to. */
export interface Reference {
  /** First host cluster and how many. */
  readonly first: number;
  readonly clusters: number;
  readonly references: number;
}

export class GuestTables {
  /** L1 tables: the active one, then one for each snapshot. */
  readonly l1Tables: readonly Region[];
  /** Regions of the image file: L1 and L2 tables, compressed runs and, without a data file, data. */
  readonly regions: Region[] = [];
  /** Data clusters in the external data file. */
  readonly dataFileRegions: Region[] = [];
  readonly l1Entries: number;
  readonly l2Entries: number;
  readonly l2EntrySize: number;

  readonly #image: ImageDescription;
  readonly #clusterSize: number;
  readonly #groups = new Map<string, L2Group>();
  readonly #activeTree: ReadonlyMap<number, L2Group>;
  readonly #hosts = new Map<ClusterState, Region>();
  readonly #streams = new Map<ClusterState, Stream>();
  /** L1 tables through which a state is reached. */
  readonly #references = new Map<ClusterState, number>();
  readonly #numbers = new Map<ClusterState, number>();

  constructor(image: ImageDescription) {
    this.#image = image;
    this.#clusterSize = 2 ** image.clusterBits;
    this.l2EntrySize = image.extendedL2 ? 16 : 8;
    this.l2Entries = this.#clusterSize / this.l2EntrySize;
    this.l1Entries = Math.ceil(image.size / (this.#clusterSize * this.l2Entries));
    const disks = [image.active, ...image.snapshots.map((snapshot) => snapshot.states)];
    const trees = disks.map((states, index) => this.#tree(states, index === 0));
    this.#activeTree = trees[0]!;
    const l1Clusters = Math.ceil((this.l1Entries * 8) / this.#clusterSize);
    this.l1Tables = trees.map((tree, index) =>
      this.#declare(region(l1Clusters, () => this.#l1Table(tree, index === 0))),
    );
    for (const group of this.#groups.values()) this.#declare(group.table);
    this.#declareHostClusters();
  }

  /** Host offset of each active L2 table, by L1 index. */
  l2Offsets(): Map<number, number> {
    return new Map([...this.#activeTree].map(([index, group]) => [index, this.#offset(group.table)]));
  }

  /** Host offset of each active guest cluster that has one, in its data file; of the stream, if compressed. */
  hostOffsets(): Map<number, number> {
    const offsets = new Map<number, number>();
    for (const [cluster, state] of this.#image.active) {
      const host = this.#hosts.get(state);
      const stream = this.#streams.get(state);
      if (host !== undefined) offsets.set(cluster, this.#offset(host));
      if (stream !== undefined) offsets.set(cluster, this.#offset(stream.run) + stream.at);
    }
    return offsets;
  }

  /** All references to clusters of the image file, counted as `qemu-img check` counts them. */
  references(): Reference[] {
    const list: Reference[] = this.l1Tables.map(({ first, clusters }) => ({
      first,
      clusters,
      references: 1,
    }));
    for (const { table, references } of this.#groups.values()) {
      list.push({ first: table.first, clusters: 1, references });
    }
    if (this.#image.dataFile === undefined) {
      for (const [state, { first }] of this.#hosts) {
        list.push({ first, clusters: 1, references: this.#referencesTo(state) });
      }
    }
    for (const [state, { run, at, length }] of this.#streams) {
      const touched = touchedClusters(at, length, this.#clusterSize);
      list.push({
        first: run.first + touched[0]!,
        clusters: touched.length,
        references: this.#referencesTo(state),
      });
    }
    return list;
  }

  #declare(declared: Region): Region {
    this.regions.push(declared);
    return declared;
  }

  #offset(declared: Region): number {
    return declared.first * this.#clusterSize;
  }

  #referencesTo(state: ClusterState): number {
    return this.#references.get(state) ?? 0;
  }

  #tree(states: ClusterStates, isActive: boolean): Map<number, L2Group> {
    const byL1 = new Map<number, Map<number, ClusterState>>();
    for (const [cluster, state] of states) {
      if (cluster < 0 || cluster * this.#clusterSize >= this.#image.size) {
        throw new Error(`guest cluster ${cluster} lies outside of the disk`);
      }
      const l1Index = Math.floor(cluster / this.l2Entries);
      const group = byL1.get(l1Index) ?? new Map<number, ClusterState>();
      byL1.set(l1Index, group.set(cluster % this.l2Entries, state));
    }
    return new Map([...byL1].map(([l1Index, group]) => [l1Index, this.#group(l1Index, group, isActive)]));
  }

  #group(l1Index: number, states: ReadonlyMap<number, ClusterState>, isActive: boolean): L2Group {
    const ascending = [...states].sort(([a], [b]) => a - b);
    const key = `${l1Index}:${ascending.map(([index, state]) => `${index}=${this.#number(state)}`).join()}`;
    const group: L2Group = this.#groups.get(key) ?? {
      l1Index,
      states,
      table: region(1, () => this.#l2Table(group)),
      isActive,
      references: 0,
    };
    this.#groups.set(key, group);
    group.references++;
    for (const state of states.values()) this.#references.set(state, this.#referencesTo(state) + 1);
    return group;
  }

  #number(state: ClusterState): number {
    const number = this.#numbers.get(state) ?? this.#numbers.size;
    this.#numbers.set(state, number);
    return number;
  }

  #declareHostClusters(): void {
    const streams = new Map<ClusterState, Uint8Array>();
    for (const group of this.#groups.values()) {
      for (const [index, state] of group.states) {
        const cluster = group.l1Index * this.l2Entries + index;
        if (state.kind === 'compressed' && !streams.has(state)) {
          streams.set(state, compressCluster(this.#content(state, cluster), this.#image.compression));
        } else if (hasHostCluster(state) && !this.#hosts.has(state)) this.#declareHost(state, cluster);
      }
    }
    this.#packStreams(streams);
  }

  #content(state: HostState, cluster: number): Uint8Array {
    return clusterContent(state.content, cluster * this.#clusterSize, this.#clusterSize);
  }

  #declareHost(state: HostState, cluster: number): void {
    const declared = region(1, () => this.#content(state, cluster));
    this.#hosts.set(state, declared);
    if (this.#image.dataFile === undefined) this.#declare(declared);
    else {
      this.dataFileRegions.push(declared);
      if (!this.#image.dataFile.scattered) declared.first = cluster;
    }
  }

  /** Places compressed streams end to end, as far as the refcount width allows them to share a host cluster. */
  #packStreams(streams: ReadonlyMap<ClusterState, Uint8Array>): void {
    const highest = 2 ** (2 ** this.#image.refcountOrder) - 1;
    let run = new Map<ClusterState, Uint8Array>();
    /** References to the run's last cluster, and bytes of the run. */
    let lastReferences = 0;
    let length = 0;
    for (const [state, bytes] of streams) {
      const references = this.#referencesTo(state);
      const shares = length % this.#clusterSize !== 0;
      const fits = !shares || lastReferences + references <= highest;
      if (run.size > 0 && !(fits && this.#image.packsCompressed && run.size < 64)) {
        this.#declareRun(run);
        run = new Map();
        lastReferences = 0;
        length = 0;
      }
      const staysInLast = shares && (length % this.#clusterSize) + bytes.length <= this.#clusterSize;
      lastReferences = staysInLast ? lastReferences + references : references;
      run.set(state, bytes);
      length += bytes.length;
    }
    if (run.size > 0) this.#declareRun(run);
  }

  #declareRun(streams: ReadonlyMap<ClusterState, Uint8Array>): void {
    const bytes = Buffer.concat([...streams.values()]);
    const run = this.#declare(region(Math.ceil(bytes.length / this.#clusterSize), () => bytes));
    let at = 0;
    for (const [state, { length }] of streams) {
      this.#streams.set(state, { run, at, length });
      at += length;
    }
  }

  #l1Table(tree: ReadonlyMap<number, L2Group>, isActive: boolean): Buffer {
    const entries = new Array<bigint>(this.l1Entries).fill(0n);
    for (const [index, group] of tree) {
      const copied = isActive && group.references === 1 ? COPIED : 0n;
      entries[index] = BigInt(this.#offset(group.table)) | copied;
    }
    return entryTable(entries);
  }

  #l2Table(group: L2Group): Buffer {
    const table = Buffer.alloc(this.#clusterSize);
    for (const [index, state] of group.states) {
      table.writeBigUInt64BE(this.#l2Entry(state, group.isActive), index * this.l2EntrySize);
      if (this.#image.extendedL2) table.writeBigUInt64BE(extendedBitmap(state), index * 16 + 8);
    }
    return table;
  }

  #l2Entry(state: ClusterState, isActive: boolean): bigint {
    const stream = this.#streams.get(state);
    if (stream !== undefined) {
      const offset = this.#offset(stream.run) + stream.at;
      return compressedEntry(offset, stream.length, this.#image.clusterBits);
    }
    const readsAsZero = state.kind === 'zeroPlain' || state.kind === 'zeroAllocated';
    const zero = readsAsZero && !this.#image.extendedL2 ? ZERO_FLAG : 0n;
    const host = this.#hosts.get(state);
    if (host === undefined) return zero;
    // Clusters of an external data file have an implied refcount of one.
    const isSole = this.#image.dataFile !== undefined || this.#referencesTo(state) === 1;
    return BigInt(this.#offset(host)) | (isActive && isSole ? COPIED : 0n) | zero;
  }
}

function hasHostCluster(state: ClusterState): state is HostState {
  if (state.kind === 'subclusters') return state.allocated;
  return state.kind === 'data' || state.kind === 'zeroAllocated';
}

function extendedBitmap(state: ClusterState): bigint {
  switch (state.kind) {
    case 'data':
      return subclusterBitmap('D'.repeat(SUBCLUSTERS));
    case 'zeroPlain':
    case 'zeroAllocated':
      return subclusterBitmap('Z'.repeat(SUBCLUSTERS));
    case 'subclusters':
      return subclusterBitmap(state.map);
    case 'compressed':
      return 0n;
  }
}

/** Host clusters, counted from the start of a run, that `length` bytes from `at` touch. */
function touchedClusters(at: number, length: number, clusterSize: number): number[] {
  const first = Math.floor(at / clusterSize);
  const last = Math.floor((at + length - 1) / clusterSize);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
