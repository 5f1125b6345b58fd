/** Saves of repairs: a damaged image, and the image that the engine makes of it. */
import { EngineError } from '../../src/qcow2/errors';
import type { Random } from '../support/builder/random';
import { damage, patients, type Patient } from '../support/damage';
import { repairBytes } from '../support/repairJudge';

export interface Repaired {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

let everybody: readonly Patient[] | undefined;

/** A random damaged image that can be repaired; every fourth one is also marked as corrupt or dirty. */
export function repairedImage(random: Random): Repaired {
  everybody ??= patients().filter(({ name }) => name !== 'dataFile');
  for (;;) {
    const { bytes } = damage(random.pick(everybody), random);
    if (bytes[7] === 3 && random.below(4) === 0) bytes[79]! |= 1 + random.below(3);
    try {
      const { report, bytes: after } = repairBytes(bytes, 'all', '/nowhere/scratch');
      if (report.changed && report.before.corruptions > 0)
        // Slices of a Buffer would share its memory.
        return { before: new Uint8Array(bytes), after: new Uint8Array(after) };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
    }
  }
}
