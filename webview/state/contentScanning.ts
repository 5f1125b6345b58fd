/**
 * The content scan that the user starts, in the panel or in a dialog: how far it is, and why it ended early. That is said until
 * the image changes, another scan begins, or the user turns to something else.
 */
import type { HostClient } from '../host/client';
import type { Store } from './store';

export class ContentScanning {
  /** The user has ended the scan that is running: no problem. */
  #isStopped = false;

  readonly #store: Store;
  readonly #host: HostClient;

  constructor(store: Store, host: HostClient) {
    this.#store = store;
    this.#host = host;
  }

  start(): void {
    if (this.#store.state.contentScan === undefined) void this.#scan();
  }

  stop(): void {
    this.#isStopped = true;
    this.#host.send(this.#host.calls.stopScan());
  }

  /** The scan got further. */
  gotTo(done: number, total: number): void {
    const { contentScan } = this.#store.state;
    if (contentScan !== undefined) this.#store.update({ contentScan: { ...contentScan, done, total } });
  }

  forgetProblem(): void {
    if (this.#store.state.scanProblem !== undefined) this.#store.update({ scanProblem: undefined });
  }

  async #scan(): Promise<void> {
    const started = performance.now();
    this.#isStopped = false;
    this.#store.update({ contentScan: { done: 0, total: 0, started }, scanProblem: undefined });
    const scanned = await this.#host.load(this.#host.calls.scanContents());
    const hasFailed = scanned?.ok === false && !this.#isStopped;
    this.#store.update({ contentScan: undefined, scanProblem: hasFailed ? scanned.text : undefined });
  }
}
