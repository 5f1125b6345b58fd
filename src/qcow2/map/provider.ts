/** Which layer of a chain answers for a guest byte. */
import { FormatError, type Problem } from '../errors';
import { type Layer, NO_HOST, RunKind } from '../image/layer';
import { type GuestOffset, type HostOffset, plus } from '../units';
import type { CellKind } from './cellCounts';
import { dataKindAt, type FoundContents } from './dataKinds';
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
const BACKING_NAMES: readonly CellKind[] = ['backing1', 'backing2'];

/**
 * Goes down the chain until a layer has the byte.
 * @param found by a content scan, where there was one
 * @throws FileError
 */
export function findProvider(
  layers: readonly Layer[],
  guest: GuestOffset,
  found: FoundContents | undefined,
): Provider {
  for (const [depth, layer] of layers.entries()) {
    if (guest >= layer.size) return { providedBy: -1, cellKind: 'unallocated' };
    const run = runAt(layer, guest);
    if ('problem' in run) return { providedBy: -1, cellKind: kindOfBroken(run.problem) };
    const { kind, host } = run;
    if (kind === RunKind.unallocated || kind === RunKind.unallocatedSubcluster) continue;
    const ownKind = depth === 0 ? KIND_NAMES[kind] : (BACKING_NAMES[depth - 1] ?? 'backing3');
    const isLost = lostBytes(layer, 1, kind, host) > 0;
    const cellKind = ownKind === 'data' ? dataKindAt(found, guest) : ownKind;
    return { providedBy: depth, cellKind: isLost ? 'missing' : cellKind };
  }
  return {
    providedBy: -1,
    cellKind: layers.at(-1)?.namesBacking === true ? 'backingUnknown' : 'unallocated',
  };
}

/** What the layer has for a byte, or how its entry breaks the specification. */
function runAt(
  layer: Layer,
  guest: GuestOffset,
): { readonly kind: RunKind; readonly host: HostOffset } | { readonly problem: Problem } {
  let found = { kind: RunKind.unallocated as RunKind, host: NO_HOST };
  try {
    layer.forEachRun(guest, plus(guest, 1), (_start, _length, kind, host) => {
      found = { kind, host };
      return false;
    });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { problem: error.problem };
  }
  return found;
}
