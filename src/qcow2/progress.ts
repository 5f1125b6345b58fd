/**
 * How a long walk tells how far it is and learns that it should stop. The engine calls both often (every few
 * thousand entries); implementations keep them cheap.
 */
export interface Progress {
  /** `done` of `total`, in whatever unit the walk counts in; never decreases. */
  report(done: number, total: number): void;
  /** Throws `CancelledError` after a request to stop. */
  checkCancelled(): void;
}

/** For callers who neither watch nor cancel. */
export const silent: Progress = {
  report: () => undefined,
  checkCancelled: () => undefined,
};

/**
 * Runs something that is done piece by piece to its end.
 * @param between called after each piece but the last
 */
export function toEnd<T>(pieces: Generator<undefined, T>, between: () => void = () => undefined): T {
  for (;;) {
    const step = pieces.next();
    if (step.done === true) return step.value;
    between();
  }
}

/** Gives up something that is done piece by piece, wherever it is: what it holds is released. */
export function abandon(pieces: Generator<undefined, unknown>): void {
  pieces.return(undefined);
}

/** Only listens for requests to stop: for a part of some work that counts in another unit than the whole. */
export const quietOf = (progress: Progress): Progress => ({
  ...silent,
  checkCancelled: () => {
    progress.checkCancelled();
  },
});
