/** An image that looks used: clumps of every kind, as a file system leaves them after a while. */
import { DamagedFile } from '../../support/damagedFile';
import type { ImageBuilder } from '../../support/imageBuilder';
import { fill, image } from '../../support/imageBuilder';

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
  livedIn().snapshot('before the upgrade').bitmap('nightly-backup').writeTo(file);
}

/** The same, with data that was overwritten with zeroes, and leaks: as a disk is that was never trimmed. */
export function writeBloated(file: string): void {
  const builder = livedIn((builder, first, count) => builder.data(first, count, fill(0)));
  builder.writeTo(file);
  DamagedFile.do(file, (image) => image.leak(200));
}

/** @param zeroes paints clumps of zeroes, if there are to be any */
function livedIn(zeroes?: Paint): ImageBuilder {
  const paints = zeroes === undefined ? PAINTS : [...PAINTS, zeroes, zeroes, zeroes];
  const builder = image({ size: '512M', lazyRefcounts: true, featureNames: true });
  let state = 7;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  for (let at = 0; at < CLUSTERS;) {
    const count = Math.min(4 + random(at < 3000 ? 120 : 60), CLUSTERS - at);
    paints[random(paints.length)]?.(builder, at, count);
    at += count + random(at < 3000 ? 8 : 260);
  }
  return builder;
}
