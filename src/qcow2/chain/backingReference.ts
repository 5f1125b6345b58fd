/** The backing file that a header names, as written and as the gate resolves it. */
import type { Problem } from '../errors';
import { decide } from './gate';

export interface BackingReference {
  readonly nameAsWritten: string;
  /** The format that the header names. */
  readonly format?: string;
  /** Absolute path, where the name comes down to a local file; whether it is there is not looked at. */
  readonly path?: string;
  /** Why the name is not followed. */
  readonly problem?: Problem;
}

/** Where a name leads; deciding touches no file. @param namedBy path of the image that has the name */
export function backingReference(
  namedBy: string,
  nameAsWritten: string,
  format: string | undefined,
): BackingReference {
  const named = format === undefined ? { nameAsWritten } : { nameAsWritten, format };
  const decision = decide({ role: 'backing', name: nameAsWritten, namedBy }, { followsNames: true });
  return decision.opens ? { ...named, path: decision.path } : { ...named, problem: decision.problem };
}
