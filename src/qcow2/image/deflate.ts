/** Raw deflate, as far as one cluster goes. */
import { release, stepFor, zlib } from '../io/zlib';

/**
 * Fills `target` with what `input` inflates to. Streams that end early are an error; what they have beyond the
 * cluster, and what follows them, is ignored, as QEMU does.
 * @throws Error, of any kind, where that is impossible
 */
export function inflateCluster(input: Uint8Array, target: Uint8Array): void {
  const content = inflateAtMost(input, target.length) ?? inflateOverlong(input, target.length);
  if (content.length < target.length) throw new Error('it ends before the cluster is full');
  target.set(content.subarray(0, target.length));
  release(content, stepFor(target.length));
}

/**
 * The content, or undefined when it is longer than `limit`.
 *
 * QEMU inflates with a window of 12 bits into one buffer of a cluster, where a match may reach back to its start.
 * A window of 15 bits takes all of those streams and those of other tools.
 */
function inflateAtMost(input: Uint8Array, limit: number): Uint8Array | undefined {
  const { constants, inflateRawSync } = zlib();
  try {
    return inflateRawSync(input, {
      windowBits: 15,
      chunkSize: stepFor(limit),
      maxOutputLength: limit,
      // A stream that was cut off gives what it has.
      finishFlush: constants.Z_SYNC_FLUSH,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

/** Longest content of one input byte: eight symbols of 258 bytes. */
const MOST_PER_BYTE = 8 * 258;

/** The first `length` bytes, and a few more, of a stream that goes on: from the shortest prefix that has them. */
function inflateOverlong(input: Uint8Array, length: number): Uint8Array {
  const limit = length + MOST_PER_BYTE;
  let tooShort = 0;
  let tooLong = input.length;
  while (tooLong - tooShort > 1) {
    const middle = (tooShort + tooLong) >>> 1;
    const content = inflateAtMost(input.subarray(0, middle), limit);
    if (content === undefined) tooLong = middle;
    else if (content.length < length) tooShort = middle;
    else return content;
  }
  throw new Error('it is longer than a cluster');
}
