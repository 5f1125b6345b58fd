/** What a repair does and what it cannot keep, as data; repairText.ts has the words. */
import type { Structure, FindingKind } from './findingText';
import type { RepairActionKind } from './repairText';
import type { ByteLength, ClusterCount, GuestOffset, HostOffset } from './units';

/** One of the places; offsets are bytes. */
export interface RepairExample {
  /** Of the entry that changes: bytes from the start of the image file. */
  readonly at?: HostOffset;
  /** Of the cluster concerned: bytes from the start of the image file. */
  readonly host?: HostOffset;
  /** Clusters from `host` on; one unless told. */
  readonly clusters?: ClusterCount;
  readonly guest?: GuestOffset;
  /** Place in the snapshot table; absent for the active layer. */
  readonly snapshot?: number;
  readonly structure?: Structure;
  /** A number (a refcount, a size), or an offset or a raw entry as `0x…`. */
  readonly found?: number | string;
  readonly becomes?: number | string;
  /** Of the cluster that an entry with a wrong COPIED flag leads to. */
  readonly refcount?: number;
}

export interface RepairAction {
  readonly kind: RepairActionKind;
  /** How often: clusters for refcounts, entries otherwise. */
  readonly count: number;
  /** The first ones. */
  readonly examples: readonly RepairExample[];
}

/** Guest bytes that read differently after the repair, or that could not be read before. */
export interface RepairLoss {
  /** First byte. */
  readonly guest: GuestOffset;
  /** Bytes. */
  readonly length: ByteLength;
  /** The snapshot in which it is so, by its place in the snapshot table; absent for the active layer. */
  readonly snapshot?: number;
  /** The finding behind it. */
  readonly why: FindingKind;
  /** False where reading them was an error. */
  readonly wasReadable: boolean;
  /** What they read as now. */
  readonly reads: 'zeroes' | 'backing';
}
