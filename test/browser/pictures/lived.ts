/** An image that looks used: clumps of every kind, as a file system leaves them after a while. */
import type { ImageBuilder } from '../../support/imageBuilder';
import { image } from '../../support/imageBuilder';

const CLUSTERS = 8192;

type Paint = (builder: ImageBuilder, first: number, count: number) => unknown;

/** What a clump may be, the likelier the more often it is named. */
const PAINTS: readonly Paint[] = [
  (builder, first, count) => builder.data(first, count),
  (builder, first, count) => builder.data(first, count),
  (builder, first, count) => builder.data(first, count),
  (builder, first, count) => builder.compressed(first, count),
  (builder, first, count) => builder.compressed(first, count),
  (builder, first, count) => builder.zeroPlain(first, count),
  (builder, first, count) => builder.zeroAllocated(first, Math.ceil(count / 3)),
];

/** Writes 512 MiB of disk in clusters of 64 KiB, the same every time. */
export function writeLivedIn(file: string): void {
  const builder = image({ size: '512M', lazyRefcounts: true, featureNames: true });
  let state = 7;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  for (let at = 0; at < CLUSTERS;) {
    const count = Math.min(4 + random(at < 3000 ? 120 : 60), CLUSTERS - at);
    PAINTS[random(PAINTS.length)]?.(builder, at, count);
    at += count + random(at < 3000 ? 8 : 260);
  }
  builder.snapshot('before the upgrade').bitmap('nightly-backup').writeTo(file);
}
