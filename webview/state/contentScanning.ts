/** The content scan that the user starts, in the panel or in a dialog: how far it is, and its end. */
import type { HostClient } from '../host/client';
import type { Store } from './store';

export class ContentScanning {
  readonly #store: Store;
  readonly #host: HostClient;
  readonly #ended: () => void;

  /** @param ended called when a scan has found something, or was stopped */
  constructor(store: Store, host: HostClient, ended: () => void) {
    this.#store = store;
    this.#host = host;
    this.#ended = ended;
  }

  start(): void {
    if (this.#store.state.contentScan === undefined) void this.#scan();
  }

  stop(): void {
    this.#host.send(this.#host.calls.stopScan());
  }

  /** The scan got further. */
  gotTo(done: number, total: number): void {
    const { contentScan } = this.#store.state;
    if (contentScan !== undefined) this.#store.update({ contentScan: { ...contentScan, done, total } });
  }

  async #scan(): Promise<void> {
    const started = performance.now();
    this.#store.update({ contentScan: { done: 0, total: 0, started }, scanProblem: undefined });
    const scanned = await this.#host.load(this.#host.calls.scanContents());
    const scanProblem = scanned?.ok === false ? scanned.text : undefined;
    this.#store.update({ contentScan: undefined, scanProblem });
    this.#ended();
  }
}
