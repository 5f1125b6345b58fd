/**
 * One of the two views of an image: the guest disk or the image file. A view has its own map, overview bar and bytes,
 * with their caches; the page shows one view at a time.
 */
import type { CellsRequest, GuestBand, KindTotals, MapCells } from '../../src/editor/page/messages';
import type { MaybeProblem, HostResult } from '../host/answers';
import { ByteBlocks } from '../bytes/blocks';
import { HexView } from '../bytes/view';
import type { KindSet } from '../map/kinds';
import type { Disk } from '../map/geometry';
import { BandGutter } from '../map/bands';
import { CellLoader, type CellRange } from '../map/loader';
import type { MarkedRanges } from '../map/markedRanges';
import type { SavedPlace } from '../map/navigator';
import { selectSpan, type Selection } from '../map/selection';
import { TileCache } from '../map/tiles';
import { MapView } from '../map/view';
import { Minimap } from '../map/minimap';
import type { MapZoom } from '../state/store';

/** A colouring with what was fetched of it. */
interface Face {
  readonly kinds: KindSet;
  readonly cache: TileCache;
  readonly loader: CellLoader;
  /** The disk was read again since its cells were fetched. */
  isOutdated: boolean;
}

/** Tiles kept besides the overview: 13 MiB. */
const TILES_KEPT = 256;

/** Source of a view's cells and bytes, and its labels. */
/** One way to colour the cells of a disk. */
export interface Colouring {
  readonly kinds: KindSet;
  cells(request: CellsRequest): Promise<HostResult<MapCells>>;
}

export interface ImageViewSource {
  /** The first one is shown at first. */
  readonly colourings: readonly [Colouring, ...Colouring[]];
  /** Names of the map and of the bytes, for screen readers. */
  readonly mapName: string;
  readonly mapHelp: string;
  readonly bytesName: string;
  bytes(offset: number, length: number): Promise<HostResult<Uint8Array>>;
  describe(problem: MaybeProblem): Promise<string>;
}

export interface ImageViewEvents {
  /** Called in an animation frame: do no more than must keep up with the map. */
  moved(zoom: MapZoom): void;
  selected(selection: Selection | undefined): void;
  /** Enter was pressed on the selection. */
  inspected(): void;
  /** @param kinds of the colouring */
  loaded(totals: KindTotals, kinds: KindSet): void;
  failed(problem: MaybeProblem, kinds: KindSet): void;
  /** An offset was chosen in the bytes. */
  offsetChosen(byte: number): void;
  /** The state to save has changed. */
  changed(): void;
}

export class ImageView {
  readonly map: MapView;
  readonly minimap: Minimap;
  readonly bands: BandGutter;
  readonly hex: HexView;
  readonly #faces: readonly [Face, ...Face[]];
  #face: Face;
  readonly #blocks: ByteBlocks;

  constructor(source: ImageViewSource, events: ImageViewEvents) {
    const [first, ...others] = source.colourings;
    this.#faces = [this.#makeFace(first, events), ...others.map((each) => this.#makeFace(each, events))];
    this.#face = this.#faces[0];
    const { cache, kinds } = this.#face;
    this.map = new MapView(cache, kinds, {
      moved: (range) => {
        this.#moved(range, events);
      },
      selected: (selection) => {
        this.#mark(selection);
        if (selection) this.hex.scrollTo(selection.start);
        events.selected(selection);
        events.changed();
      },
      inspected: () => {
        events.inspected();
      },
    });
    this.map.setWords(source.mapName, source.mapHelp);
    this.minimap = new Minimap(cache, kinds, (byte) => {
      this.map.navigate((navigator) => {
        navigator.centreOn(byte);
      });
    });
    this.bands = new BandGutter((start, end) => {
      this.select(start, end);
    });
    this.minimap.element.prepend(this.bands.overview);
    this.#blocks = new ByteBlocks(
      (offset, length) => source.bytes(offset, length),
      () => {
        this.hex.redraw();
      },
    );
    this.hex = new HexView(
      this.#blocks,
      {
        offsetChosen: (byte) => {
          events.offsetChosen(byte);
        },
        describe: (problem) => source.describe(problem),
        scrolled: () => {
          events.changed();
        },
      },
      source.bytesName,
    );
  }

  #makeFace(colouring: Colouring, events: ImageViewEvents): Face {
    const { kinds } = colouring;
    const cache = new TileCache(TILES_KEPT, kinds.kinds.length);
    const loader = new CellLoader(cache, (request) => colouring.cells(request), {
      loaded: (totals) => {
        events.loaded(totals, kinds);
        this.map.redraw();
        this.minimap.redraw();
      },
      failed: (problem) => {
        events.failed(problem, kinds);
      },
    });
    return { kinds, cache, loader, isOutdated: true };
  }

  /** Shows the colouring of a set of kinds; its cells are fetched when it is shown. */
  colourBy(kinds: KindSet): void {
    const face = this.#faces.find((each) => each.kinds === kinds);
    if (face === undefined || face === this.#face) return;
    this.#face = face;
    if (face.isOutdated) this.#load(face, this.disk);
    this.map.setKinds(face.cache, kinds);
    this.minimap.setKinds(face.cache, kinds);
  }

  #load(face: Face, disk: Disk): void {
    face.isOutdated = false;
    face.loader.setDisk(disk);
  }

  /** Marks where a file lies. */
  markFile(ranges: MarkedRanges | undefined): void {
    this.map.markFile(ranges);
    this.minimap.markFile(ranges);
  }

  get disk(): Disk {
    return this.map.navigator.disk;
  }

  get selection(): Selection | undefined {
    return this.map.navigator.selection;
  }

  get zoom(): MapZoom {
    const { step, steps, view } = this.map.navigator;
    return { step, steps: steps.length, bytesPerCell: view.bytesPerCell };
  }

  /**
   * The image was read, for the first time or again.
   * @param byteCount number of bytes; a file may end within a cluster
   * @param keepsBytes until they are fetched again
   */
  setDisk(disk: Disk, byteCount: number, keepsBytes = false): void {
    for (const face of this.#faces) face.isOutdated = true;
    this.#load(this.#face, disk);
    this.map.setDisk(disk);
    this.minimap.setDisk(disk, this.#face.loader.overviewLevel);
    if (keepsBytes) this.#blocks.outdate();
    else this.#blocks.clear();
    this.hex.setDisk(byteCount, disk.clusterSize);
    this.#mark(this.selection);
  }

  /** There is more to tell of the same disk: cells are fetched again. */
  cellsChanged(): void {
    this.#faces[0].loader.startOver();
  }

  /** The scan of the whole disk has made progress. */
  scanned(): void {
    this.#faces[0].loader.scanned();
  }

  /** Selects a range, and scrolls map and bytes to its start. */
  select(start: number, end: number): void {
    this.map.navigate((navigator) => {
      navigator.goTo(start);
      navigator.selection = selectSpan({ start, end });
    });
  }

  /** Shows partitions and volumes beside the map. */
  setBands(bands: readonly GuestBand[]): void {
    this.bands.setBands(bands, this.disk);
    this.map.redraw();
  }

  /** Selects the cluster of a byte, and scrolls map and bytes to it. */
  goTo(byte: number): void {
    const { size } = this.disk;
    if (size === 0) return;
    const target = Math.min(Math.max(0, byte), size - 1);
    this.map.navigate((navigator) => {
      navigator.goTo(target);
    });
    this.hex.scrollTo(target);
  }

  restore(place: SavedPlace, selection: Selection | undefined): void {
    this.map.restore(place, selection);
    this.#mark(this.selection);
  }

  highlight(kind: string | undefined): void {
    this.map.highlight(kind);
    this.minimap.highlight(kind);
  }

  themeChanged(): void {
    this.map.themeChanged();
    this.minimap.themeChanged();
  }

  #moved(range: CellRange, events: ImageViewEvents): void {
    this.#face.loader.want(range);
    this.minimap.show(this.map.navigator.visible);
    this.bands.show(this.map.navigator.view, this.map.navigator.frame);
    events.changed();
    events.moved(this.zoom);
  }

  #mark(selection: Selection | undefined): void {
    this.hex.mark(selection);
    this.minimap.mark(selection);
  }
}
