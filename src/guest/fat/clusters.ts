/** Where the clusters of a volume are: numbered from 2, without gaps, in FAT and exFAT alike. */
import type { BlockDevice } from '../blockDevice';
import { GuestError } from '../errors';
import { deviceOffset, type DeviceOffset } from '../units';

/** The number of the first cluster. */
export const FIRST = 2;

export interface Clusters {
  /** Bytes from the start of the device: where cluster 2 begins. */
  readonly start: DeviceOffset;
  /** Bytes of a cluster. */
  readonly clusterSize: number;
  /** Clusters that exist and are wholly on the device. */
  readonly count: number;
}

/** @param cluster from 2 to `count + 1` */
export function placeOf({ start, clusterSize }: Clusters, cluster: number): DeviceOffset {
  return deviceOffset(start + (cluster - FIRST) * clusterSize);
}

/** How many of the declared clusters the device holds. */
export function clustersOn(
  device: BlockDevice,
  start: number,
  clusterSize: number,
  declared: number,
): number {
  return Math.max(0, Math.min(declared, Math.floor((device.size - start) / clusterSize)));
}

export function isCluster({ count }: Clusters, number: number): boolean {
  return number >= FIRST && number < FIRST + count;
}

/** @throws GuestError `guest.value` where there is no cluster of this number */
export function expectCluster(clusters: Clusters, number: number, what: string, offset: number): void {
  if (isCluster(clusters, number)) return;
  throw new GuestError('guest.value', { what, offset, value: number, limit: `2–${clusters.count + 1}` });
}
