/** Finds out about a selected cluster of the image file: asks for the newest one only, and says it aloud. */
import type { Announcer } from './announce';
import { nameClusters, placeOf } from './describe';
import type { HostLine } from './host';
import { FILE_KINDS } from './kinds';
import { Latest } from './latest';
import type { Disk } from './map/geometry';
import type { Selection } from './map/selection';
import type { Store } from './store';

export class HostInspection {
  readonly #cluster: Latest<Selection, Awaited<ReturnType<HostLine['inspectHost']>>>;

  constructor(
    private readonly store: Store,
    private readonly announcer: Announcer,
    host: HostLine,
  ) {
    this.#cluster = new Latest(
      ({ start }) => host.inspectHost(start),
      (hostReport) => {
        store.update({ hostReport });
      },
    );
  }

  /** The selection is another one, or the image was read anew. */
  of(selection: Selection | undefined, disk: Disk): void {
    if (!selection) {
      this.#cluster.cancel();
      this.store.update({ hostSelection: undefined, hostReport: undefined });
      return;
    }
    this.store.update({ hostSelection: selection });
    this.#cluster.want(selection);
    this.announcer.say(() => this.#inWords(selection, disk));
  }

  #inWords({ start, length }: Selection, disk: Disk): string {
    const { hostReport } = this.store.state;
    const name = `${nameClusters(start, length, disk)}, ${placeOf(start, length)}`;
    const isOfIt = hostReport?.ok === true && hostReport.value.hostOffset === start;
    return isOfIt ? `${name}: ${FILE_KINDS.words[hostReport.value.kind].name}` : name;
  }
}
