/**
 * Buffers that table walks read into, used over and over. A walk may start another one from within (a chain goes
 * down a layer), so each takes its own and gives it back.
 */
import { takeSimdPage, SIMD_PAGE } from '../io/simd';
import type { ByteLength } from '../units';

/** Bytes of one buffer: big enough that system calls do not count, small enough to stay in the processor's cache. */
export const SCRATCH_SIZE = SIMD_PAGE;

/** One buffer, seen as bytes and as words: views made for each table would be garbage by the thousand. */
export interface Scratch {
  readonly bytes: Buffer;
  /** The same bytes. A Buffer's own `subarray` is costly, and its `slice` is no copy. */
  readonly plain: Uint8Array;
  readonly words: Uint32Array;
  /** The same words, signed. */
  readonly signed: Int32Array;
}

const idle: Scratch[] = [];
const KEPT = 8;

/** Runs `use` with `SCRATCH_SIZE` bytes, which hold anything. */
export function withScratch<T>(use: (scratch: Scratch) => T): T {
  const scratch = idle.pop() ?? makeScratch();
  try {
    return use(scratch);
  } finally {
    if (idle.length < KEPT) idle.push(scratch);
  }
}

/** The first bytes of a buffer, as one of their own. @param length bytes, a multiple of 8 */
export const firstOf = (scratch: Scratch, length: ByteLength): Scratch =>
  length === scratch.bytes.length ? scratch : scratchOf(scratch.bytes.subarray(0, length));

/** The same of bytes alone. */
export const firstBytes = (bytes: Uint8Array, length: ByteLength): Uint8Array =>
  length === bytes.length ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, length);

const makeScratch = (): Scratch => scratchOf(takeSimdPage() ?? new Uint8Array(SCRATCH_SIZE));

/** Some bytes, seen as words, too. @param bytes that begin at a multiple of 4 in their memory */
export function scratchOf({ buffer, byteOffset, length }: Uint8Array): Scratch {
  return {
    bytes: Buffer.from(buffer, byteOffset, length),
    plain: new Uint8Array(buffer, byteOffset, length),
    words: new Uint32Array(buffer, byteOffset, length / 4),
    signed: new Int32Array(buffer, byteOffset, length / 4),
  };
}
