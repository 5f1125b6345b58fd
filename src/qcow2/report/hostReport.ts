/** One cluster of the image file for a person: what it is used for, how often it counts, and who refers to it. */
import { ClaimCollector } from '../check/claims';
import type { Claim } from '../finding';
import { FileHoles } from '../io/fileHoles';
import type { Progress } from '../progress';
import type { HostKind, HostLayout, HostUse } from '../map/hostLayout';
import { type ByteLength, clusterOf, type HostOffset, plus, startOf } from '../units';

export interface HostReport extends Omit<HostUse, 'kind'> {
  /** `missing`: the file ends before the cluster. */
  readonly kind: HostKind | 'missing';
  /** First byte of the cluster in the image file. */
  readonly hostOffset: HostOffset;
  /** Bytes. */
  readonly length: ByteLength;
  /** What the refcount should be: references, each snapshot's among them. */
  readonly references: number;
  /** The first of those that refer to it. */
  readonly claims: readonly Claim[];
  /** Bytes of it that lie in holes of the file; absent where holes cannot be seen, or past the end of the file. */
  readonly holeBytes?: ByteLength;
}

/**
 * Walks all references again, since they are not kept: as long as half a check.
 * @param hostOffset may lie past the end of the file, where entries of a damaged image lead
 * @throws ArgumentError `offset.beyondFile` for what is no offset, FileError, CancelledError
 */
export function inspectHost(layout: HostLayout, hostOffset: HostOffset, progress: Progress): HostReport {
  const { image, disk, references } = layout;
  const { clusterSize } = image.header;
  const holes = new FileHoles(image.file);
  const cluster = clusterOf(hostOffset, clusterSize);
  const isMissing = hostOffset >= layout.size && Number.isSafeInteger(hostOffset);
  const use = isMissing ? undefined : layout.useOf(cluster);
  const claims = new ClaimCollector(image, disk, [cluster]);
  if (use === undefined || use.structure !== undefined) {
    references.rewind(progress);
    references.forEach(claims);
  }
  const { kept, references: count } = claims.of(cluster);
  const place = { hostOffset: startOf(cluster, clusterSize), length: clusterSize };
  const found = { ...place, references: count, claims: kept };
  if (use === undefined) return { ...missingUse(kept, disk.of(cluster)), ...found };
  const holeBytes = holes.bytesWithin(place.hostOffset, plus(place.hostOffset, clusterSize));
  return { ...use, ...found, ...(holes.areKnown ? { holeBytes } : {}) };
}

/** No layout has what lies past the end of the file: what it was used for is what refers to it. */
function missingUse(
  claims: readonly Claim[],
  refcount: number | undefined,
): Omit<HostUse, 'kind'> & Pick<HostReport, 'kind'> {
  const [first] = claims;
  return {
    kind: 'missing',
    isSnapshotOnly: first !== undefined && claims.every(({ snapshot }) => snapshot !== undefined),
    ...(first === undefined ? {} : { structure: first.structure }),
    ...(refcount === undefined ? {} : { refcount }),
  };
}
