/** A problem inside a disk, with where it is. */
import { type GuestProblem, isGuestError } from '../guest/errors';

export class InsideError extends Error {
  /**
   * @param file the image
   * @param place in it, as it was asked for: `1:/etc/fstab`
   */
  constructor(
    readonly file: string,
    readonly place: string,
    readonly problem: GuestProblem,
  ) {
    super(problem.code);
    this.name = new.target.name;
  }
}

/** Says of a GuestError where it came up. @throws InsideError; whatever else `action` throws */
export function inside<T>(file: string, place: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (isGuestError(error)) throw new InsideError(file, place, error.problem);
    throw error;
  }
}
