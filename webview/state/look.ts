/**
 * A look at the disk that the user starts, in the panel or in a dialog, and that takes its time: how far it is, and why it
 * ended early. That is said until the image changes, the user looks again, or turns to something else.
 */
import type { Loadable } from '../host/answers';
import type { AppState, Store } from './store';

/** What is looked for, and where the store has it. */
export interface LookHost {
  readonly progress: 'contentScan' | 'guestLook';
  readonly problem: 'scanProblem' | 'guestLookProblem';
  begin(): Promise<Loadable<undefined>>;
  stop(): void;
}

export class Look {
  /** The user has ended the look that is running: no problem. */
  #isStopped = false;

  readonly #store: Store;
  readonly #host: LookHost;

  constructor(store: Store, host: LookHost) {
    this.#store = store;
    this.#host = host;
  }

  /** @returns once it has ended, in whatever way; at once where one is running */
  async start(): Promise<void> {
    if (this.#store.state[this.#host.progress] !== undefined) return;
    const started = performance.now();
    this.#isStopped = false;
    this.#update({ done: 0, total: 0, started }, undefined);
    const looked = await this.#host.begin();
    const hasFailed = looked?.ok === false && !this.#isStopped;
    this.#update(undefined, hasFailed ? looked.text : undefined);
  }

  stop(): void {
    this.#isStopped = true;
    this.#host.stop();
  }

  /** The look got further. */
  gotTo(done: number, total: number): void {
    const now = this.#store.state[this.#host.progress];
    if (now !== undefined) this.#update({ ...now, done, total }, undefined);
  }

  forgetProblem(): void {
    const { progress, problem } = this.#host;
    const { state } = this.#store;
    if (state[problem] !== undefined) this.#update(state[progress], undefined);
  }

  #update(progress: AppState[LookHost['progress']], problem: AppState[LookHost['problem']]): void {
    this.#store.update({ [this.#host.progress]: progress, [this.#host.problem]: problem });
  }
}
