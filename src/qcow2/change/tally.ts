/** What a change did, counted: the report afterwards, and the preview when it is done on trial. */
import type { NewBacking } from '../format/backingLayout';
import type { ByteLength, ClusterCount, GuestOffset } from '../units';

/** Guest clusters touched, wholly or partly, and the guest bytes of the request in them. */
export interface Amount {
  readonly clusters: ClusterCount;
  readonly bytes: ByteLength;
}

/** Why explicit zeroes were written. */
export type ExplicitReason =
  /** Version 2 has no zero flag. */
  | 'version2'
  /** The rest of the (sub)cluster is not known to be zero. */
  | 'partialCluster'
  /** Some subclusters of a compressed cluster. */
  | 'compressed';

/** Why something was not discarded. */
export type KeptReason =
  /** Only whole clusters are discarded. */
  | 'partialCluster'
  /** Version 2 cannot hide what its backing file has. */
  | 'version2Backing';

/** What became of guest bytes; each byte of the request is counted once. */
export type Became =
  | 'becameUnallocated'
  | 'becameZero'
  | 'keptAllocation'
  | 'written'
  | 'unchanged'
  | `explicit.${ExplicitReason}`
  | `kept.${KeptReason}`;

/** Plain data. Clusters of the guest are counted in each thing that became of a part of them. */
export interface ChangeTally {
  readonly operation: 'writeZeroes' | 'discard' | 'write' | 'rebase' | 'shrink';
  /** Guest bytes. */
  readonly start: GuestOffset;
  readonly length: ByteLength;
  /** False when nothing at all was written. */
  readonly changed: boolean;

  /** Entry 0: without allocation and without zero flag. */
  readonly becameUnallocated: Amount;
  /** The zero flag alone. */
  readonly becameZero: Amount;
  /** The zero flag, the host cluster kept. */
  readonly keptAllocation: Amount;
  /** Data written. */
  readonly written: Amount;
  /** Zeroes written as data, by reason. */
  readonly writtenExplicitly: Readonly<Record<ExplicitReason, Amount>>;
  readonly unchanged: Amount;
  /** Left alone by a discard, by reason. */
  readonly notDiscarded: Readonly<Record<KeptReason, Amount>>;

  /** Clusters of the image file that became free, metadata among them. */
  readonly freedClusters: ClusterCount;
  readonly freedBytes: ByteLength;
  /** Clusters of the image file that were free before, metadata among them. */
  readonly allocatedClusters: ClusterCount;
  readonly allocatedBytes: ByteLength;
  readonly l2TablesGivenUp: number;
  readonly l2TablesAllocated: number;
  /** Shared with a snapshot before. */
  readonly l2TablesCopied: number;
  readonly refcountBlocksAdded: number;
  readonly refcountTableMoved: boolean;
  /** Names of the dirty bitmaps in which the range was marked. */
  readonly bitmapsMarked: readonly string[];
  /** Unknown autoclear feature bits, which this change cleared; ascending. */
  readonly autoclearBitsCleared: readonly number[];
  /** Bytes of a raw external data file that were zeroed beside the entries. */
  readonly rawBytesZeroed: ByteLength;
  /** Of a rebase. */
  readonly rebased?: Rebased;
}

/** Another backing file in the header. */
export interface Rebased {
  readonly before?: NewBacking;
  readonly after?: NewBacking;
  /** Unallocated in the image: read from the new backing file from then on. */
  readonly showsThrough: Amount;
}

/** Counts while a change is made. */
export class TallyCounter {
  readonly #amounts = new Map<Became, { clusters: ClusterCount; bytes: ByteLength }>();
  l2TablesGivenUp = 0;
  l2TablesAllocated = 0;
  l2TablesCopied = 0;
  refcountBlocksAdded = 0;
  refcountTableMoved = false;
  rawBytesZeroed = 0;
  readonly bitmapsMarked: string[] = [];
  autoclearBitsCleared: readonly number[] = [];

  add(became: Became, clusters: ClusterCount, bytes: ByteLength): void {
    const amount = this.#amounts.get(became);
    if (amount === undefined) this.#amounts.set(became, { clusters, bytes });
    else {
      amount.clusters += clusters;
      amount.bytes += bytes;
    }
  }

  /** @param facts what only the caller knows */
  finish(
    facts: Pick<
      ChangeTally,
      'operation' | 'start' | 'length' | 'changed' | 'freedClusters' | 'allocatedClusters'
    >,
    clusterSize: ByteLength,
  ): ChangeTally {
    const amount = (became: Became): Amount => this.#amounts.get(became) ?? { clusters: 0, bytes: 0 };
    return {
      ...facts,
      becameUnallocated: amount('becameUnallocated'),
      becameZero: amount('becameZero'),
      keptAllocation: amount('keptAllocation'),
      written: amount('written'),
      writtenExplicitly: {
        version2: amount('explicit.version2'),
        partialCluster: amount('explicit.partialCluster'),
        compressed: amount('explicit.compressed'),
      },
      unchanged: amount('unchanged'),
      notDiscarded: {
        partialCluster: amount('kept.partialCluster'),
        version2Backing: amount('kept.version2Backing'),
      },
      freedBytes: facts.freedClusters * clusterSize,
      allocatedBytes: facts.allocatedClusters * clusterSize,
      l2TablesGivenUp: this.l2TablesGivenUp,
      l2TablesAllocated: this.l2TablesAllocated,
      l2TablesCopied: this.l2TablesCopied,
      refcountBlocksAdded: this.refcountBlocksAdded,
      refcountTableMoved: this.refcountTableMoved,
      bitmapsMarked: this.bitmapsMarked,
      autoclearBitsCleared: this.autoclearBitsCleared,
      rawBytesZeroed: this.rawBytesZeroed,
    };
  }
}
