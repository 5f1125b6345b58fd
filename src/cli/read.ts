/** `qcow2 read`: guest bytes through the backing chain, raw on standard output. */
import { ArgumentError, UnsupportedError } from '../qcow2/errors';
import type { Layer } from '../qcow2/image/layer';
import { Qcow2Image } from '../qcow2/image/qcow2Image';
import { readGuest } from '../qcow2/image/read';
import { bytesOf } from '../text/byteCount';
import { guestOffset, hex } from '../qcow2/units';
import type { Verb } from './verb';
import { byteCount, readArguments, reportFaults, requireComplete, withChain } from './verb';

/** Bytes read and written at a time. */
const CHUNK_BYTES = 1024 * 1024;

export const read: Verb = {
  name: 'read',
  usage: 'FILE OFFSET LENGTH',
  decompresses: true,
  run: (argv) => {
    const args = readArguments(argv, ['FILE', 'OFFSET', 'LENGTH'], {});
    const [path, offsetText, lengthText] = args.operands;
    const from = byteCount('OFFSET', offsetText!);
    const most = byteCount('LENGTH', lengthText!);
    return withChain(path!, true, (chain) => {
      requireComplete(chain);
      chain.top.refuseFaults('use');
      const { clusterSize } = chain.top.header;
      const [offset, length] = [bytesOf(from, clusterSize), bytesOf(most, clusterSize)];
      refuseBeyondDisk(chain.top, offset, length);
      refuseEncrypted(chain.layers);
      const progress = args.progress();
      const buffer = new Uint8Array(Math.min(CHUNK_BYTES, length));
      try {
        for (let done = 0; done < length; done += CHUNK_BYTES) {
          const chunk = buffer.subarray(0, Math.min(CHUNK_BYTES, length - done));
          readGuest(chain.layers, chunk, guestOffset(offset + done));
          args.output.write(chunk);
          progress.report(done + chunk.length, length);
        }
      } finally {
        progress.clear();
      }
      // What is missing reads as zeroes, as QEMU has it.
      return reportFaults(chain.top, 'use');
    });
  },
};

/** Said for the whole request, before any of it is printed. */
function refuseBeyondDisk({ file, size }: Layer, offset: number, length: number): void {
  const end = offset + length;
  if (end > size) throw new ArgumentError(file.name, 'read.range', { offset, value: hex(end), limit: size });
}

/** Said before anything is printed, not at the first byte that happens to be encrypted. */
function refuseEncrypted(layers: readonly Layer[]): void {
  for (const layer of layers) {
    if (layer instanceof Qcow2Image && layer.encryption !== undefined) {
      const value = layer.encryption.toUpperCase();
      throw new UnsupportedError(layer.file.name, 'encrypted.read', { value });
    }
  }
}
