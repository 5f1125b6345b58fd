/** Whether parts of an image that were there once are missing: a download or a copy of its file was cut off. */
import type { Qcow2Image } from '../image/qcow2Image';
import type { CheckReport } from './checkImage';
import type { DiskRefcounts } from './diskRefcounts';
import type { Structure } from './findings';

/** Made again by a repair: nothing is missing with them. */
const REFCOUNT_STRUCTURES: ReadonlySet<Structure | undefined> = new Set(['refcount table', 'refcount block']);

/**
 * An entry that leads past the end of the file, to a cluster in use as far as its refcount can be told: a whole copy of the
 * file would bring it back. Without a refcount there was never anything, and the entry is broken.
 * @param disk refcounts as the image has them
 * @throws FileError
 */
export function isPartMissing(
  { file, header }: Qcow2Image,
  { findings }: CheckReport,
  disk: DiskRefcounts,
): boolean {
  const { clusterSize } = header;
  const perBlock = (clusterSize * 8) / header.refcountBits;
  const isInUse = (cluster: number): boolean =>
    disk.blockOffset(Math.floor(cluster / perBlock)) >= file.size || disk.of(cluster) !== 0;
  return findings.some(
    ({ kind, structure, host, size = clusterSize }) =>
      kind === 'beyondFile' &&
      host !== undefined &&
      !REFCOUNT_STRUCTURES.has(structure) &&
      isInUse(Math.floor((host + size - 1) / clusterSize)),
  );
}
