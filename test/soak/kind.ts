/** A kind of random case, for soak (main.ts) and for the tests that run some cases each time. */

/** What a case did. */
export interface Counts {
  /** Images made. */
  readonly images?: number;
  /** Changes, checks, repairs and the like. */
  readonly operations?: number;
  /** States of the disk after a crash or a failing call. */
  readonly killPoints?: number;
}

export interface CasePlace {
  /** An empty folder for the case alone, without symbolic links in its path. */
  readonly folder: string;
  /** Hears what happens; only where one case is repeated. */
  readonly tell?: ((line: string) => void) | undefined;
}

export interface Kind {
  readonly name: string;
  /** Bytes of memory that the process may take; unlimited unless told. */
  readonly memoryLimit?: number;
  /**
   * Runs the case of a seed, an integer from 0 on: the same each time.
   * @throws anything, where the case finds a violation
   */
  readonly run: (seed: number, place: CasePlace) => Counts | Promise<Counts>;
}
