/** Which layer of a chain answers for a guest byte. */
import { FormatError, type Problem } from '../errors';
import { RunKind, type Layer } from '../image/layer';
import type { CellKind } from './cellCounts';
import { kindOfBroken, lostBytes } from './lost';

export interface Provider {
  /** Index of the layer; −1 when no layer has the byte, or the one that would is not open. */
  readonly providedBy: number;
  readonly cellKind: CellKind;
}

/** Of what answers for a byte itself. */
const KIND_NAMES = {
  [RunKind.data]: 'data',
  [RunKind.compressed]: 'compressed',
  [RunKind.zeroPlain]: 'zeroPlain',
  [RunKind.zeroAllocated]: 'zeroAllocated',
  [RunKind.missing]: 'missing',
} as const satisfies Partial<Record<RunKind, CellKind>>;
const BACKING_NAMES: readonly CellKind[] = ['backing1', 'backing2', 'backing3'];

/**
 * Goes down the chain until a layer has the byte.
 * @throws FileError
 */
export function findProvider(layers: readonly Layer[], guest: number): Provider {
  for (const [depth, layer] of layers.entries()) {
    if (guest >= layer.size) return { providedBy: -1, cellKind: 'unallocated' };
    const found = runAt(layer, guest);
    if ('problem' in found) return { providedBy: -1, cellKind: kindOfBroken(found.problem) };
    const { kind, host } = found;
    if (kind === RunKind.unallocated || kind === RunKind.unallocatedSubcluster) continue;
    const ownKind = depth === 0 ? KIND_NAMES[kind] : BACKING_NAMES[Math.min(depth, 3) - 1]!;
    const isLost = lostBytes(layer, 1, kind, host) > 0;
    return { providedBy: depth, cellKind: isLost ? 'missing' : ownKind };
  }
  return {
    providedBy: -1,
    cellKind: layers.at(-1)?.namesBacking === true ? 'backingUnknown' : 'unallocated',
  };
}

/** What the layer has for a byte, or how its entry breaks the specification. */
function runAt(
  layer: Layer,
  guest: number,
): { readonly kind: RunKind; readonly host: number } | { readonly problem: Problem } {
  let found = { kind: RunKind.unallocated as RunKind, host: -1 };
  try {
    layer.forEachRun(guest, guest + 1, (_start, _length, kind, host) => {
      found = { kind, host };
      return false;
    });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { problem: error.problem };
  }
  return found;
}
