/**
 * One of the two views of an image: the guest's disk, or the image file. Map, overview bar and bytes belong together,
 * with the cells and blocks that were fetched for them; only one of the views is on the page at a time.
 */
import type { CellsRequest, KindTotals, MapCells } from '../src/editor/page/messages';
import type { MaybeProblem, Settled } from './answers';
import { ByteBlocks } from './hex/blocks';
import { HexView } from './hex/view';
import type { KindSet } from './kinds';
import type { Disk } from './map/geometry';
import { CellLoader, type Wish } from './map/loader';
import type { SavedPlace } from './map/navigator';
import type { Selection } from './map/selection';
import { TileCache } from './map/tiles';
import { MapView } from './map/view';
import { Minimap } from './minimap';
import type { MapZoom } from './store';

/** Tiles kept besides the overview: 10 MiB. */
const TILES_KEPT = 256;

/** Where a view's cells and bytes come from, and its words. */
export interface PictureSource {
  readonly kinds: KindSet;
  /** Names of the map and of the bytes, for screen readers. */
  readonly mapName: string;
  readonly mapHelp: string;
  readonly bytesName: string;
  cells(request: CellsRequest): Promise<Settled<MapCells>>;
  bytes(offset: number, length: number): Promise<Settled<Uint8Array>>;
  describe(problem: MaybeProblem): Promise<string>;
}

export interface PictureEvents {
  /** Called in a frame of the map: only what must keep up with it. */
  moved(zoom: MapZoom): void;
  selected(selection: Selection | undefined): void;
  /** Enter was pressed on the selection. */
  inspected(): void;
  loaded(totals: KindTotals): void;
  failed(problem: MaybeProblem): void;
  /** An offset among the bytes was chosen. */
  offsetChosen(byte: number): void;
  /** What the page keeps is another now. */
  changed(): void;
}

export class Picture {
  readonly map: MapView;
  readonly minimap: Minimap;
  readonly hex: HexView;
  readonly #cache: TileCache;
  readonly #loader: CellLoader;
  readonly #blocks: ByteBlocks;

  constructor(source: PictureSource, events: PictureEvents) {
    const { kinds } = source;
    this.#cache = new TileCache(TILES_KEPT, kinds.kinds.length);
    this.map = new MapView(this.#cache, kinds, {
      moved: (wish) => {
        this.#moved(wish, events);
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
   * What is shown was read, for the first time or anew.
   * @param byteCount where the bytes end; a file may end within a cluster
   */
  setDisk(disk: Disk, byteCount: number, generation: number): void {
    this.#loader.setDisk(disk, generation);
    this.map.setDisk(disk);
    this.minimap.setDisk(disk, this.#loader.overviewLevel);
    this.#blocks.clear();
    this.hex.setDisk(byteCount, disk.clusterSize);
    this.#mark(this.selection);
  }

  /** The whole-disk scan got further. */
  scanned(): void {
    this.#loader.scanned();
  }

  /** Selects the cluster of a byte, in sight, with its bytes beside it. */
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

  #moved(wish: Wish, events: PictureEvents): void {
    this.#loader.want(wish);
    this.minimap.show(this.map.navigator.visible);
    events.changed();
    events.moved(this.zoom);
  }

  #mark(selection: Selection | undefined): void {
    this.hex.mark(selection);
    this.minimap.mark(selection);
  }
}
