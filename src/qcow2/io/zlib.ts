/** `node:zlib`, loaded when it is needed first: it brings all of Node's streams with it. */
import type * as Zlib from 'node:zlib';

/** The part of it that older versions of Node, and their types, do not have (Node 22.15 on). */
interface NativeZstd {
  readonly zstdDecompressSync?: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
}

export const zlib = (): typeof Zlib & NativeZstd => process.getBuiltinModule('node:zlib');
