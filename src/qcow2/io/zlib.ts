/** `node:zlib`, loaded when it is needed first: it brings all of Node's streams with it. */
import type * as Zlib from 'node:zlib';
import type { ByteLength } from '../units';

/** The part of it that older versions of Node, and their types, do not have (Node 22.15 on). */
interface NativeZstd {
  readonly zstdDecompressSync?: (
    input: Uint8Array,
    options: { readonly maxOutputLength: number; readonly chunkSize: number },
  ) => Uint8Array;
}

export const zlib = (): typeof Zlib & NativeZstd => process.getBuiltinModule('node:zlib');

/** `chunkSize` of node:zlib for content of at most `limit` bytes: one step does it all, and sees that there is nothing more. */
export const stepFor = (limit: ByteLength): ByteLength => limit + 64;

/** A port that is closed. */
let nowhere: { postMessage(value: undefined, transferred: readonly ArrayBuffer[]): void } | undefined;

/** Makes `release` free memory: it does nothing before. Waits for the event loop. */
export async function prepareRelease(): Promise<void> {
  const { MessageChannel } = process.getBuiltinModule('node:worker_threads');
  const { port1, port2 } = new MessageChannel();
  await new Promise<void>((resolve) => {
    port1.once('close', resolve);
    port1.close();
  });
  nowhere = port2;
}

/**
 * Frees the memory of `bytes` now, if they are all of a buffer of so many bytes. Otherwise V8 lets 32 MiB or more of such
 * buffers wait to be collected, in each thread, and memory that was just used is faster. What is sent to a closed port is
 * dropped.
 */
export function release({ buffer }: Uint8Array, size: ByteLength): void {
  // Smaller ones are parts of Node's pool.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === size) nowhere?.postMessage(undefined, [buffer]);
}
