/**
 * Puts the page together: what the host tells goes into the store and the map, what the person does goes to the map,
 * the host or the store, and every part is drawn from there.
 */
import type {
  CellKind,
  ChangeKind,
  KindTotals,
  PageApi,
  PageCommand,
  PageHealth,
  PageState,
  PageTab,
} from '../src/editor/messages';
import { Announcer } from './announce';
import type { MaybeProblem } from './answers';
import { ChangeDialog } from './change/dialog';
import type { Range } from './change/range';
import { ByteBlocks } from './hex/blocks';
import { HexView } from './hex/view';
import { HostLine } from './host';
import { Inspection } from './inspection';
import { makeLayout, type Layout } from './layout';
import type { Disk } from './map/geometry';
import { zoomAtCursor } from './map/input';
import { CellLoader, type Wish } from './map/loader';
import { TileCache } from './map/tiles';
import { MapView } from './map/view';
import { Minimap } from './minimap';
import { parsePlace } from './numbers';
import { drawParts, type Actions } from './parts';
import { Keeper, loadSaved, type Saved } from './saved';
import { Splitter } from './splitter';
import { Store } from './store';
import { t } from './strings';
import { watchTheme } from './theme';

/** Tiles kept besides the overview: 10 MiB. */
const TILES_KEPT = 256;
/** In the browser's timeline: the first cells are on the canvas. */
const FIRST_MAP = 'first map';

export class App implements Actions, PageApi {
  readonly #cache = new TileCache(TILES_KEPT);
  readonly #announcer = new Announcer();
  /** What the page kept when it was last dropped, until it has been put to use. */
  #saved: Saved | undefined = loadSaved();
  readonly #store = new Store(this.#saved?.tab ?? 'cluster');
  readonly #host = new HostLine(this, () => {
    this.#store.update({ isLost: true });
  });
  readonly #map = new MapView(this.#cache, {
    moved: (wish) => {
      this.#moved(wish);
    },
    selected: () => {
      this.#selected();
    },
    inspected: () => {
      this.#inspected();
    },
  });
  readonly #minimap = new Minimap(this.#cache, (byte) => {
    this.#map.navigate((navigator) => {
      navigator.centreOn(byte);
    });
  });
  readonly #blocks = new ByteBlocks(
    (offset, length) => this.#host.readBytes(offset, length),
    () => {
      this.#hex.redraw();
    },
  );
  readonly #hex: HexView = new HexView(this.#blocks, {
    offsetChosen: (byte) => {
      this.goTo(byte);
    },
    describe: (problem) => this.#host.describe(problem),
    scrolled: () => {
      this.#keeper.changed();
    },
  });
  readonly #loader = new CellLoader(this.#cache, (request) => this.#host.cells(request), {
    loaded: (totals) => {
      this.#cellsLoaded(totals);
    },
    failed: (problem) => void this.#mapFailed(problem),
  });
  readonly #splitter = new Splitter(() => {
    this.#keeper.changed();
  });
  readonly #changeDialog = new ChangeDialog({
    guards: () => this.#host.guards(),
    preview: (change) => this.#host.preview(change),
    stage: (change, confirmed) => this.#host.stage(change, confirmed),
    staged: (label) => {
      this.#announcer.say(() => t('Staged: {0}', label));
    },
  });
  readonly #inspection = new Inspection(this.#store, this.#announcer, this.#host);
  readonly #keeper = new Keeper(() => this.#collect());
  readonly #layout: Layout;
  /** Where the host asked to go before there was a disk to go on. */
  #pendingGoTo: number | undefined;

  constructor(root: HTMLElement) {
    const parts = {
      map: this.#map.element,
      minimap: this.#minimap.element,
      hex: this.#hex.element,
      splitter: this.#splitter.element,
      announcer: this.#announcer.element,
      changeDialog: this.#changeDialog.element,
    };
    this.#layout = makeLayout(root, parts, (tab) => {
      this.showTab(tab);
    });
    this.#map.setWords(
      t("Cluster map of the guest's disk"),
      t(
        'Arrow keys, Page Up, Page Down, Home and End move, with Shift they extend the selection; plus and minus zoom, 0 shows the whole disk, Enter inspects.',
      ),
    );
    if (this.#saved?.division) this.#splitter.division = this.#saved.division;
    new ResizeObserver(() => {
      this.#splitter.show();
    }).observe(this.#layout.page);
    drawParts(this.#store, this.#layout, this);
    this.showTab(this.#store.state.tab);
    watchTheme(() => {
      this.#map.themeChanged();
      this.#minimap.themeChanged();
    });
  }

  async start(): Promise<void> {
    const page = await this.#host.ready();
    if (page) this.stateChanged(page);
    else this.#layout.page.classList.remove('is-loading');
  }

  // What the host tells.

  stateChanged(page: PageState): void {
    const before = this.#store.state.page?.image;
    const { summary, generation } = page.image;
    this.#store.update({ page, health: page.health, isLost: false });
    this.#layout.page.classList.remove('is-loading');
    this.#layout.page.classList.toggle('is-unreadable', summary === undefined);
    if (!summary || (before?.summary && before.generation === generation)) return;
    this.#store.update({ mapProblem: undefined });
    const disk = { size: summary.virtualSize, clusterSize: summary.clusterSize };
    this.#imageRead(disk, generation);
    this.#changeDialog.imageChanged(disk);
  }

  healthChanged(health: PageHealth): void {
    const before = this.#store.state.health;
    this.#store.update({ health });
    const hasEnded = before?.kind === 'checking' && health.kind !== 'checking';
    if (hasEnded) this.#announcer.say(() => health.detail);
  }

  scanProgress(): void {
    this.#loader.scanned();
  }

  /** Selects the cluster of a guest byte, in sight, with its bytes beside it. */
  goTo(byte: number): void {
    const disk = this.#disk;
    this.#pendingGoTo = disk ? undefined : byte;
    if (!disk || disk.size === 0) return;
    const target = Math.min(Math.max(0, byte), disk.size - 1);
    this.#map.navigate((navigator) => {
      navigator.goTo(target);
    });
    this.#hex.scrollTo(target);
    this.showTab('cluster');
  }

  showTab(tab: PageTab): void {
    this.#layout.showTab(tab);
    if (tab !== this.#store.state.tab) this.#store.update({ tab });
    this.#keeper.changed();
  }

  /** Opens the dialog of a change; without a range the person says which. */
  openChange(kind: ChangeKind, range: Range | undefined): void {
    const disk = this.#disk;
    if (!disk) return;
    const hasBacking = this.#store.state.page?.image.summary?.backingName !== undefined;
    this.#changeDialog.open(kind, range, disk, hasBacking);
  }

  // What the person does.

  /** The same for what is selected. */
  change(kind: ChangeKind): void {
    this.openChange(kind, this.#store.state.selection);
  }

  goToText(text: string): void {
    const disk = this.#disk;
    if (!disk) return;
    const place = parsePlace(text, disk.clusterSize, disk.size);
    if (place.ok) this.goTo(place.offset);
    const words = { empty: undefined, notANumber: t('Not an offset'), beyondEnd: t("Beyond the disk's end") };
    this.#store.update({ goToProblem: place.ok ? undefined : words[place.reason] });
  }

  zoomBy(steps: number): void {
    zoomAtCursor(this.#map, steps);
  }

  zoomTo(step: number): void {
    this.#map.navigate((navigator) => {
      navigator.zoomTo(step, navigator.focusPoint);
    });
  }

  zoomToSelection(): void {
    this.#map.navigate((navigator) => {
      navigator.zoomToSelection();
    });
  }

  toggleHighlight(kind: CellKind): void {
    this.#highlight(this.#store.state.highlighted === kind ? undefined : kind);
  }

  run(command: PageCommand): void {
    this.#host.run(command);
  }

  retry(): void {
    this.#host.run('retry');
  }

  copy(text: string): void {
    this.#host.copy(text);
  }

  openLayer(depth: number, toTheSide: boolean): void {
    this.#host.openLayer(depth, toTheSide);
  }

  showLayer(depth: number): void {
    this.showTab('chain');
    this.#layout.chain.querySelector(`[data-testid="layer-${depth}"]`)?.scrollIntoView({ block: 'nearest' });
  }

  // What follows from it.

  get #disk(): Disk | undefined {
    const summary = this.#store.state.page?.image.summary;
    return summary && { size: summary.virtualSize, clusterSize: summary.clusterSize };
  }

  /** The image was read, for the first time or anew. */
  #imageRead(disk: Disk, generation: number): void {
    this.#loader.setDisk(disk, generation);
    this.#map.setDisk(disk);
    this.#minimap.setDisk(disk, this.#loader.overviewLevel);
    this.#blocks.clear();
    this.#hex.setDisk(disk.size, disk.clusterSize);
    this.#restore(disk);
    const { selection } = this.#map.navigator;
    this.#inspection.of(selection, disk);
    this.#hex.mark(selection);
    this.#minimap.mark(selection);
    if (this.#pendingGoTo !== undefined) this.goTo(this.#pendingGoTo);
  }

  /** Puts back what the page kept, once. */
  #restore(disk: Disk): void {
    const saved = this.#saved;
    this.#saved = undefined;
    if (!saved) return;
    const { place, selection, highlighted, hexTop } = saved;
    const isOnDisk = selection !== undefined && selection.start + selection.length <= disk.size;
    if (place) this.#map.restore(place, isOnDisk ? selection : undefined);
    if (highlighted) this.#highlight(highlighted);
    this.#hex.scrollTo(hexTop);
  }

  #collect(): Saved {
    const { tab, highlighted } = this.#store.state;
    const { division } = this.#splitter;
    if (this.#saved) return { ...this.#saved, tab, division };
    const { selection } = this.#map.navigator;
    return {
      tab,
      division,
      place: this.#map.navigator.save(),
      selection,
      highlighted,
      hexTop: this.#hex.topByte,
    };
  }

  #highlight(highlighted: CellKind | undefined): void {
    this.#map.highlight(highlighted);
    this.#minimap.highlight(highlighted);
    this.#store.update({ highlighted });
    this.#keeper.changed();
  }

  /** Called in a frame of the map: only what must keep up with it. */
  #moved(wish: Wish): void {
    const { navigator } = this.#map;
    this.#loader.want(wish);
    this.#minimap.show(navigator.visible);
    this.#keeper.changed();
    const zoom = { step: navigator.step, steps: navigator.steps.length, bytesPerCell: wish.bytesPerCell };
    const before = this.#store.state.zoom;
    if (
      before?.step === zoom.step &&
      before.steps === zoom.steps &&
      before.bytesPerCell === zoom.bytesPerCell
    )
      return;
    this.#store.update({ zoom });
  }

  #selected(): void {
    const { selection, disk } = this.#map.navigator;
    this.#inspection.of(selection, disk);
    this.#hex.mark(selection);
    this.#minimap.mark(selection);
    if (selection) this.#hex.scrollTo(selection.start);
    this.#keeper.changed();
  }

  #inspected(): void {
    this.showTab('cluster');
    this.#layout.cluster.focus();
  }

  #cellsLoaded(totals: KindTotals): void {
    this.#store.update({ totals });
    this.#map.redraw();
    this.#minimap.redraw();
    if (performance.getEntriesByName(FIRST_MAP).length > 0) return;
    // After the drawing, which was asked for just now.
    requestAnimationFrame(() => performance.mark(FIRST_MAP));
  }

  async #mapFailed(problem: MaybeProblem): Promise<void> {
    this.#store.update({ mapProblem: await this.#host.describe(problem) });
  }
}
