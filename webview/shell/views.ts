/**
 * The two views of an image, the guest disk and the image file: which one is visible, and how both follow changes of
 * the image. The file view is loaded when it is first shown, since that takes as long as a check.
 */
import type { FileOnMap, KindTotals, PageState } from '../../src/editor/page/messages';
import type { Announcer } from '../base/announcer';
import type { MaybeProblem } from '../host/answers';
import type { HostClient } from '../host/client';
import { HostInspection } from '../state/hostInspection';
import { Inspection } from '../state/inspection';
import { CONTENT_KINDS, FILE_KINDS, GUEST_KINDS } from '../map/kinds';
import { MarkedRanges } from '../map/markedRanges';
import type { Disk } from '../map/geometry';
import { zoomAtCursor } from '../map/input';
import { clusterSpan, selectSpan, type Selection } from '../map/selection';
import { ImageView, type ImageViewEvents, type ImageViewSource } from './imageView';
import type { SavedState } from '../state/savedState';
import { OwnershipInspection } from '../state/ownership';
import { type Colours, diskOf, type MapZoom, type Space, type Store } from '../state/store';
import { t } from '../base/strings';

/** Performance mark: the first cells are on the canvas. */
const FIRST_MAP = 'first map';

export interface ViewsEvents {
  /** Another view was chosen. */
  shown(view: ImageView): void;
  /** The user or the host asked for the details of a cluster. */
  inspected(takesFocus: boolean): void;
  /** The state to save has changed. */
  changed(): void;
}

/** The saved state of the views. */
type SavedViews = Omit<SavedState, 'tab' | 'division'>;

export class Views {
  readonly #guest: ImageView;
  readonly #file: ImageView;
  readonly #inspection: Inspection;
  readonly #hostInspection: HostInspection;
  readonly ownership: OwnershipInspection;
  /** Generation of the image that the file view shows; -1 if it is not loaded. */
  #fileGeneration = -1;
  /** Where to go once the image is read. */
  #pendingGoTo: { readonly space: Space; readonly byte: number } | undefined;
  /** The saved state, until it is restored. */
  #saved: SavedState | undefined;

  readonly #store: Store;
  readonly #host: HostClient;
  readonly #events: ViewsEvents;

  constructor(
    store: Store,
    host: HostClient,
    announcer: Announcer,
    saved: SavedState | undefined,
    events: ViewsEvents,
  ) {
    this.#store = store;
    this.#host = host;
    this.#events = events;
    this.#saved = saved;
    this.#inspection = new Inspection(store, announcer, host);
    this.#hostInspection = new HostInspection(store, announcer, host);
    this.ownership = new OwnershipInspection(store, host);
    this.#guest = this.#makeView('guest', {
      colourings: [
        { kinds: GUEST_KINDS, cells: (request) => host.result(host.calls.cells(request)) },
        { kinds: CONTENT_KINDS, cells: (request) => host.result(host.calls.contentCells(request)) },
      ],
      mapName: t('Cluster map of the guest disk'),
      bytesName: t('Guest bytes'),
      bytes: (offset, length) => host.result(host.calls.readBytes(offset, length)),
    });
    this.#file = this.#makeView('file', {
      colourings: [{ kinds: FILE_KINDS, cells: (request) => host.result(host.calls.hostCells(request)) }],
      mapName: t('Cluster map of the image file'),
      bytesName: t('File bytes'),
      bytes: (offset, length) => host.result(host.calls.readHostBytes(offset, length)),
    });
    if (store.state.colours === 'content') this.#guest.colourBy(CONTENT_KINDS);
  }

  get shown(): ImageView {
    return this.#of(this.#store.state.space);
  }

  /** The guest disk; undefined if the image could not be read. */
  get disk(): Disk | undefined {
    return diskOf(this.#store.state.page);
  }

  /** The image was read, for the first time or again. */
  imageRead(): void {
    const { disk } = this;
    if (!disk) return;
    this.#store.update({
      mapProblem: undefined,
      fileTotals: undefined,
      contentTotals: undefined,
      layoutShare: undefined,
    });
    this.markFile(undefined);
    void this.#readBands();
    this.#guest.setDisk(disk, disk.size);
    if (this.#store.state.space === 'file') this.#readFile();
    this.#restore(disk);
    this.#inspect(this.#guest.selection);
    const pending = this.#pendingGoTo;
    if (pending !== undefined) this.goTo(pending.space, pending.byte);
  }

  /** A compaction has moved clusters of the file: the guest's map stays as it is, and nothing is announced. */
  fileMoved({ image }: PageState): void {
    this.#inspection.refresh();
    this.#askForOwners();
    if (this.#store.state.space !== 'file' || this.#store.state.fileTotals === undefined) {
      this.#fileGeneration = -1;
      if (this.#store.state.space === 'file') this.#readFile();
      return;
    }
    this.#fileGeneration = image.generation;
    this.#file.setDisk(this.#fileDisk, image.fileSize, true);
    if (this.#file.selection === undefined) this.#hostInspection.of(undefined, this.#file.disk);
    else this.#hostInspection.refresh();
  }

  /** The scan of the whole disk has made progress. */
  scanned(): void {
    this.#guest.scanned();
  }

  /** A content scan has ended: cells and details of the guest disk tell what it has found. */
  contentsScanned(): void {
    const { disk } = this;
    if (!disk) return;
    this.#guest.cellsChanged();
    this.#inspection.of(this.#guest.selection, disk);
  }

  /** The tables are being read for the file view. @param share 0 to 1 */
  layoutGotTo(share: number): void {
    if (this.#store.state.space !== 'file' || this.#store.state.fileTotals) return;
    this.#store.update({ layoutShare: share });
  }

  /** Switches between the guest disk and the image file. */
  show(space: Space): void {
    if (space === this.#store.state.space) return;
    const { zoom } = this.#of(space);
    this.#store.update({ space, highlighted: undefined, mapProblem: undefined, zoom });
    for (const view of [this.#guest, this.#file]) view.highlight(undefined);
    this.#events.shown(this.shown);
    if (space === 'file') this.#readFile();
    else this.#leaveFile();
    this.#events.changed();
  }

  /** Chooses what the colours of the guest view say. */
  colourBy(colours: Colours): void {
    if (colours === this.#store.state.colours) return;
    this.#store.update({ colours, mapProblem: undefined });
    this.highlight(undefined);
    this.#guest.colourBy(colours === 'content' ? CONTENT_KINDS : GUEST_KINDS);
  }

  /** Marks where a file of the guest lies, and selects its start; undefined takes the marks away. */
  markFile(file: FileOnMap | undefined): void {
    if (file === undefined && this.#store.state.file === undefined) return;
    this.#store.update({ file });
    this.#guest.markFile(file && new MarkedRanges(file.places.pieces));
    if (file?.places.first !== undefined) this.goTo('guest', file.places.first);
  }

  /** Selects the cluster of a byte, and scrolls map and bytes to it. */
  goTo(space: Space, byte: number): void {
    const { disk } = this;
    const isThere = disk !== undefined && (disk.size > 0 || space === 'file');
    this.#pendingGoTo = isThere ? undefined : { space, byte };
    if (!isThere) return;
    this.show(space);
    if (space === 'file' && byte >= this.#fileDisk.size) this.#inspectBeyond(byte);
    else this.shown.goTo(byte);
    this.#events.inspected(false);
  }

  /** Beyond the end of the file there is no cell to select, but the references to the cluster can be shown. */
  #inspectBeyond(byte: number): void {
    const disk = { size: Infinity, clusterSize: this.#fileDisk.clusterSize };
    this.#file.map.navigate((navigator) => {
      navigator.selection = undefined;
    });
    this.#hostInspection.of(selectSpan(clusterSpan(byte, disk)), disk);
  }

  zoomBy(steps: number): void {
    zoomAtCursor(this.shown.map, steps);
  }

  zoomTo(step: number): void {
    this.shown.map.navigate((navigator) => {
      navigator.zoomTo(step, navigator.focusPoint);
    });
  }

  zoomToSelection(): void {
    this.shown.map.navigate((navigator) => {
      navigator.zoomToSelection();
    });
  }

  /** Fades all other kinds in the visible view. */
  highlight(highlighted: string | undefined): void {
    this.shown.highlight(highlighted);
    this.#store.update({ highlighted });
    this.#events.changed();
  }

  themeChanged(): void {
    this.#guest.themeChanged();
    this.#file.themeChanged();
  }

  collect(): SavedViews {
    const { space, colours, highlighted } = this.#store.state;
    if (this.#saved) return { ...this.#saved, space, colours };
    return {
      space,
      colours,
      place: this.#guest.map.navigator.save(),
      selection: this.#guest.selection,
      filePlace: this.#file.map.navigator.save(),
      fileSelection: this.#file.selection,
      highlighted,
      hexTop: this.shown.hex.topByte,
    };
  }

  /** Where the disk cannot be looked into, it has no bands. */
  async #readBands(): Promise<void> {
    const { generation } = this.#store.state.page?.image ?? {};
    const answer = await this.#host.result(this.#host.calls.bands());
    if (generation === this.#store.state.page?.image.generation)
      this.#guest.setBands(answer.ok ? answer.value : []);
  }

  #inspect(selection: Selection | undefined): void {
    this.#inspection.of(selection, this.#guest.disk);
    this.#askForOwners();
  }

  /** Of the first cluster of the selection, as its details are. */
  #askForOwners(): void {
    const { selection, disk } = this.#guest;
    this.ownership.of(selection && { start: selection.start, length: disk.clusterSize });
  }

  #of(space: Space): ImageView {
    return space === 'guest' ? this.#guest : this.#file;
  }

  #makeView(space: Space, source: Omit<ImageViewSource, 'mapHelp' | 'describe'>): ImageView {
    const mapHelp = t(
      'Arrow keys, Page Up, Page Down, Home and End move the selection; hold Shift to extend it. Plus and minus zoom, 0 shows the whole disk, Enter opens the details.',
    );
    const describe = (problem: MaybeProblem): Promise<string> => this.#host.describe(problem);
    return new ImageView({ ...source, mapHelp, describe }, this.#eventsOf(space));
  }

  #eventsOf(space: Space): ImageViewEvents {
    return {
      moved: (zoom) => {
        if (this.#store.state.space === space) this.#zoomed(zoom);
      },
      selected: (selection) => {
        if (space === 'guest') this.#inspect(selection);
        else this.#hostInspection.of(selection, this.#file.disk);
      },
      inspected: () => {
        this.#events.inspected(true);
      },
      loaded: (totals, kinds) => {
        if (kinds === CONTENT_KINDS) this.#store.update({ contentTotals: totals });
        else if (space === 'guest') this.#cellsLoaded(totals);
        else this.#store.update({ fileTotals: totals, layoutShare: undefined });
      },
      failed: (problem, kinds) => void this.#mapFailed(space, problem, kinds === CONTENT_KINDS),
      offsetChosen: (byte) => {
        this.goTo(space, byte);
      },
      changed: () => {
        this.#events.changed();
      },
    };
  }

  /** The file as the file view shows it, in whole clusters. */
  get #fileDisk(): Disk {
    const { fileSize = 0, summary } = this.#store.state.page?.image ?? {};
    const clusterSize = summary?.clusterSize ?? 1;
    return { size: Math.ceil(fileSize / clusterSize) * clusterSize, clusterSize };
  }

  /** Loads the file view unless it is up to date. */
  #readFile(): void {
    const { image } = this.#store.state.page ?? {};
    if (!image?.summary || this.#fileGeneration === image.generation) return;
    this.#fileGeneration = image.generation;
    this.#store.update({ fileTotals: undefined, layoutShare: 0 });
    this.#file.setDisk(this.#fileDisk, image.fileSize);
    this.#hostInspection.of(this.#file.selection, this.#file.disk);
  }

  /** Stops loading the file view; a complete one is kept. */
  #leaveFile(): void {
    if (this.#store.state.fileTotals) return;
    this.#fileGeneration = -1;
    this.#store.update({ layoutShare: undefined });
    this.#host.send(this.#host.calls.leaveFile());
  }

  /** Restores the saved state, once. */
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
    if (highlighted) this.highlight(highlighted);
    this.shown.hex.scrollTo(hexTop);
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
    // The cells are drawn in the next frame.
    requestAnimationFrame(() => performance.mark(FIRST_MAP));
  }

  async #mapFailed(space: Space, problem: MaybeProblem, isContent: boolean): Promise<void> {
    if (problem?.kind === 'cancelled') {
      // Loading was stopped because the file view was left; if it is visible again, load it again.
      if (space === 'file' && this.#store.state.space === 'file') {
        this.#fileGeneration = -1;
        this.#readFile();
      }
      return;
    }
    const mapProblem = await this.#host.describe(problem);
    const isShown = space === 'file' || isContent === (this.#store.state.colours === 'content');
    if (isShown && space === this.#store.state.space)
      this.#store.update({ mapProblem, layoutShare: undefined });
  }
}

const within = (selection: Selection | undefined, disk: Disk): Selection | undefined =>
  selection !== undefined && selection.start + selection.length <= disk.size ? selection : undefined;
