/** One cluster of the image file for a person: what it is used for, how often it counts, and who refers to it. */
import { ClaimCollector } from '../check/claims';
import type { Claim } from '../check/findings';
import type { Progress } from '../progress';
import type { HostLayout, HostUse } from './hostLayout';

export interface HostReport extends HostUse {
  /** First byte of the cluster in the image file. */
  readonly hostOffset: number;
  /** Bytes. */
  readonly length: number;
  /** What the refcount should be: references, each snapshot's among them. */
  readonly references: number;
  /** The first of those that refer to it. */
  readonly claims: readonly Claim[];
}

/**
 * Walks all references anew, since nobody keeps them: as long as half a check.
 * @throws ArgumentError `offset.beyondFile`, FileError, CancelledError
 */
export function inspectHost(layout: HostLayout, hostOffset: number, progress: Progress): HostReport {
  const { image, disk, references } = layout;
  const { clusterSize } = image.header;
  const cluster = Math.floor(hostOffset / clusterSize);
  const use = layout.useOf(cluster);
  const claims = new ClaimCollector(image, disk, [cluster]);
  if (use.structure !== undefined) {
    references.rewind(progress);
    references.forEach(claims);
  }
  const { kept, references: count } = claims.of(cluster);
  const place = { hostOffset: cluster * clusterSize, length: clusterSize };
  return { ...use, ...place, references: count, claims: kept };
}
