/**
 * One of the two views of an image: the guest disk or the image file. A view has its own map, overview bar and bytes,
 * with their caches; the page shows one view at a time.
 */
import type { CellsRequest, KindTotals, MapCells } from '../../src/editor/page/messages';
import type { MaybeProblem, HostResult } from '../host/answers';
import { ByteBlocks } from '../bytes/blocks';
import { HexView } from '../bytes/view';
import type { KindSet } from '../map/kinds';
import type { Disk } from '../map/geometry';
import { CellLoader, type CellRange } from '../map/loader';
import type { SavedPlace } from '../map/navigator';
import type { Selection } from '../map/selection';
import { TileCache } from '../map/tiles';
import { MapView } from '../map/view';
import { Minimap } from '../map/minimap';
import type { MapZoom } from '../state/store';

/** Tiles kept besides the overview: 13 MiB. */
const TILES_KEPT = 256;

/** Source of a view's cells and bytes, and its labels. */
export interface ImageViewSource {
  readonly kinds: KindSet;
  /** Names of the map and of the bytes, for screen readers. */
  readonly mapName: string;
  readonly mapHelp: string;
  readonly bytesName: string;
  cells(request: CellsRequest): Promise<HostResult<MapCells>>;
  bytes(offset: number, length: number): Promise<HostResult<Uint8Array>>;
  describe(problem: MaybeProblem): Promise<string>;
}

export interface ImageViewEvents {
  /** Called in an animation frame: do no more than must keep up with the map. */
  moved(zoom: MapZoom): void;
  selected(selection: Selection | undefined): void;
  /** Enter was pressed on the selection. */
  inspected(): void;
  loaded(totals: KindTotals): void;
  failed(problem: MaybeProblem): void;
  /** An offset was chosen in the bytes. */
  offsetChosen(byte: number): void;
  /** The state to save has changed. */
  changed(): void;
}

export class ImageView {
  readonly map: MapView;
  readonly minimap: Minimap;
  readonly hex: HexView;
  readonly #cache: TileCache;
  readonly #loader: CellLoader;
  readonly #blocks: ByteBlocks;

  constructor(source: ImageViewSource, events: ImageViewEvents) {
    const { kinds } = source;
    this.#cache = new TileCache(TILES_KEPT, kinds.kinds.length);
    this.map = new MapView(this.#cache, kinds, {
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
    this.minimap = new Minimap(this.#cache, kinds, (byte) => {
      this.map.navigate((navigator) => {
        navigator.centreOn(byte);
      });
    });
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
    this.#loader = new CellLoader(this.#cache, (request) => source.cells(request), {
      loaded: (totals) => {
        events.loaded(totals);
        this.map.redraw();
        this.minimap.redraw();
      },
      failed: (problem) => {
        events.failed(problem);
      },
    });
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
    this.#loader.setDisk(disk);
    this.map.setDisk(disk);
    this.minimap.setDisk(disk, this.#loader.overviewLevel);
    if (keepsBytes) this.#blocks.outdate();
    else this.#blocks.clear();
    this.hex.setDisk(byteCount, disk.clusterSize);
    this.#mark(this.selection);
  }

  /** There is more to tell of the same disk: cells are fetched again. */
  cellsChanged(): void {
    this.#loader.startOver();
  }

  /** The scan of the whole disk has made progress. */
  scanned(): void {
    this.#loader.scanned();
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
    this.#loader.want(range);
    this.minimap.show(this.map.navigator.visible);
    events.changed();
    events.moved(this.zoom);
  }

  #mark(selection: Selection | undefined): void {
    this.hex.mark(selection);
    this.minimap.mark(selection);
  }
}
