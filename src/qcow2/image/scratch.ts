/**
 * Buffers that table walks read into, used over and over. A walk may start another one from within (a chain goes
 * down a layer), so each takes its own and gives it back.
 */

/** Bytes of one buffer: big enough that system calls do not count, small enough to stay in the processor's cache. */
export const SCRATCH_SIZE = 64 * 1024;

const idle: Uint8Array[] = [];
const KEPT = 8;

/** Runs `use` with a buffer of `SCRATCH_SIZE` bytes, which holds anything. */
export function withScratch<T>(use: (buffer: Uint8Array) => T): T {
  const buffer = idle.pop() ?? new Uint8Array(SCRATCH_SIZE);
  try {
    return use(buffer);
  } finally {
    if (idle.length < KEPT) idle.push(buffer);
  }
}
