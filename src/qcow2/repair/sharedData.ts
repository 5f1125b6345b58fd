/**
 * Data in clusters that something else uses, too: a structure, an L2 table, a bitmap, or another place of the disk. It is
 * copied to a cluster of its own, and reads as before. Snapshots share the data of a place with one another and with the
 * active layer, compressed clusters share host clusters: that is as it should be.
 *
 * Looked for only where refcounts are too low for what refers to a cluster, or a structure is concerned: two guest
 * clusters on one cluster with a refcount of two are safe, since a program that writes one of them copies it first.
 */
import { hex } from '../../text/hex';
import { ClusterBits } from '../clusterSet';
import type { CountedImage } from '../check/checkImage';
import type { Place } from '../check/referenceReceiver';
import { TableReceiver } from '../check/tableReceiver';
import { dataView } from '../format/bytes';
import { compressedClusters, compressedRegion, withCompressedOffset } from '../format/compressedDescriptor';
import { COPIED_HIGH, offsetOf, withOffset } from '../format/entryBits';
import { EntryKind, entryKind, hasHostCluster, showsHostCluster } from '../format/l2Kind';
import type { Qcow2Image } from '../image/qcow2Image';
import { type GuestOffset, hostCluster, type HostCluster, type HostOffset, plus, startOf } from '../units';
import { withoutHost, type EntryWords } from './repairEntry';
import type { RepairWork } from './work';

/** Entries that are looked at; of more, the refcounts are raised, which makes them safe as well. */
const MAX_CANDIDATES = 200_000;

/**
 * @param taken clusters of structures
 * @param counted as the image is by now
 */
export function separateSharedData(work: RepairWork, taken: ClusterBits, counted: CountedImage): void {
  if (counted.image.hasDataFile || !work.canMoveData) return;
  const isTable = (cluster: HostCluster): boolean => counted.references.allTables.of(cluster) > 0;
  const isStructure = (cluster: HostCluster): boolean => taken.has(cluster) || isTable(cluster);
  const suspects = suspectClusters(counted, taken);
  if (suspects.count === 0) return;
  const collector = new Collector(counted.image, suspects);
  counted.references.rewind();
  counted.references.forEach(collector);
  new Separator(work, counted, isStructure, collector.candidates).run();
}

function suspectClusters(
  { counter, disk, references, findings }: CountedImage,
  taken: ClusterBits,
): ClusterBits {
  const suspects = new ClusterBits();
  const { counts, image } = counter;
  counts.forEachCounted(2, (cluster, count) => {
    const tables = references.allTables.of(cluster);
    const refcount = disk.of(cluster);
    const isSuspect =
      taken.has(cluster) || (tables > 0 && count > tables) || refcount === undefined || refcount < count;
    if (isSuspect) suspects.add(cluster);
  });
  for (const { kind, host = 0 } of findings.kept) {
    if (kind === 'refcountOverflow') suspects.add(hostCluster(host / image.header.clusterSize));
  }
  return suspects;
}

/** An entry that leads to a suspect. */
interface Candidate extends Place {
  readonly at: HostOffset;
  readonly guest: GuestOffset;
  /** The clusters it leads to. */
  readonly first: HostCluster;
  readonly count: number;
  readonly isCompressed: boolean;
  /** L1 entries that name its table: so often it refers to them. */
  readonly times: number;
}

class Collector extends TableReceiver {
  readonly candidates: Candidate[] = [];

  constructor(
    image: Qcow2Image,
    readonly suspects: ClusterBits,
  ) {
    super(image);
  }

  run(index: number, count: number, host: HostOffset): void {
    const first = host / this.clusterSize;
    for (let done = 0; done < count; done++) {
      if (this.suspects.has(hostCluster(first + done)))
        this.#add(index + done, hostCluster(first + done), 1, false);
    }
  }

  single(index: number, high: number, low: number): void {
    const { rules } = this.image.tables;
    const kind = entryKind(rules, high, low);
    if (hasHostCluster(kind)) {
      this.run(index, 1, offsetOf(high, low));
    } else if (kind === EntryKind.compressed) {
      const { first, count } = compressedClusters(high, low, rules.clusterBits);
      for (let cluster = first; cluster < first + count; cluster++) {
        if (!this.suspects.has(cluster)) continue;
        this.#add(index, first, count, true);
        return;
      }
    }
  }

  #add(index: number, first: HostCluster, count: number, isCompressed: boolean): void {
    if (this.candidates.length >= MAX_CANDIDATES) return;
    const { times } = this.table;
    this.candidates.push({ ...this.place(index), first, count, isCompressed, times });
  }
}

class Separator {
  readonly #compressed = new ClusterBits();
  /** Guest offset of the first entry that leads to a cluster as data, which keeps it. */
  readonly #owners = new Map<number, number>();
  /** References that stay, by cluster. */
  readonly #kept = new Map<number, number>();

  constructor(
    readonly work: RepairWork,
    readonly counted: CountedImage,
    readonly isStructure: (cluster: HostCluster) => boolean,
    readonly candidates: readonly Candidate[],
  ) {
    for (const { isCompressed, first, count } of candidates) {
      if (isCompressed) this.#compressed.add(first, count);
    }
  }

  run(): void {
    for (const candidate of this.candidates) {
      this.work.progress.checkCancelled();
      if (!this.#mustMove(candidate)) continue;
      if (candidate.isCompressed) this.#moveCompressed(candidate);
      else this.#moveData(candidate);
    }
  }

  #mustMove(candidate: Candidate): boolean {
    const { first, count, times } = candidate;
    for (let cluster = first; cluster < first + count; cluster++) {
      if (this.isStructure(cluster)) return true;
    }
    if (this.#isForeign(candidate)) return true;
    // More than a refcount can say.
    const { largest } = this.counted.counter.counts;
    for (let cluster = first; cluster < first + count; cluster++) {
      const kept = this.#kept.get(cluster) ?? 0;
      if (kept > 0 && kept + times > largest) return true;
    }
    for (let cluster = first; cluster < first + count; cluster++) {
      this.#kept.set(cluster, (this.#kept.get(cluster) ?? 0) + times);
    }
    return false;
  }

  /** Whether the cluster is compressed clusters', or that of another place of the disk: layers share no more than one. */
  #isForeign({ first, isCompressed, guest }: Candidate): boolean {
    if (isCompressed) return false;
    if (this.#compressed.has(first)) return true;
    const owner = this.#owners.get(first) ?? guest;
    this.#owners.set(first, owner);
    return owner !== guest;
  }

  #moveData(candidate: Candidate): void {
    const { work } = this;
    const { at, first } = candidate;
    const { rules } = this.counted.image.tables;
    const words = this.#wordsAt(at);
    const host = startOf(first, work.clusterSize);
    if (!showsHostCluster(rules, words.low, words.allocated)) {
      const bare = withoutHost(rules, words);
      work.setEntry(at, bare.high, bare.low);
      if (rules.extendedL2) work.setEntry(plus(at, 8), bare.zeroes, 0);
      work.log.did('entryZeroed', { ...placeOf(candidate), host, structure: 'data' });
      return;
    }
    const target = work.fresh.copy(host, work.clusterSize);
    if (target === undefined) return;
    const { high, low } = withOffset(COPIED_HIGH, words.low, target);
    work.setEntry(at, high, low);
    work.log.did('dataCopied', {
      ...placeOf(candidate),
      host,
      structure: 'data',
      found: hex(host),
      becomes: hex(target),
    });
  }

  #moveCompressed(candidate: Candidate): void {
    const { work } = this;
    const { clusterBits } = this.counted.image.header;
    const { high, low } = this.#wordsAt(candidate.at);
    const { offset, size } = compressedRegion(high, low, clusterBits);
    const target = work.fresh.copy(offset, size);
    if (target === undefined) return;
    work.setEntry(candidate.at, withCompressedOffset(high, clusterBits, target), target % 2 ** 32);
    const facts = {
      host: offset,
      structure: 'compressed data',
      found: hex(offset),
      becomes: hex(target),
    } as const;
    work.log.did('dataCopied', { ...placeOf(candidate), ...facts });
  }

  #wordsAt(at: HostOffset): EntryWords {
    const bytes = new Uint8Array(16);
    this.work.file.read(bytes, at);
    const view = dataView(bytes);
    const isExtended = this.counted.image.header.l2EntrySize === 16;
    return {
      high: view.getUint32(0),
      low: view.getUint32(4),
      zeroes: isExtended ? view.getUint32(8) : 0,
      allocated: isExtended ? view.getUint32(12) : 0,
    };
  }
}

const placeOf = ({ at, guest, snapshot }: Candidate): Place => ({
  at,
  guest,
  ...(snapshot === undefined ? {} : { snapshot }),
});
