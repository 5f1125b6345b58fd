/**
 * The structures that nothing else may share a cluster with: header, L1 tables, snapshot table, bitmaps' directory and
 * tables, refcount table and blocks. The first one in that order keeps its clusters, another one is moved; refcount
 * structures that are in the way of others are rebuilt (refcounts.ts).
 */
import { hex } from '../../text/hex';
import { ClusterBits } from '../clusterSet';
import type { Structure } from '../findingText';
import { l1TablesOf } from '../check/l1Tables';
import { snapshotTableSize } from '../check/snapshotReferences';
import { entryHex, HIGH, LOW, wordsInPlace } from '../format/bytes';
import { offsetOf } from '../format/entryBits';
import { soundBlockOffset } from '../format/refcount';
import type { Qcow2Image } from '../image/qcow2Image';
import { type ByteLength, clusterOf, hostCluster, hostOffset, type HostOffset, plus } from '../units';
import { repairSnapshotTable, moveSnapshotTable } from './snapshotTable';
import type { RepairWork } from './work';

/**
 * Repairs them, and takes out of the refcount table what cannot stay.
 * @param image as it is before the repair
 * @returns clusters of all structures but L2 tables
 */
export function repairStructures(work: RepairWork, image: Qcow2Image): ClusterBits {
  repairSnapshotTable(work, image);
  const repairer = new StructureRepairer(work, work.open());
  repairer.repair();
  repairer.repairRefcountTable();
  return repairer.taken;
}

class StructureRepairer {
  readonly taken = new ClusterBits();

  constructor(
    readonly work: RepairWork,
    readonly image: Qcow2Image,
  ) {}

  repair(): void {
    const { work, image } = this;
    const { header, extensions, snapshots } = image;
    this.taken.add(hostCluster(0), 1);
    const crypt = extensions.encryptionHeader;
    // Nothing that this program knows could tell where else to look for it.
    if (crypt !== undefined) this.#claim(crypt.offset, crypt.length);
    for (const { offset, size, isActive } of l1TablesOf(image)) {
      // One that the file was cut off in goes where there is room for all of it.
      const isCut = isActive && offset + size * 8 > work.context.original.size;
      if (!isCut && this.#claim(offset, size * 8)) continue;
      const sharers = snapshots.filter((each) => each.l1TableOffset === offset && each.l1Size === size);
      // The field is the first one of an entry.
      const pointers = isActive ? [hostOffset(40)] : sharers.map((each) => each.offset);
      this.#move('L1 table', offset, size * 8, pointers);
    }
    if (snapshots.length > 0 && !this.#claim(header.snapshotsOffset, snapshotTableSize(image))) {
      const moved = moveSnapshotTable(work, image);
      this.#claim(moved.offset, moved.size);
    }
    this.#repairBitmaps();
  }

  /** A table that cannot stay is given up with all its blocks: nothing that it says can be believed. */
  repairRefcountTable(): void {
    const { work, taken } = this;
    const { refcountTableOffset: start, refcountTableClusters, clusterSize } = work.header();
    const size = refcountTableClusters * clusterSize;
    if (!this.#claim(start, size)) {
      const target = work.fresh.take(refcountTableClusters);
      work.setHeader('refcount_table_offset', target);
      taken.add(clusterOf(target, clusterSize), refcountTableClusters);
      const place = { at: hostOffset(48), host: start, structure: 'refcount table' } as const;
      work.log.did('refcountsRebuilt', { ...place, found: hex(start), becomes: hex(target) });
      return;
    }
    const bytes = new Uint8Array(size);
    work.file.read(bytes, start);
    const words = wordsInPlace(bytes);
    for (let index = 0; index * 2 < words.length; index++) {
      const [high, low] = [words[index * 2 + HIGH]!, words[index * 2 + LOW]!];
      if ((high | low) === 0) continue;
      const block = hostOffset(soundBlockOffset(high, low, clusterSize));
      if (block !== 0 && this.#claim(block, clusterSize)) continue;
      const host = offsetOf(high, low);
      const at = plus(start, index * 8);
      work.setEntry(at, 0, 0);
      work.log.did('refcountsRebuilt', { at, host, structure: 'refcount block', found: entryHex(high, low) });
    }
  }

  #repairBitmaps(): void {
    const { image } = this;
    const place = image.extensions.bitmaps;
    if (place === undefined) return;
    for (const { offset, tableOffset, tableSize } of image.bitmaps) {
      // The field is the first one of a directory entry.
      if (!this.#claim(tableOffset, tableSize * 8)) {
        this.#move('bitmap table', tableOffset, tableSize * 8, [offset]);
      }
    }
    if (this.#claim(place.directoryOffset, place.directorySize)) return;
    // As it is by now: tables of its bitmaps may have moved.
    this.#move(
      'bitmap directory',
      place.directoryOffset,
      place.directorySize,
      [plus(place.at, 8 + 16)],
      true,
    );
  }

  /** @returns false where another structure is there, or the file ends before */
  #claim(offset: HostOffset, size: ByteLength): boolean {
    if (size <= 0) return true;
    const { clusterSize, file } = this.work;
    const end = Math.ceil(file.size / 512) * 512;
    const first = clusterOf(offset, clusterSize);
    const last = Math.floor((offset + size - 1) / clusterSize);
    const isBeyond = offset + size - end >= clusterSize;
    let isFree = !isBeyond;
    for (let cluster = first; isFree && cluster <= last; cluster++) isFree = !this.taken.has(cluster);
    if (!isFree) return false;
    this.taken.add(first, last - first + 1);
    return true;
  }

  /** @param pointers offsets of the fields that have the structure's offset */
  #move(
    structure: Structure,
    offset: HostOffset,
    size: ByteLength,
    pointers: readonly HostOffset[],
    takesStaged = false,
  ): void {
    const { work } = this;
    const target = work.fresh.copy(offset, size);
    if (target === undefined) return;
    if (takesStaged) {
      const bytes = new Uint8Array(size);
      work.file.read(bytes, offset);
      work.file.write(bytes, target);
    }
    for (const pointer of pointers) work.setWide(pointer, target);
    const first = clusterOf(target, work.clusterSize);
    this.taken.add(first, Math.ceil(size / work.clusterSize));
    const [at] = pointers;
    const place = at === undefined ? {} : { at };
    work.log.did('structureCopied', {
      ...place,
      host: offset,
      structure,
      found: hex(offset),
      becomes: hex(target),
    });
  }
}
