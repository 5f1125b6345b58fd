/**
 * What each cluster of the image file is used for, one byte a cluster, in pages that are made when something refers
 * into them: a sparse file's length costs nothing. What refers to a cluster is not kept; hostReport.ts looks that up.
 */
import { isShareable } from '../check/claims';
import { pageBitsOf } from '../check/clusterCounts';
import type { DiskRefcounts } from '../check/diskRefcounts';
import { STRUCTURES, type Structure } from '../findingText';
import { RegionReceiver } from '../check/regionReceiver';
import type { L2Table, Place } from '../check/referenceReceiver';
import { UnsupportedError } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import {
  type ByteLength,
  type ClusterCount,
  clusterOf,
  guestOffset,
  type GuestOffset,
  hostCluster,
  type HostCluster,
  hostOffset,
  type HostOffset,
  plus,
} from '../units';

/** Bits of a use: the structure's place in `STRUCTURES`, from 1 on. */
export const STRUCTURE_BITS = 0x0f;
/** Bits for the lowest of the layers that refer to it: 0 for the active disk. */
export const LAYER_BITS = 0x30;
/** Only internal snapshots refer to it. */
export const SNAPSHOT_ONLY = 0x10;
/** Only the active L1 table refers to it, past the disk's end: VM state that an applied snapshot has left there. */
export const VM_STATE_ONLY = 0x20;
/** Two refer to it that exclude one another; the first one is what it counts for. */
export const CONFLICT = 0x40;
/** All uses are below this. */
export const USES = 0x80;

const DATA = STRUCTURES.indexOf('data') + 1;
const COMPRESSED = STRUCTURES.indexOf('compressed data') + 1;
/** By use. */
const IS_SHAREABLE = [false, ...STRUCTURES.map(isShareable)];

/** Bytes of pages: 16 TiB of clusters of 64 KiB, every one of them in use. Their places on the disk take four times that. */
const MAX_BYTES = 2 ** 28;

export class HostUses extends RegionReceiver {
  readonly pageBits: number;
  readonly #pages: (Uint8Array | undefined)[];
  /**
   * Of what layers may share: the place on the disk that uses a cluster first, as the number of the guest's cluster modulo
   * 2^32. Only where there are internal snapshots.
   */
  readonly #guests: (Int32Array | undefined)[] = [];
  readonly #mask: number;
  /** First guest offset of VM state. */
  readonly #vmStart: GuestOffset;
  /** As the check has it, which measures files in sectors. */
  readonly #fileEnd: HostOffset;
  #bytes = 0;
  /** Of data in the table that is walked. */
  #layer = 0;

  /** @param clusters of the file */
  constructor(
    image: Qcow2Image,
    disk: DiskRefcounts,
    readonly clusters: ClusterCount,
  ) {
    super(image, disk);
    this.#fileEnd = hostOffset(Math.ceil(image.file.size / 512) * 512);
    this.pageBits = pageBitsOf(clusters);
    this.#mask = 2 ** this.pageBits - 1;
    const { size, l2Span } = image.header;
    this.#vmStart = guestOffset(Math.ceil(size / l2Span) * l2Span);
    this.#pages = new Array<Uint8Array | undefined>(Math.ceil(clusters / 2 ** this.pageBits)).fill(undefined);
  }

  /** Uses of a page's clusters; undefined where nothing refers. */
  page(index: number): Uint8Array | undefined {
    return this.#pages[index];
  }

  /** 0 where nothing refers to the cluster. */
  of(cluster: HostCluster): number {
    return this.#pages[cluster >>> this.pageBits]?.[cluster & this.#mask] ?? 0;
  }

  override beginTable(table: L2Table): void {
    super.beginTable(table);
    const { activeTimes, times, guest } = table;
    this.#layer = this.#layerOf(activeTimes > 0, times > activeTimes, guest);
  }

  /** @throws UnsupportedError `check.memory` */
  region(structure: Structure, offset: HostOffset, size: ByteLength, _times: number, place: Place): void {
    // What the check does not count, since it leads past the end of the file, is no use of what is before it.
    if (size <= 0 || offset + size - this.#fileEnd >= this.clusterSize) return;
    const { guest = guestOffset(0), snapshot } = place;
    const first = clusterOf(offset, this.clusterSize);
    const end = hostCluster(Math.floor((offset + size - 1) / this.clusterSize) + 1);
    const isGuests = structure === 'data' || structure === 'compressed data';
    const isSnapshots = snapshot !== undefined || structure === 'snapshot table';
    const layer = isGuests ? this.#layer : this.#layerOf(!isSnapshots, isSnapshots, guest);
    this.#mark(first, end, (STRUCTURES.indexOf(structure) + 1) | layer, guest / this.clusterSize);
  }

  run(index: number, count: number, host: HostOffset): void {
    const first = clusterOf(host, this.clusterSize);
    this.#mark(first, plus(first, count), DATA | this.#layer, this.guestOf(index) / this.clusterSize);
  }

  #layerOf(isActive: boolean, isSnapshots: boolean, guest: GuestOffset): number {
    if (isActive && guest < this.#vmStart) return 0;
    return isSnapshots ? SNAPSHOT_ONLY : VM_STATE_ONLY;
  }

  /** @param guest number of the guest's cluster that the first one is for */
  #mark(first: HostCluster, end: HostCluster, use: number, guest: number): void {
    const last = Math.min(end, this.clusters);
    const isShared = IS_SHAREABLE[use & STRUCTURE_BITS] === true;
    for (let cluster = first; cluster < last;) {
      const index = cluster >>> this.pageBits;
      const page = this.#pages[index] ?? this.#touch(index);
      const guests = isShared ? this.#guests[index] : undefined;
      const start = cluster & this.#mask;
      const stop = Math.min(page.length, start + last - cluster);
      const offset = guest + cluster - first - start;
      for (let at = start; at < stop; at++) {
        const before = page[at]!;
        if (before === 0) {
          page[at] = use;
          if (guests !== undefined) guests[at] = offset + at;
        } else {
          page[at] = combined(before, use, guests !== undefined && guests[at] === ((offset + at) | 0));
        }
      }
      cluster = hostCluster(cluster + stop - start);
    }
  }

  #touch(index: number): Uint8Array {
    const size = this.#mask + 1;
    this.#bytes += size;
    if (this.#bytes > MAX_BYTES) {
      throw new UnsupportedError(this.image.file.name, 'check.memory', { limit: MAX_BYTES });
    }
    if (this.image.snapshots.length > 0) this.#guests[index] = new Int32Array(size);
    return (this.#pages[index] = new Uint8Array(size));
  }
}

/**
 * The use of a cluster that has one already. Layers share data and L2 tables of the same place of the disk, compressed
 * clusters share host clusters; the active layer is named rather than a snapshot. Nothing else is shared.
 * @param isSamePlace both are for the same place, in two layers
 */
function combined(before: number, use: number, isSamePlace: boolean): number {
  const structure = use & STRUCTURE_BITS;
  if (structure !== (before & STRUCTURE_BITS)) return before | CONFLICT;
  const conflict = before & CONFLICT;
  const layer = Math.min(before & LAYER_BITS, use & LAYER_BITS);
  return structure | layer | (structure === COMPRESSED || isSamePlace ? conflict : CONFLICT);
}
