/**
 * Guest data of test images: bytes that depend on a seed and on their position, so that a sector in the wrong place, or a
 * repeated one, is noticed.
 */

/**
 * - `noise`: does not compress; every sector starts with its own number
 * - `text`: compresses well; lines that name seed and sector
 * - `fill`: one byte repeated (the seed's low byte)
 */
export type ContentStyle = 'noise' | 'text' | 'fill';

/** Content by rule, or bytes as given (repeated from the start of each cluster, zero padded). */
export type Content =
  { readonly style: ContentStyle; readonly seed: number } | { readonly bytes: Uint8Array };

export const noise = (seed: number): Content => ({ style: 'noise', seed });
export const text = (seed: number): Content => ({ style: 'text', seed });
export const fill = (byte: number): Content => ({ style: 'fill', seed: byte });

const SECTOR = 512;

/**
 * The content of the whole cluster that starts at guest byte `clusterStart`.
 * @param clusterSize bytes; a multiple of 512
 */
export function clusterContent(content: Content, clusterStart: number, clusterSize: number): Uint8Array {
  const cluster = new Uint8Array(clusterSize);
  if ('bytes' in content) {
    cluster.set(content.bytes.subarray(0, clusterSize));
    return cluster;
  }
  if (content.style === 'fill') return cluster.fill(content.seed & 0xff);
  for (let at = 0; at < clusterSize; at += SECTOR) {
    const sector = cluster.subarray(at, at + SECTOR);
    const number = (clusterStart + at) / SECTOR;
    if (content.style === 'noise') fillNoise(sector, content.seed, number);
    else fillText(sector, content.seed, number);
  }
  return cluster;
}

function fillNoise(sector: Uint8Array, seed: number, number: number): void {
  const words = new Uint32Array(sector.buffer, sector.byteOffset, SECTOR / 4);
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) | 1;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  words[0] = number % 2 ** 32;
  words[1] = seed;
}

function fillText(sector: Uint8Array, seed: number, number: number): void {
  const line = new TextEncoder().encode(`sector ${number} of content ${seed}\n`);
  for (let at = 0; at < SECTOR; at += line.length) sector.set(line.subarray(0, SECTOR - at), at);
}
