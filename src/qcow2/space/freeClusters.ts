/**
 * The host clusters that nothing uses: those that nothing refers to and whose refcount is 0 (qcow2.txt, "Host cluster
 * management"). Both are looked at, as the check has counted them: a leaked cluster is not free, nor is one that is
 * referred to although its refcount says otherwise.
 */
import { reportOn, countImage, type CountedImage } from '../check/checkImage';
import { isSound } from '../check/checkReport';
import { FormatError } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import { type Progress, quietOf } from '../progress';
import { type ClusterCount, hostCluster, type HostCluster, hostOffset, type HostOffset } from '../units';

/** Return `false` to stop. @param first cluster of a stretch of `count` that is as long as it can be */
export type FreeRunVisitor = (first: HostCluster, count: ClusterCount) => boolean | undefined;

export class FreeClusters {
  /** First cluster behind all that are in use: what comes from there on can be cut off. */
  readonly end: HostCluster;
  readonly #counted: CountedImage;

  /**
   * Checks an image in full, and keeps what was counted: a byte for each cluster in use.
   * @throws FormatError `guard.corrupt`, `guard.dirty`, and `guard.unsound` where the check finds anything but leaks;
   *   UnsupportedError, FileError, CancelledError
   */
  static of(image: Qcow2Image, progress: Progress): FreeClusters {
    return new FreeClusters(countSound(image, progress).counted);
  }

  private constructor(counted: CountedImage) {
    this.#counted = counted;
    let end = hostCluster(counted.clusters);
    this.forEachRun((first, count) => {
      if (first + count === counted.clusters) end = first;
    });
    this.end = end;
  }

  /** Visits the free clusters of the file, ascending. */
  forEachRun(visit: FreeRunVisitor): void {
    const { clusters, counter, disk } = this.#counted;
    const size = 2 ** disk.pageBits;
    let start = 0;
    let isFree = false;
    for (let index = 0; index * size < clusters; index++) {
      const base = index * size;
      const refcounts = disk.page(index);
      const references = counter.counts.page(index);
      const end = hostOffset(Math.min(size, clusters - base));
      for (let at = 0; at < end;) {
        // Most stretches are long: the next change is looked for in words.
        if (isFree) {
          at = firstUsed(refcounts, references, at, end);
          if (at === end) break;
          if (visit(hostCluster(start), base + at - start) === false) return;
          isFree = false;
        } else {
          at = firstFree(refcounts, references, at, end);
          if (at === end) break;
          start = base + at;
          isFree = true;
        }
      }
    }
    if (isFree) visit(hostCluster(start), clusters - start);
  }
}

/** An image that the check has found sound, and how many clusters of it are leaked. */
export interface SoundImage {
  readonly counted: CountedImage;
  readonly leaks: ClusterCount;
}

/**
 * Checks an image in full.
 * @throws FormatError `guard.corrupt`, `guard.dirty`, and `guard.unsound` where the check finds anything but leaks;
 *   UnsupportedError, FileError, CancelledError
 */
export function countSound(image: Qcow2Image, progress: Progress): SoundImage {
  const { name } = image.file;
  if (image.features.corrupt) throw new FormatError(name, 'guard.corrupt');
  if (image.features.dirty) throw new FormatError(name, 'guard.dirty');
  const quiet = quietOf(progress);
  const counted = countImage(image, quiet);
  const report = reportOn(counted, quiet);
  if (!isSound(report)) {
    const worst = report.findings.find(({ severity }) => severity !== 'leak');
    const value = report.corruptions + report.checkErrors + report.defects;
    throw new FormatError(name, 'guard.unsound', { value, offset: worst?.at ?? worst?.host ?? 0 });
  }
  return { counted, leaks: report.leaks };
}

/** The first cluster of a page, from `at` on, that has a refcount or is referred to; `end` where none has. */
function firstUsed(
  refcounts: Uint8Array,
  references: Uint8Array | undefined,
  at: number,
  end: HostOffset,
): number {
  const isUsed = (index: number): boolean => (refcounts[index]! | (references?.[index] ?? 0)) !== 0;
  let index = at;
  // Short runs are many where there are any.
  for (const near = Math.min(end, (at + 8) & ~3); index < near; index++) if (isUsed(index)) return index;
  if (index + 4 <= end) {
    const left = wordsOf(refcounts);
    const right = references && wordsOf(references);
    while (index + 4 <= end && (left[index / 4]! | (right?.[index / 4] ?? 0)) === 0) index += 4;
  }
  while (index < end && !isUsed(index)) index++;
  return index;
}

/** The first one that has no refcount and is not referred to; `end` where all are in use. */
function firstFree(
  refcounts: Uint8Array,
  references: Uint8Array | undefined,
  at: number,
  end: HostOffset,
): number {
  for (let index = at; index < end; index++) {
    index = refcounts.indexOf(0, index);
    if (index < 0 || index >= end) return end;
    if ((references?.[index] ?? 0) === 0) return index;
  }
  return end;
}

/** Pages begin at multiples of four bytes, and have whole words. */
const wordsOf = (page: Uint8Array): Uint32Array =>
  new Uint32Array(page.buffer, page.byteOffset, page.byteLength / 4);
