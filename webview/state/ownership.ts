/**
 * Whose the selected cluster is: asked with each selection, and answered once the user has had the index of owners built.
 * The index is of one state of the image: after a change it has to be built again.
 */
import type { HostClient } from '../host/client';
import { Latest } from '../host/latest';
import type { GuestOwner } from '../../src/editor/page/messages';
import type { Loadable } from '../host/answers';
import type { Store } from './store';

interface Place {
  readonly start: number;
  readonly length: number;
}

export class OwnershipInspection {
  readonly #owners: Latest<Place, Loadable<readonly GuestOwner[] | undefined>>;
  #place: Place | undefined;
  /** The user has ended the search that is running: no problem. */
  #isStopped = false;

  readonly #store: Store;
  readonly #host: HostClient;

  constructor(store: Store, host: HostClient) {
    this.#store = store;
    this.#host = host;
    this.#owners = new Latest(
      ({ start, length }) => host.load(host.calls.owners(start, length)),
      (answer) => {
        this.#update({ answer });
      },
    );
  }

  /** Called when another cluster is selected, or the image is read again. */
  of(place: Place | undefined): void {
    this.#place = place;
    if (place === undefined) this.#owners.cancel();
    else this.#owners.want(place);
    const { search } = this.#store.state.owners;
    this.#store.update({ owners: { answer: undefined, search } });
  }

  /** Builds the index. */
  async find(): Promise<void> {
    if (this.#store.state.owners.search !== undefined) return;
    this.#isStopped = false;
    this.#update({ search: 0, problem: undefined });
    const built = await this.#host.load(this.#host.calls.indexOwners());
    const hasFailed = built?.ok === false && !this.#isStopped;
    this.#update({ search: undefined, problem: hasFailed ? built.text : undefined });
    if (this.#place !== undefined) this.#owners.want(this.#place);
  }

  stop(): void {
    this.#isStopped = true;
    this.#host.send(this.#host.calls.stopOwners());
  }

  gotTo(share: number): void {
    if (this.#store.state.owners.search !== undefined) this.#update({ search: share });
  }

  #update(change: Partial<Store['state']['owners']>): void {
    this.#store.update({ owners: { ...this.#store.state.owners, ...change } });
  }
}
