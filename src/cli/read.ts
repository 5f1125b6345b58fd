/** `qcow2 read`: guest bytes through the backing chain, raw on standard output. */
import { hex } from '../text/hex';
import { readInPieces } from '../qcow2/bulk/bulkReader';
import { ArgumentError, UnsupportedError } from '../qcow2/errors';
import type { Layer } from '../qcow2/image/layer';
import { Qcow2Image } from '../qcow2/image/qcow2Image';
import { bytesOf } from '../text/byteCount';
import { guestOffset } from '../qcow2/units';
import { reportFaults, requireComplete, type Run, withChain } from './verb';
import { prepareReading } from './prepareReading';

export const read: Run<'read'> = async (args) => {
  const { FILE: path, OFFSET: from, LENGTH: most } = args.operands;
  await prepareReading(path);
  return withChain(path, true, (chain) => {
    requireComplete(chain);
    chain.top.refuseFaults('use');
    const { clusterSize } = chain.top.header;
    const [offset, length] = [bytesOf(from, clusterSize), bytesOf(most, clusterSize)];
    refuseBeyondDisk(chain.top, offset, length);
    refuseEncrypted(chain.layers);
    const progress = args.progress();
    let done = 0;
    try {
      readInPieces(chain.layers, guestOffset(offset), length, (bytes) => {
        args.output.write(bytes);
        done += bytes.length;
        progress.report(done, length);
      });
    } finally {
      progress.clear();
    }
    // As in QEMU, what is missing reads as zeroes.
    return reportFaults(chain.top, 'use');
  });
};

/** Refuses the whole request before any of it is printed. */
function refuseBeyondDisk({ file, size }: Layer, offset: number, length: number): void {
  const end = offset + length;
  if (end > size) throw new ArgumentError(file.name, 'read.range', { offset, value: hex(end), limit: size });
}

/** Refuses before anything is printed, not at the first byte that happens to be encrypted. */
function refuseEncrypted(layers: readonly Layer[]): void {
  for (const layer of layers) {
    if (layer instanceof Qcow2Image && layer.encryption !== undefined) {
      const value = layer.encryption.toUpperCase();
      throw new UnsupportedError(layer.file.name, 'encrypted.read', { value });
    }
  }
}
