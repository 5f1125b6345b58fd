/**
 * Whether an image is preallocated: it has allocated many more clusters than its file has storage. QEMU then looks
 * for the holes of the file when it tells data from zeroes, and so does the map here (the rule is that of QEMU 7.2,
 * block/qcow2-refcount.c, qcow2_detect_metadata_preallocation).
 */
import { FormatError } from '../errors';
import type { Header } from '../format/header';
import type { BlockFile } from '../io/blockFile';
import { hostCluster } from '../units';
import type { Refcounts } from './refcounts';

/** Counts refcounts up to the length of the file, but no further than needed. */
export function isPreallocated(file: BlockFile, header: Header, refcounts: Refcounts): boolean {
  const stored = Math.floor(file.allocatedBytes / header.clusterSize);
  const threshold = Math.max(Math.floor((stored * 10) / 9), stored + 2);
  const end = hostCluster(Math.ceil(file.size / header.clusterSize));
  if (end < threshold) return false;
  try {
    return refcounts.countUsed(end, threshold) >= threshold;
  } catch (error) {
    // As QEMU has it: where refcounts cannot be read, nothing is concluded from them.
    if (error instanceof FormatError) return false;
    throw error;
  }
}
