/**
 * Sends one request at a time. While one is pending, newer requests replace each other and only the last is sent. The
 * answer of the pending request is dropped if a newer request arrived meanwhile.
 */
export class Latest<Question, Answer> {
  #next: Question | undefined;
  #isBusy = false;
  /** Number of requests so far; an answer is delivered only if it has not changed since. */
  #wanted = 0;

  readonly #ask: (question: Question) => Promise<Answer>;
  readonly #deliver: (answer: Answer, question: Question) => void;

  constructor(
    ask: (question: Question) => Promise<Answer>,
    deliver: (answer: Answer, question: Question) => void,
  ) {
    this.#ask = ask;
    this.#deliver = deliver;
  }

  want(question: Question): void {
    this.#wanted++;
    this.#next = question;
    if (!this.#isBusy) void this.#run();
  }

  /** Drops the next request and the pending answer. */
  cancel(): void {
    this.#wanted++;
    this.#next = undefined;
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    try {
      while (this.#next !== undefined) {
        const question = this.#next;
        const wanted = this.#wanted;
        this.#next = undefined;
        const answer = await this.#ask(question);
        if (wanted === this.#wanted) this.#deliver(answer, question);
      }
    } finally {
      this.#isBusy = false;
    }
  }
}
