/**
 * Asks for what is wanted now, one question at a time: while an answer is awaited, newer questions replace each other
 * and only the last is asked. An answer to a question that was replaced is still delivered only if nothing newer came.
 */
export class Latest<Question, Answer> {
  #next: Question | undefined;
  #isBusy = false;
  /** Counts what was wanted; an answer belongs to the count it started with. */
  #wanted = 0;

  constructor(
    private readonly ask: (question: Question) => Promise<Answer>,
    private readonly deliver: (answer: Answer, question: Question) => void,
  ) {}

  want(question: Question): void {
    this.#wanted++;
    this.#next = question;
    if (!this.#isBusy) void this.#run();
  }

  /** Forgets what was wanted; an answer under way is dropped. */
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
        const answer = await this.ask(question);
        if (wanted === this.#wanted) this.deliver(answer, question);
      }
    } finally {
      this.#isBusy = false;
    }
  }
}
