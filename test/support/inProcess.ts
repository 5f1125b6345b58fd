/** Calls the engine directly where a process for each call would take too long. */
import { openChain } from '../../src/qcow2/chain/openChain';
import { readGuest } from '../../src/qcow2/image/read';
import { exportMap, type MapExport } from '../../src/qcow2/map/mapExport';
import { guestOffset } from '../../src/qcow2/units';

/** The map of the image's chain, as the headless command would print it. */
export function mapText(path: string, request: MapExport): string {
  const chain = openChain(path, { followsNames: true });
  const pieces: Buffer[] = [];
  try {
    exportMap(chain.layers, request, { write: (bytes) => pieces.push(Buffer.from(bytes)) });
  } finally {
    chain.close();
  }
  return Buffer.concat(pieces).toString();
}

/** Guest bytes through the image's chain; the whole disk unless told. */
export function guestBytes(path: string, offset = 0, length?: number): Buffer {
  const chain = openChain(path, { followsNames: true });
  try {
    const target = Buffer.alloc(length ?? chain.top.size - offset);
    readGuest(chain.layers, target, guestOffset(offset));
    return target;
  } finally {
    chain.close();
  }
}
