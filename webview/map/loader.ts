/**
 * Fetches the cells that the map and the overview bar need. At most one request is pending; the next one asks for the
 * cells that are visible when it is sent, so that a fast pan or zoom does not queue requests for cells already left.
 */
import type { CellsRequest, KindTotals, MapCells } from '../../src/editor/page/messages';
import type { MaybeProblem, HostResult } from '../host/answers';
import { cellCount, type Disk } from './geometry';
import { splitIntoTiles, TILE_CELLS, type TileCache } from './tiles';

/** Tiles per request: 16,384 cells, about as many as a window shows. */
const TILES_PER_REQUEST = 4;
/** The overview's level is the finest at which the whole disk fits in one tile. */
const OVERVIEW_CELLS = TILE_CELLS;
/** Milliseconds between requests for cells that the worker had not scanned yet. */
const SCAN_INTERVAL = 150;

export interface LoaderEvents {
  /** New cells are in the cache. */
  loaded(totals: KindTotals): void;
  failed(problem: MaybeProblem): void;
}

/** Visible cells: `from` to `to` (exclusive) at `bytesPerCell`. */
export interface CellRange {
  readonly bytesPerCell: number;
  readonly from: number;
  readonly to: number;
}

export class CellLoader {
  #disk: Disk = { size: 0, clusterSize: 1 };
  /** Counts what the cells are of: the image as it was read last, or as a content scan has found it. */
  #generation = 0;
  #wanted: CellRange | undefined;
  #isBusy = false;
  /** Number of progress reports from the worker; an incomplete tile is fetched again only after a new one. */
  #scanRound = 0;
  readonly #askedInRound = new Map<string, number>();
  #lastScanFetch = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasFailed = false;

  readonly #cache: TileCache;
  readonly #fetchCells: (request: CellsRequest) => Promise<HostResult<MapCells>>;
  readonly #events: LoaderEvents;

  constructor(
    cache: TileCache,
    fetchCells: (request: CellsRequest) => Promise<HostResult<MapCells>>,
    events: LoaderEvents,
  ) {
    this.#cache = cache;
    this.#fetchCells = fetchCells;
    this.#events = events;
  }

  /** Bytes of one cell of the overview bar. */
  get overviewLevel(): number {
    return overviewLevel(this.#disk);
  }

  /**
   * Starts over with a disk, or with the same one when it was read again. If the cluster size is the same, old tiles are
   * drawn until new ones arrive: an image file grows with nearly every change.
   */
  setDisk(disk: Disk): void {
    if (disk.clusterSize !== this.#disk.clusterSize) this.#cache.clear();
    this.#disk = disk;
    this.startOver();
  }

  /** Fetches all cells again: there is more to tell of the same disk. */
  startOver(): void {
    this.#generation++;
    this.#hasFailed = false;
    this.#askedInRound.clear();
    this.#cache.pin(this.overviewLevel);
    this.#pump();
  }

  /** Sets the visible cells. */
  want(range: CellRange): void {
    this.#wanted = range;
    this.#pump();
  }

  /** The worker has scanned more of the disk. */
  scanned(): void {
    this.#scanRound++;
    this.#pump();
  }

  #pump(): void {
    if (this.#isBusy || this.#hasFailed || this.#disk.size === 0) return;
    const request = this.#nextRequest();
    if (request) void this.#run(request, this.#generation);
  }

  #nextRequest(): CellsRequest | undefined {
    const overview = {
      bytesPerCell: this.overviewLevel,
      from: 0,
      to: cellCount(this.#disk, this.overviewLevel),
    };
    return this.#missing(overview) ?? (this.#wanted ? this.#missing(this.#wanted) : undefined);
  }

  /** The first run of tiles in a range that are missing, outdated or incomplete. */
  #missing(range: CellRange): CellsRequest | undefined {
    const lastTile = Math.ceil(range.to / TILE_CELLS);
    for (let tile = Math.floor(range.from / TILE_CELLS); tile < lastTile; tile++) {
      if (!this.#isNeeded(range.bytesPerCell, tile)) continue;
      let end = tile + 1;
      while (end < lastTile && end - tile < TILES_PER_REQUEST && this.#isNeeded(range.bytesPerCell, end))
        end++;
      const firstCell = tile * TILE_CELLS;
      const count = Math.min(end * TILE_CELLS, cellCount(this.#disk, range.bytesPerCell)) - firstCell;
      return { start: firstCell * range.bytesPerCell, bytesPerCell: range.bytesPerCell, count };
    }
    return undefined;
  }

  #isNeeded(bytesPerCell: number, index: number): boolean {
    const tile = this.#cache.get(bytesPerCell, index);
    if (!tile || tile.generation !== this.#generation) return true;
    if (tile.complete) return false;
    if (this.#askedInRound.get(`${bytesPerCell}:${index}`) === this.#scanRound) return false;
    const wait = this.#lastScanFetch + SCAN_INTERVAL - Date.now();
    if (wait <= 0) return true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, wait);
    return false;
  }

  async #run(request: CellsRequest, generation: number): Promise<void> {
    this.#isBusy = true;
    const round = this.#scanRound;
    const answer = await this.#fetchCells(request);
    this.#isBusy = false;
    // Dropped if the image was read again meanwhile.
    if (generation === this.#generation) this.#take(request, answer, generation, round);
    this.#pump();
  }

  #take(request: CellsRequest, answer: HostResult<MapCells>, generation: number, round: number): void {
    if (!answer.ok) {
      this.#hasFailed = true;
      this.#events.failed(answer.problem);
      return;
    }
    const { complete, totals } = answer.value;
    const firstCell = request.start / request.bytesPerCell;
    for (const tile of splitIntoTiles(answer.value, this.#cache.kindCount, firstCell, generation)) {
      const index = tile.firstCell / TILE_CELLS;
      this.#cache.put(request.bytesPerCell, index, tile);
      this.#askedInRound.set(`${request.bytesPerCell}:${index}`, round);
    }
    if (!complete) this.#lastScanFetch = Date.now();
    this.#events.loaded(totals);
  }
}

/** The finest grouping at which the whole disk fits in one tile. */
export function overviewLevel(disk: Disk): number {
  let bytesPerCell = disk.clusterSize;
  while (cellCount(disk, bytesPerCell) > OVERVIEW_CELLS) bytesPerCell *= 2;
  return bytesPerCell;
}
