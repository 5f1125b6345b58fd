/** Which layer of a chain answers for a guest byte. */
import { FormatError } from '../errors';
import type { Layer } from '../image/layer';
import { RunKind } from '../image/layer';
import type { CellKind } from './cellCounts';

export interface Provider {
  /** Index of the layer; −1 when no layer has the byte, or the one that would is not open. */
  readonly providedBy: number;
  readonly cellKind: CellKind;
}

const KIND_NAMES: readonly CellKind[] = [
  'unallocated',
  'unallocated',
  'data',
  'compressed',
  'zeroPlain',
  'zeroAllocated',
];
const BACKING_NAMES: readonly CellKind[] = ['backing1', 'backing2', 'backing3'];

/**
 * Goes down the chain until a layer has the byte.
 * @throws FileError
 */
export function findProvider(layers: readonly Layer[], guest: number): Provider {
  for (const [depth, layer] of layers.entries()) {
    if (guest >= layer.size) return { providedBy: -1, cellKind: 'unallocated' };
    const kind = kindAt(layer, guest);
    if (kind === undefined) return { providedBy: -1, cellKind: 'invalid' };
    if (kind === RunKind.unallocated || kind === RunKind.unallocatedSubcluster) continue;
    const cellKind = depth === 0 ? KIND_NAMES[kind]! : BACKING_NAMES[Math.min(depth, 3) - 1]!;
    return { providedBy: depth, cellKind };
  }
  return {
    providedBy: -1,
    cellKind: layers.at(-1)?.namesBacking === true ? 'backingUnknown' : 'unallocated',
  };
}

/** Undefined where the entry breaks the specification. */
function kindAt(layer: Layer, guest: number): RunKind | undefined {
  let found: RunKind | undefined;
  try {
    layer.forEachRun(guest, guest + 1, (_start, _length, kind) => {
      found = kind;
      return false;
    });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return found;
}
