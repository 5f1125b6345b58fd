/**
 * Loads the report of where the bytes of the file are, for as long as its tab is shown: it takes as long as a check, and
 * the image may change meanwhile. While the file is compacted, the report before stays until the next one has come.
 */
import type { HostClient } from '../host/client';
import type { Store } from './store';

export class SpaceInspection {
  /** Generation of the image that the report is of, or will be; −1 for none. */
  #generation = -1;

  readonly #store: Store;
  readonly #host: HostClient;

  constructor(store: Store, host: HostClient) {
    this.#store = store;
    this.#host = host;
    store.subscribe(() => {
      this.#look();
    });
  }

  /** Loads the report again: more is known of the same image. The one before is shown until then. */
  refresh(): void {
    this.#generation = -1;
    this.#look(false);
  }

  #look(isAnother = true): void {
    const { tab, page, spaceReport, compaction } = this.#store.state;
    if (tab !== 'space' || !page?.image.summary || page.image.generation === this.#generation) return;
    this.#generation = page.image.generation;
    // A compaction moves parts of the file: the report before is of nearly the same.
    if (isAnother && compaction === undefined && spaceReport !== undefined) {
      this.#store.update({ spaceReport: undefined });
    }
    void this.#load(this.#generation);
  }

  async #load(generation: number): Promise<void> {
    const spaceReport = await this.#host.load(this.#host.calls.space());
    if (generation === this.#generation) this.#store.update({ spaceReport });
  }
}
