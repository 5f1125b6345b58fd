/** Refcounts of all widths, to a byte each (qcow2.txt, "Host cluster management"). */
import { dataView } from '../format/bytes';
import type { BlockFile } from '../io/blockFile';
import { hostOffset } from '../units';
import { SPILLED } from './clusterCounts';

/** Several in a byte, the first one in the lowest bits. */
export function decodeNarrow(bytes: Uint8Array, target: Uint8Array, bits: number): void {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  for (let at = 0; at < target.length; at++) {
    target[at] = (bytes[Math.floor(at / perByte)]! >>> ((at % perByte) * bits)) & mask;
  }
}

/** Whole bytes, big-endian; what does not fit is `SPILLED`. */
export function decodeWide(bytes: Uint8Array, target: Uint8Array, bits: number): void {
  const width = bits / 8;
  for (let at = 0; at < target.length; at++) {
    const end = at * width + width - 1;
    let byte = bytes[end]!;
    for (let higher = end - width + 1; higher < end; higher++) if (bytes[higher] !== 0) byte = SPILLED;
    target[at] = Math.min(byte, SPILLED);
  }
}

/**
 * One refcount of a block, exact up to 2^53.
 * @param block bytes from the start of the file
 */
export function exactRefcount(file: BlockFile, block: number, index: number, bits: number): number {
  const bytes = new Uint8Array(bits / 8);
  file.read(bytes, hostOffset(block + (index * bits) / 8));
  const view = dataView(bytes);
  switch (bits) {
    case 64:
      return Number(view.getBigUint64(0));
    case 32:
      return view.getUint32(0);
    case 16:
      return view.getUint16(0);
    default:
      return view.getUint8(0);
  }
}
