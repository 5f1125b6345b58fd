/**
 * Loads the report on the selected cluster of the image file and announces it. A newer request ends an older one, which
 * may take half a second.
 */
import type { Announcer } from '../base/announcer';
import { nameClusters, placeOf } from '../map/describe';
import type { HostClient } from '../host/client';
import { BEYOND_FILE, FILE_KINDS, HOLE_WORDS } from '../map/kinds';
import type { Disk } from '../map/geometry';
import type { Selection } from '../map/selection';
import type { Store } from './store';

export class HostInspection {
  /** Number of requests so far; only the answer of the newest is used. */
  #asked = 0;

  readonly #store: Store;
  readonly #announcer: Announcer;
  readonly #host: HostClient;

  constructor(store: Store, announcer: Announcer, host: HostClient) {
    this.#store = store;
    this.#announcer = announcer;
    this.#host = host;
  }

  /** Called when the selection changes or the image is read again. */
  of(selection: Selection | undefined, disk: Disk): void {
    this.#asked++;
    if (!selection) {
      this.#store.update({ hostSelection: undefined, hostReport: undefined });
      return;
    }
    this.#store.update({ hostSelection: selection });
    void this.#ask(selection, this.#asked);
    this.#announcer.say(() => this.#inWords(selection, disk));
  }

  /** The same cluster may be used for something else by now. */
  refresh(): void {
    const { hostSelection } = this.#store.state;
    if (hostSelection !== undefined) void this.#ask(hostSelection, ++this.#asked);
  }

  async #ask({ start }: Selection, asked: number): Promise<void> {
    const hostReport = await this.#host.load(this.#host.calls.inspectHost(start));
    if (asked === this.#asked) this.#store.update({ hostReport });
  }

  #inWords({ start, length }: Selection, disk: Disk): string {
    const { hostReport } = this.#store.state;
    const name = `${nameClusters(start, length, disk)}, ${placeOf(start, length)}`;
    if (hostReport?.ok !== true || hostReport.value.hostOffset !== start) return name;
    const { kind, length: own, holeBytes = 0 } = hostReport.value;
    const words = `${name}: ${(kind === 'missing' ? BEYOND_FILE : FILE_KINDS.words[kind]).name}`;
    return holeBytes < own ? words : `${words}, ${HOLE_WORDS.name}`;
  }
}
