/** Pieces of work that run one at a time, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(piece: () => Promise<T>): Promise<T> {
    const result = this.#last.then(piece);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
