/**
 * Puts the page together: what the host tells goes into the store and the map, what the person does goes to the map,
 * the host or the store, and every part is drawn from there.
 */
import type {
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
import { HostLine } from './host';
import { HostInspection } from './hostInspection';
import { Inspection } from './inspection';
import { FILE_KINDS, GUEST_KINDS } from './kinds';
import { makeLayout, type Layout } from './layout';
import { zoomAtCursor } from './map/input';
import type { Disk } from './map/geometry';
import type { Selection } from './map/selection';
import { parsePlace } from './numbers';
import { drawParts, type Actions } from './parts';
import { Picture, type PictureEvents, type PictureSource } from './picture';
import { Keeper, loadSaved, type Saved } from './saved';
import { RepairDialog } from './repair/dialog';
import { Splitter } from './splitter';
import { Store, type MapZoom, type Space } from './store';
import { t } from './strings';
import { watchTheme } from './theme';

/** In the browser's timeline: the first cells are on the canvas. */
const FIRST_MAP = 'first map';

export class App implements Actions, PageApi {
  readonly #announcer = new Announcer();
  /** What the page kept when it was last dropped, until it has been put to use. */
  #saved: Saved | undefined = loadSaved();
  readonly #store = new Store(this.#saved?.tab ?? 'cluster', this.#saved?.space ?? 'guest');
  readonly #host = new HostLine(this, () => {
    this.#store.update({ isLost: true });
  });
  readonly #guest = this.#picture('guest', {
    kinds: GUEST_KINDS,
    mapName: t("Cluster map of the guest's disk"),
    bytesName: t("The guest's bytes"),
    cells: (request) => this.#host.cells(request),
    bytes: (offset, length) => this.#host.readBytes(offset, length),
  });
  readonly #file = this.#picture('file', {
    kinds: FILE_KINDS,
    mapName: t('Cluster map of the image file'),
    bytesName: t("The file's bytes"),
    cells: (request) => this.#host.hostCells(request),
    bytes: (offset, length) => this.#host.readHostBytes(offset, length),
  });
  /** Of the state of the image that the file view has; -1 where it has none. */
  #fileGeneration = -1;
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
  readonly #repairDialog = new RepairDialog({
    guards: () => this.#host.repairGuards(),
    preview: (mode) => this.#host.previewRepair(mode),
    stopPreview: () => {
      this.#host.stopPreview();
    },
    stage: (mode, confirmed) => this.#host.stageRepair(mode, confirmed),
    staged: (label) => {
      this.#announcer.say(() => t('Staged: {0}', label));
    },
  });
  readonly #inspection = new Inspection(this.#store, this.#announcer, this.#host);
  readonly #hostInspection = new HostInspection(this.#store, this.#announcer, this.#host);
  readonly #keeper = new Keeper(() => this.#collect());
  readonly #layout: Layout;
  /** Where the host asked to go before there was a disk to go on. */
  #pendingGoTo: { readonly space: Space; readonly byte: number } | undefined;

  constructor(root: HTMLElement) {
    const parts = {
      splitter: this.#splitter.element,
      announcer: this.#announcer.element,
      changeDialog: this.#changeDialog.element,
      repairDialog: this.#repairDialog.element,
    };
    this.#layout = makeLayout(root, parts, (tab) => {
      this.showTab(tab);
    });
    this.#layout.show(this.#shown);
    if (this.#saved?.division) this.#splitter.division = this.#saved.division;
    new ResizeObserver(() => {
      this.#splitter.show();
    }).observe(this.#layout.page);
    drawParts(this.#store, this.#layout, this);
    this.showTab(this.#store.state.tab);
    watchTheme(() => {
      this.#guest.themeChanged();
      this.#file.themeChanged();
    });
  }

  #picture(space: Space, source: Omit<PictureSource, 'mapHelp' | 'describe'>): Picture {
    const mapHelp = t(
      'Arrow keys, Page Up, Page Down, Home and End move, with Shift they extend the selection; plus and minus zoom, 0 shows the whole disk, Enter inspects.',
    );
    return new Picture(
      { ...source, mapHelp, describe: (problem) => this.#host.describe(problem) },
      this.#eventsOf(space),
    );
  }

  #eventsOf(space: Space): PictureEvents {
    const isShown = (): boolean => this.#store.state.space === space;
    return {
      moved: (zoom) => {
        if (isShown()) this.#zoomed(zoom);
      },
      selected: (selection) => {
        if (space === 'guest') this.#inspection.of(selection, this.#guest.disk);
        else this.#hostInspection.of(selection, this.#file.disk);
      },
      inspected: () => {
        this.showTab('cluster');
        this.#layout.cluster.focus();
      },
      loaded: (totals) => {
        if (space === 'guest') this.#cellsLoaded(totals);
        else this.#store.update({ fileTotals: totals, layoutShare: undefined });
      },
      failed: (problem) => void this.#mapFailed(space, problem),
      offsetChosen: (byte) => {
        this.#goTo(space, byte);
      },
      changed: () => {
        this.#keeper.changed();
      },
    };
  }

  get #shown(): Picture {
    return this.#store.state.space === 'guest' ? this.#guest : this.#file;
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
    this.#store.update({ mapProblem: undefined, fileTotals: undefined, layoutShare: undefined });
    const disk = { size: summary.virtualSize, clusterSize: summary.clusterSize };
    this.#imageRead(disk, generation);
    this.#changeDialog.imageChanged(disk);
    this.#repairDialog.imageChanged();
  }

  healthChanged(health: PageHealth): void {
    const before = this.#store.state.health;
    this.#store.update({ health });
    const hasEnded = before?.kind === 'checking' && health.kind !== 'checking';
    if (hasEnded) this.#announcer.say(() => health.detail);
  }

  scanProgress(): void {
    this.#guest.scanned();
  }

  layoutProgress(done: number, total: number): void {
    if (this.#store.state.space !== 'file' || this.#store.state.fileTotals) return;
    this.#store.update({ layoutShare: total === 0 ? 0 : done / total });
  }

  /** Selects the cluster of a guest byte, in sight, with its bytes beside it. */
  goTo(byte: number): void {
    this.#goTo('guest', byte);
  }

  goToHost(byte: number): void {
    this.#goTo('file', byte);
  }

  /** Switches between the guest's disk and the image file. */
  showSpace(space: Space): void {
    if (space === this.#store.state.space) return;
    this.#store.update({ space, highlighted: undefined, mapProblem: undefined, zoom: this.#zoomOf(space) });
    for (const picture of [this.#guest, this.#file]) picture.highlight(undefined);
    this.#layout.show(this.#shown);
    if (space === 'file') this.#readFile();
    else this.#leaveFile();
    this.#keeper.changed();
  }

  showTab(tab: PageTab): void {
    this.#layout.showTab(tab);
    if (tab !== this.#store.state.tab) this.#store.update({ tab });
    this.#keeper.changed();
  }

  openRepair(): void {
    const { health, page } = this.#store.state;
    if (page?.image.summary) this.#repairDialog.open(health?.kind === 'leaks' ? 'leaks' : 'all');
  }

  /** Opens the dialog of a change; without a range the person says which. */
  openChange(kind: ChangeKind, range: Range | undefined): void {
    const disk = this.#disk;
    if (!disk) return;
    const hasBacking = this.#store.state.page?.image.summary?.backingName !== undefined;
    this.#changeDialog.open(kind, range, disk, hasBacking);
  }

  // What the person does.

  /** The same for what is selected, where that can be seen. */
  change(kind: ChangeKind): void {
    const { space, selection } = this.#store.state;
    this.openChange(kind, space === 'guest' ? selection : undefined);
  }

  goToText(text: string): void {
    const { size, clusterSize } = this.#shown.disk;
    if (size === 0) return;
    const place = parsePlace(text, clusterSize, size);
    const { space } = this.#store.state;
    if (place.ok) this.#goTo(space, place.offset);
    const beyondEnd = space === 'guest' ? t("Beyond the disk's end") : t("Beyond the file's end");
    const words = { empty: undefined, notANumber: t('Not an offset'), beyondEnd };
    this.#store.update({ goToProblem: place.ok ? undefined : words[place.reason] });
  }

  zoomBy(steps: number): void {
    zoomAtCursor(this.#shown.map, steps);
  }

  zoomTo(step: number): void {
    this.#shown.map.navigate((navigator) => {
      navigator.zoomTo(step, navigator.focusPoint);
    });
  }

  zoomToSelection(): void {
    this.#shown.map.navigate((navigator) => {
      navigator.zoomToSelection();
    });
  }

  toggleHighlight(kind: string): void {
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

  changeBacking(depth: number): void {
    this.#host.changeBacking(depth);
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

  /** What the file view shows: the file in whole clusters. */
  get #fileDisk(): Disk {
    const { fileSize = 0, summary } = this.#store.state.page?.image ?? {};
    const clusterSize = summary?.clusterSize ?? 1;
    return { size: Math.ceil(fileSize / clusterSize) * clusterSize, clusterSize };
  }

  /** The image was read, for the first time or anew. */
  #imageRead(disk: Disk, generation: number): void {
    this.#guest.setDisk(disk, disk.size, generation);
    if (this.#store.state.space === 'file') this.#readFile();
    this.#restore(disk);
    this.#inspection.of(this.#guest.selection, disk);
    const pending = this.#pendingGoTo;
    if (pending !== undefined) this.#goTo(pending.space, pending.byte);
  }

  /** The file view is shown, and wants what it does not have yet: that takes as long as a check. */
  #readFile(): void {
    const { image } = this.#store.state.page ?? {};
    if (!image?.summary || this.#fileGeneration === image.generation) return;
    this.#fileGeneration = image.generation;
    this.#store.update({ fileTotals: undefined, layoutShare: 0 });
    this.#file.setDisk(this.#fileDisk, image.fileSize, image.generation);
    this.#hostInspection.of(this.#file.selection, this.#file.disk);
  }

  /** Nobody waits for it any more; what is there stays. */
  #leaveFile(): void {
    if (this.#store.state.fileTotals) return;
    this.#fileGeneration = -1;
    this.#store.update({ layoutShare: undefined });
    this.#host.leaveFile();
  }

  #goTo(space: Space, byte: number): void {
    const isThere = (this.#disk?.size ?? 0) > 0 || (space === 'file' && this.#disk !== undefined);
    this.#pendingGoTo = isThere ? undefined : { space, byte };
    if (!isThere) return;
    this.showSpace(space);
    this.#shown.goTo(byte);
    this.showTab('cluster');
  }

  #zoomOf(space: Space): MapZoom {
    return (space === 'guest' ? this.#guest : this.#file).zoom;
  }

  /** Puts back what the page kept, once. */
  #restore(disk: Disk): void {
    const saved = this.#saved;
    this.#saved = undefined;
    if (!saved) return;
    const { place, selection, filePlace, fileSelection, highlighted, hexTop } = saved;
    if (place) this.#guest.restore(place, within(selection, disk));
    if (filePlace && this.#store.state.space === 'file') {
      this.#file.restore(filePlace, within(fileSelection, this.#fileDisk));
      this.#hostInspection.of(this.#file.selection, this.#file.disk);
    }
    if (highlighted) this.#highlight(highlighted);
    this.#shown.hex.scrollTo(hexTop);
  }

  #collect(): Saved {
    const { tab, space, highlighted } = this.#store.state;
    const { division } = this.#splitter;
    if (this.#saved) return { ...this.#saved, tab, space, division };
    return {
      tab,
      space,
      division,
      place: this.#guest.map.navigator.save(),
      selection: this.#guest.selection,
      filePlace: this.#file.map.navigator.save(),
      fileSelection: this.#file.selection,
      highlighted,
      hexTop: this.#shown.hex.topByte,
    };
  }

  #highlight(highlighted: string | undefined): void {
    this.#shown.highlight(highlighted);
    this.#store.update({ highlighted });
    this.#keeper.changed();
  }

  #zoomed(zoom: MapZoom): void {
    const before = this.#store.state.zoom;
    if (
      before?.step === zoom.step &&
      before.steps === zoom.steps &&
      before.bytesPerCell === zoom.bytesPerCell
    )
      return;
    this.#store.update({ zoom });
  }

  #cellsLoaded(totals: KindTotals): void {
    this.#store.update({ totals });
    if (performance.getEntriesByName(FIRST_MAP).length > 0) return;
    // After the drawing, which is asked for just now.
    requestAnimationFrame(() => performance.mark(FIRST_MAP));
  }

  async #mapFailed(space: Space, problem: MaybeProblem): Promise<void> {
    if (problem?.kind === 'cancelled') {
      // Stopped for a page that has left the file view; this one has come back, or is another.
      if (space === 'file' && this.#store.state.space === 'file') {
        this.#fileGeneration = -1;
        this.#readFile();
      }
      return;
    }
    const mapProblem = await this.#host.describe(problem);
    if (space === this.#store.state.space) this.#store.update({ mapProblem, layoutShare: undefined });
  }
}

const within = (selection: Selection | undefined, disk: Disk): Selection | undefined =>
  selection !== undefined && selection.start + selection.length <= disk.size ? selection : undefined;
