/** Loads the details of the selection from the host into the store, and announces them. */
import type { KindTotals, PageReport, RawReport } from '../../src/editor/page/messages';
import type { Announcer } from '../base/announcer';
import { nameClusters, nameShares, placeOf, sharesOfTotals } from '../map/describe';
import type { Loadable } from '../host/answers';
import type { HostClient } from '../host/client';
import { GUEST_KINDS, KIND_WORDS } from '../map/kinds';
import { Latest } from '../host/latest';
import type { Disk } from '../map/geometry';
import { isOneCluster, type Selection } from '../map/selection';
import type { Store } from './store';

export class Inspection {
  readonly #cluster: Latest<Selection, Loadable<PageReport | RawReport>>;
  readonly #range: Latest<Selection, Loadable<KindTotals>>;
  readonly #notifier: Latest<{ readonly selection: Selection | undefined }, Loadable<void>>;

  readonly #store: Store;
  readonly #announcer: Announcer;

  constructor(store: Store, announcer: Announcer, host: HostClient) {
    this.#store = store;
    this.#announcer = announcer;
    this.#cluster = new Latest(
      ({ start }) => host.load(host.calls.inspect(start)),
      (report) => {
        store.update({ report });
      },
    );
    this.#range = new Latest(
      ({ start, length }) => host.load(host.calls.totals(start, length)),
      (answer, selection) => {
        store.update({ rangeTotals: { of: selection, answer } });
      },
    );
    this.#notifier = new Latest(
      ({ selection }) =>
        host.value(
          host.calls.selectionChanged(selection && { start: selection.start, length: selection.length }),
        ),
      () => undefined,
    );
  }

  /** Called when the selection changes or the image is read again. */
  of(selection: Selection | undefined, disk: Disk): void {
    this.#notifier.want({ selection });
    this.#range.cancel();
    if (!selection) {
      this.#cluster.cancel();
      this.#store.update({ selection: undefined, report: undefined, rangeTotals: undefined });
      return;
    }
    this.#store.update({ selection });
    this.#cluster.want(selection);
    if (isOneCluster(selection, disk)) this.#store.update({ rangeTotals: undefined });
    else this.#range.want(selection);
    this.#announcer.say(() => this.#inWords(selection, disk));
  }

  /** The same cluster may lie elsewhere in the file by now. */
  refresh(): void {
    const { selection } = this.#store.state;
    if (selection !== undefined) this.#cluster.want(selection);
  }

  #inWords(selection: Selection, disk: Disk): string {
    const { report, rangeTotals } = this.#store.state;
    const { start, length } = selection;
    const name = `${nameClusters(start, length, disk)}, ${placeOf(start, length)}`;
    if (isOneCluster(selection, disk))
      return report?.ok ? `${name}: ${KIND_WORDS[report.value.cellKind].name}` : name;
    const totals = rangeTotals?.of === selection ? rangeTotals.answer : undefined;
    return totals?.ok
      ? `${name}: ${nameShares(sharesOfTotals(totals.value, GUEST_KINDS), GUEST_KINDS)}`
      : name;
  }
}
