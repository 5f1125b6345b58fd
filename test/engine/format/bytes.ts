/** Small files for the tests of the format parsers, with bytes where the specification puts them. */
import { EngineError, type Problem } from '../../../src/qcow2/errors';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';

type Width = 1 | 2 | 4 | 8;

/** Big-endian value of `width` bytes at `offset`. */
export type Patch = readonly [offset: number, width: Width, value: number | bigint];

export function bytesOf(size: number, patches: readonly Patch[]): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (const [offset, width, value] of patches) {
    if (width === 8) view.setBigUint64(offset, BigInt(value));
    else if (width === 4) view.setUint32(offset, Number(value));
    else if (width === 2) view.setUint16(offset, Number(value));
    else view.setUint8(offset, Number(value));
  }
  return bytes;
}

export const CLUSTER = 65536;

/** A sound, empty image: 64 KiB clusters, 1 MiB disk, refcount table in cluster 1, L1 table in cluster 3. */
const SOUND: readonly Patch[] = [
  [0, 4, 0x514649fb],
  [20, 4, 16],
  [24, 8, 1024 * 1024],
  [36, 4, 1],
  [40, 8, 3 * CLUSTER],
  [48, 8, CLUSTER],
  [56, 4, 1],
];

const V3: readonly Patch[] = [
  [4, 4, 3],
  [96, 4, 4],
  [100, 4, 104],
];

/** The sound image of version 3 with some of its bytes changed. */
export function v3File(...patches: Patch[]): MemoryFile {
  return new MemoryFile('test.qcow2', bytesOf(8 * CLUSTER, [...SOUND, ...V3, ...patches]));
}

export function v2File(...patches: Patch[]): MemoryFile {
  return new MemoryFile('test.qcow2', bytesOf(8 * CLUSTER, [...SOUND, [4, 4, 2], ...patches]));
}

/** The problem that `action` throws; fails the test if there is none. */
export function problemOf(action: () => unknown): Problem {
  try {
    action();
  } catch (error) {
    if (error instanceof EngineError) return error.problem;
    throw error;
  }
  throw new Error('expected a problem');
}
