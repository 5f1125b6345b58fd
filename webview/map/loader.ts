/**
 * Fetches the cells that the map and the overview bar want. At most one request is under way; when it is answered,
 * the next one asks for what is in sight *then*, so a fast pan or zoom never queues up what nobody looks at any more.
 */
import type { CellsRequest, KindTotals, MapCells } from '../../src/editor/page/messages';
import type { MaybeProblem, Settled } from '../answers';
import { cellCount, type Disk } from './geometry';
import { splitIntoTiles, TILE_CELLS, type TileCache } from './tiles';

/** Tiles asked for at once: 16,384 cells, about what a window shows. */
const TILES_PER_REQUEST = 4;
/** The overview's level is the finest at which the whole disk fits in one tile. */
const OVERVIEW_CELLS = TILE_CELLS;
/** Milliseconds between two looks at cells that the worker had not scanned yet. */
const SCAN_INTERVAL = 150;

export interface LoaderEvents {
  /** New cells are in the cache. */
  loaded(totals: KindTotals): void;
  failed(problem: MaybeProblem): void;
}

/** Cells in sight: `from` to `to` (exclusive) at `bytesPerCell`. */
export interface Wish {
  readonly bytesPerCell: number;
  readonly from: number;
  readonly to: number;
}

export class CellLoader {
  #disk: Disk = { size: 0, clusterSize: 1 };
  #generation = 0;
  #wish: Wish | undefined;
  #isBusy = false;
  /** Counts the worker's reports of progress; an incomplete tile is fetched again only after a new one. */
  #scanRound = 0;
  readonly #askedInRound = new Map<string, number>();
  #lastScanFetch = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasFailed = false;

  constructor(
    private readonly cache: TileCache,
    private readonly fetchCells: (request: CellsRequest) => Promise<Settled<MapCells>>,
    private readonly events: LoaderEvents,
  ) {}

  /** Bytes of one cell of the overview bar. */
  get overviewLevel(): number {
    return overviewLevel(this.#disk);
  }

  /**
   * Starts over with a disk, or with a new reading of the same one. What is there of one with the same clusters is
   * drawn until it is fetched anew: an image file grows with nearly every change.
   */
  setDisk(disk: Disk, generation: number): void {
    if (disk.clusterSize !== this.#disk.clusterSize) this.cache.clear();
    this.#disk = disk;
    this.#generation = generation;
    this.#hasFailed = false;
    this.#askedInRound.clear();
    this.cache.pin(this.overviewLevel);
    this.#pump();
  }

  /** Says what is in sight; replaces what was wanted before. */
  want(wish: Wish): void {
    this.#wish = wish;
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
    return this.#missing(overview) ?? (this.#wish ? this.#missing(this.#wish) : undefined);
  }

  /** The first run of tiles of a wish that are not there, old or worth another look. */
  #missing(wish: Wish): CellsRequest | undefined {
    const lastTile = Math.ceil(wish.to / TILE_CELLS);
    for (let tile = Math.floor(wish.from / TILE_CELLS); tile < lastTile; tile++) {
      if (!this.#isNeeded(wish.bytesPerCell, tile)) continue;
      let end = tile + 1;
      while (end < lastTile && end - tile < TILES_PER_REQUEST && this.#isNeeded(wish.bytesPerCell, end))
        end++;
      const firstCell = tile * TILE_CELLS;
      const count = Math.min(end * TILE_CELLS, cellCount(this.#disk, wish.bytesPerCell)) - firstCell;
      return { start: firstCell * wish.bytesPerCell, bytesPerCell: wish.bytesPerCell, count };
    }
    return undefined;
  }

  #isNeeded(bytesPerCell: number, index: number): boolean {
    const tile = this.cache.get(bytesPerCell, index);
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
    const answer = await this.fetchCells(request);
    this.#isBusy = false;
    // The image was read anew meanwhile: what it was before is of no use.
    if (generation === this.#generation) this.#take(request, answer, generation, round);
    this.#pump();
  }

  #take(request: CellsRequest, answer: Settled<MapCells>, generation: number, round: number): void {
    if (!answer.ok) {
      this.#hasFailed = true;
      this.events.failed(answer.problem);
      return;
    }
    const { shares, complete, totals, staged } = answer.value;
    const firstCell = request.start / request.bytesPerCell;
    for (const tile of splitIntoTiles(
      shares,
      this.cache.kindCount,
      firstCell,
      complete,
      generation,
      staged,
    )) {
      const index = tile.firstCell / TILE_CELLS;
      this.cache.put(request.bytesPerCell, index, tile);
      this.#askedInRound.set(`${request.bytesPerCell}:${index}`, round);
    }
    if (!complete) this.#lastScanFetch = Date.now();
    this.events.loaded(totals);
  }
}

/** The finest grouping at which the whole disk fits in one tile. */
export function overviewLevel(disk: Disk): number {
  let bytesPerCell = disk.clusterSize;
  while (cellCount(disk, bytesPerCell) > OVERVIEW_CELLS) bytesPerCell *= 2;
  return bytesPerCell;
}
