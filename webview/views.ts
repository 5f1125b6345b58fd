/**
 * The two views of an image, the guest's disk and the image file: which one is shown, where it is, and what becomes of
 * both when the image changes. The file's is filled when it is first shown, since that takes as long as a check.
 */
import type { KindTotals, PageState } from '../src/editor/page/messages';
import type { Announcer } from './announce';
import type { MaybeProblem } from './answers';
import type { HostLine } from './host';
import { HostInspection } from './hostInspection';
import { Inspection } from './inspection';
import { FILE_KINDS, GUEST_KINDS } from './kinds';
import type { Disk } from './map/geometry';
import { zoomAtCursor } from './map/input';
import { clusterSpan, selectSpan, type Selection } from './map/selection';
import { Picture, type PictureEvents, type PictureSource } from './picture';
import type { Saved } from './saved';
import type { MapZoom, Space, Store } from './store';
import { t } from './strings';

/** In the browser's timeline: the first cells are on the canvas. */
const FIRST_MAP = 'first map';

export interface ViewsEvents {
  /** Another view is to be seen. */
  shown(picture: Picture): void;
  /** The person, or the host, wants to see the details of a cluster. */
  inspected(takesFocus: boolean): void;
  /** What the page keeps is another now. */
  changed(): void;
}

/** What the page keeps of the views. */
type SavedViews = Omit<Saved, 'tab' | 'division'>;

export class Views {
  readonly #guest: Picture;
  readonly #file: Picture;
  readonly #inspection: Inspection;
  readonly #hostInspection: HostInspection;
  /** Of the state of the image that the file view has; -1 where it has none. */
  #fileGeneration = -1;
  /** Where the host asked to go before there was a disk to go on. */
  #pendingGoTo: { readonly space: Space; readonly byte: number } | undefined;
  /** What the page kept when it was last dropped, until it has been put to use. */
  #saved: Saved | undefined;

  constructor(
    private readonly store: Store,
    private readonly host: HostLine,
    announcer: Announcer,
    saved: Saved | undefined,
    private readonly events: ViewsEvents,
  ) {
    this.#saved = saved;
    this.#inspection = new Inspection(store, announcer, host);
    this.#hostInspection = new HostInspection(store, announcer, host);
    this.#guest = this.#picture('guest', {
      kinds: GUEST_KINDS,
      mapName: t("Cluster map of the guest's disk"),
      bytesName: t("The guest's bytes"),
      cells: (request) => host.cells(request),
      bytes: (offset, length) => host.readBytes(offset, length),
    });
    this.#file = this.#picture('file', {
      kinds: FILE_KINDS,
      mapName: t('Cluster map of the image file'),
      bytesName: t("The file's bytes"),
      cells: (request) => host.hostCells(request),
      bytes: (offset, length) => host.readHostBytes(offset, length),
    });
  }

  get shown(): Picture {
    return this.#of(this.store.state.space);
  }

  /** The guest's disk. */
  get disk(): Disk | undefined {
    const summary = this.store.state.page?.image.summary;
    return summary && { size: summary.virtualSize, clusterSize: summary.clusterSize };
  }

  /** The image was read, for the first time or anew. */
  imageRead({ image }: PageState): void {
    const { disk } = this;
    if (!disk) return;
    this.store.update({ mapProblem: undefined, fileTotals: undefined, layoutShare: undefined });
    this.#guest.setDisk(disk, disk.size, image.generation);
    if (this.store.state.space === 'file') this.#readFile();
    this.#restore(disk);
    this.#inspection.of(this.#guest.selection, disk);
    const pending = this.#pendingGoTo;
    if (pending !== undefined) this.goTo(pending.space, pending.byte);
  }

  /** The whole-disk scan got further. */
  scanned(): void {
    this.#guest.scanned();
  }

  /** The tables are being read for the file view. @param share 0 to 1 */
  layoutGotTo(share: number): void {
    if (this.store.state.space !== 'file' || this.store.state.fileTotals) return;
    this.store.update({ layoutShare: share });
  }

  /** Switches between the guest's disk and the image file. */
  show(space: Space): void {
    if (space === this.store.state.space) return;
    const { zoom } = this.#of(space);
    this.store.update({ space, highlighted: undefined, mapProblem: undefined, zoom });
    for (const picture of [this.#guest, this.#file]) picture.highlight(undefined);
    this.events.shown(this.shown);
    if (space === 'file') this.#readFile();
    else this.#leaveFile();
    this.events.changed();
  }

  /** Selects the cluster of a byte, in sight, with its bytes beside it. */
  goTo(space: Space, byte: number): void {
    const { disk } = this;
    const isThere = disk !== undefined && (disk.size > 0 || space === 'file');
    this.#pendingGoTo = isThere ? undefined : { space, byte };
    if (!isThere) return;
    this.show(space);
    if (space === 'file' && byte >= this.#fileDisk.size) this.#inspectBeyond(byte);
    else this.shown.goTo(byte);
    this.events.inspected(false);
  }

  /** There is no cell to select past the end of the file; who refers to such a cluster can be told. */
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

  /** Fades all other kinds of the view that is shown. */
  highlight(highlighted: string | undefined): void {
    this.shown.highlight(highlighted);
    this.store.update({ highlighted });
    this.events.changed();
  }

  themeChanged(): void {
    this.#guest.themeChanged();
    this.#file.themeChanged();
  }

  collect(): SavedViews {
    const { space, highlighted } = this.store.state;
    if (this.#saved) return { ...this.#saved, space };
    return {
      space,
      place: this.#guest.map.navigator.save(),
      selection: this.#guest.selection,
      filePlace: this.#file.map.navigator.save(),
      fileSelection: this.#file.selection,
      highlighted,
      hexTop: this.shown.hex.topByte,
    };
  }

  #of(space: Space): Picture {
    return space === 'guest' ? this.#guest : this.#file;
  }

  #picture(space: Space, source: Omit<PictureSource, 'mapHelp' | 'describe'>): Picture {
    const mapHelp = t(
      'Arrow keys, Page Up, Page Down, Home and End move, with Shift they extend the selection; plus and minus zoom, 0 shows the whole disk, Enter inspects.',
    );
    const describe = (problem: MaybeProblem): Promise<string> => this.host.describe(problem);
    return new Picture({ ...source, mapHelp, describe }, this.#eventsOf(space));
  }

  #eventsOf(space: Space): PictureEvents {
    return {
      moved: (zoom) => {
        if (this.store.state.space === space) this.#zoomed(zoom);
      },
      selected: (selection) => {
        if (space === 'guest') this.#inspection.of(selection, this.#guest.disk);
        else this.#hostInspection.of(selection, this.#file.disk);
      },
      inspected: () => {
        this.events.inspected(true);
      },
      loaded: (totals) => {
        if (space === 'guest') this.#cellsLoaded(totals);
        else this.store.update({ fileTotals: totals, layoutShare: undefined });
      },
      failed: (problem) => void this.#mapFailed(space, problem),
      offsetChosen: (byte) => {
        this.goTo(space, byte);
      },
      changed: () => {
        this.events.changed();
      },
    };
  }

  /** What the file view shows: the file in whole clusters. */
  get #fileDisk(): Disk {
    const { fileSize = 0, summary } = this.store.state.page?.image ?? {};
    const clusterSize = summary?.clusterSize ?? 1;
    return { size: Math.ceil(fileSize / clusterSize) * clusterSize, clusterSize };
  }

  /** The file view is shown, and asks for what it does not have yet. */
  #readFile(): void {
    const { image } = this.store.state.page ?? {};
    if (!image?.summary || this.#fileGeneration === image.generation) return;
    this.#fileGeneration = image.generation;
    this.store.update({ fileTotals: undefined, layoutShare: 0 });
    this.#file.setDisk(this.#fileDisk, image.fileSize, image.generation);
    this.#hostInspection.of(this.#file.selection, this.#file.disk);
  }

  /** Nobody waits for it any more; what is there stays. */
  #leaveFile(): void {
    if (this.store.state.fileTotals) return;
    this.#fileGeneration = -1;
    this.store.update({ layoutShare: undefined });
    this.host.leaveFile();
  }

  /** Puts back what the page kept, once. */
  #restore(disk: Disk): void {
    const saved = this.#saved;
    this.#saved = undefined;
    if (!saved) return;
    const { place, selection, filePlace, fileSelection, highlighted, hexTop } = saved;
    if (place) this.#guest.restore(place, within(selection, disk));
    if (filePlace && this.store.state.space === 'file') {
      this.#file.restore(filePlace, within(fileSelection, this.#fileDisk));
      this.#hostInspection.of(this.#file.selection, this.#file.disk);
    }
    if (highlighted) this.highlight(highlighted);
    this.shown.hex.scrollTo(hexTop);
  }

  #zoomed(zoom: MapZoom): void {
    const before = this.store.state.zoom;
    if (
      before?.step === zoom.step &&
      before.steps === zoom.steps &&
      before.bytesPerCell === zoom.bytesPerCell
    )
      return;
    this.store.update({ zoom });
  }

  #cellsLoaded(totals: KindTotals): void {
    this.store.update({ totals });
    if (performance.getEntriesByName(FIRST_MAP).length > 0) return;
    // After the drawing, which is asked for just now.
    requestAnimationFrame(() => performance.mark(FIRST_MAP));
  }

  async #mapFailed(space: Space, problem: MaybeProblem): Promise<void> {
    if (problem?.kind === 'cancelled') {
      // Stopped for a page that has left the file view; this one has come back, or is another.
      if (space === 'file' && this.store.state.space === 'file') {
        this.#fileGeneration = -1;
        this.#readFile();
      }
      return;
    }
    const mapProblem = await this.host.describe(problem);
    if (space === this.store.state.space) this.store.update({ mapProblem, layoutShare: undefined });
  }
}

const within = (selection: Selection | undefined, disk: Disk): Selection | undefined =>
  selection !== undefined && selection.start + selection.length <= disk.size ? selection : undefined;
