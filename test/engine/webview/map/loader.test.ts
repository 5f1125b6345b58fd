import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MapCells, CellsRequest, Problem } from '../../../../src/editor/page/messages';
import type { HostResult } from '../../../../webview/host/answers';
import { KIND_COUNT } from '../../../../webview/map/kinds';
import { CellLoader, overviewLevel } from '../../../../webview/map/loader';
import { TILE_CELLS, TileCache } from '../../../../webview/map/tiles';

const DISK = { size: 2 ** 40, clusterSize: 65536 };

/** Answers when told to. */
class Host {
  readonly asked: CellsRequest[] = [];
  readonly #waiting: ((answer: HostResult<MapCells>) => void)[] = [];

  readonly ask = (request: CellsRequest): Promise<HostResult<MapCells>> => {
    this.asked.push(request);
    return new Promise((resolve) => this.#waiting.push(resolve));
  };

  get isAsked(): boolean {
    return this.#waiting.length > 0;
  }

  async answer(complete = true): Promise<void> {
    const request = this.asked[this.asked.length - 1]!;
    const totals = { bytes: [], scannedBytes: 0, totalBytes: DISK.size };
    const shares = new Uint8Array(request.count * KIND_COUNT);
    await this.#reply({ ok: true, value: { ...request, shares, complete, totals } });
  }

  async fail(problem: Problem): Promise<void> {
    await this.#reply({ ok: false, problem });
  }

  async #reply(answer: HostResult<MapCells>): Promise<void> {
    expect(this.#waiting).toHaveLength(1);
    this.#waiting.shift()!(answer);
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe('the cell loader', () => {
  let host: Host;
  let cache: TileCache;
  let loader: CellLoader;
  let loaded: number;
  let failed: (Problem | undefined)[];

  beforeEach(() => {
    vi.useFakeTimers();
    host = new Host();
    cache = new TileCache(50, KIND_COUNT);
    loaded = 0;
    failed = [];
    loader = new CellLoader(cache, host.ask, {
      loaded: () => loaded++,
      failed: (problem) => failed.push(problem),
    });
    loader.setDisk(DISK);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('asks for the whole disk first', async () => {
    expect(host.asked).toEqual([{ start: 0, bytesPerCell: 2 ** 28, count: 4096 }]);
    await host.answer();
    expect(loaded).toBe(1);
    expect(host.isAsked).toBe(false);
  });

  it('has one request under way, and asks next for what is wanted then', async () => {
    for (let first = 0; first < 20; first++)
      loader.want({ bytesPerCell: 65536, from: first * 10000, to: first * 10000 + 5000 });
    expect(host.asked).toHaveLength(1);
    await host.answer();
    expect(host.asked).toHaveLength(2);
    const firstTile = Math.floor(190000 / TILE_CELLS);
    expect(host.asked[1]).toMatchObject({ start: firstTile * TILE_CELLS * 65536, bytesPerCell: 65536 });
  });

  it('does not ask again for what it has', async () => {
    await host.answer();
    loader.want({ bytesPerCell: 65536, from: 0, to: 9000 });
    await host.answer();
    loader.want({ bytesPerCell: 65536, from: 1000, to: 8000 });
    expect(host.isAsked).toBe(false);
    expect(host.asked[1]).toMatchObject({ count: 3 * TILE_CELLS });
  });

  it('drops the answer to a question about an image that was read again, and asks again', async () => {
    loader.setDisk(DISK);
    await host.answer();
    expect(loaded).toBe(0);
    expect(host.asked).toHaveLength(2);
    await host.answer();
    expect(loaded).toBe(1);
    expect(cache.get(overviewLevel(DISK), 0)?.generation).toBe(2);
  });

  it('keeps the old picture until the new one is there', async () => {
    await host.answer();
    loader.setDisk(DISK);
    expect(cache.get(overviewLevel(DISK), 0)?.generation).toBe(1);
  });

  it('asks for everything again when there is more to tell of the same disk', async () => {
    await host.answer();
    loader.startOver();
    expect(cache.get(overviewLevel(DISK), 0)?.generation).toBe(1);
    await host.answer();
    expect(cache.get(overviewLevel(DISK), 0)?.generation).toBe(2);
  });

  it('asks again for cells that were not scanned yet, at most every 150 ms', async () => {
    await host.answer(false);
    expect(host.isAsked).toBe(false);
    for (let round = 0; round < 10; round++) loader.scanned();
    expect(host.isAsked).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(host.asked).toHaveLength(2);
    await host.answer(true);
    loader.scanned();
    await vi.advanceTimersByTimeAsync(500);
    expect(host.asked).toHaveLength(2);
  });

  it('stops at a problem until the image is read again', async () => {
    const problem: Problem = { kind: 'io', code: 'file.shrank', file: 'a.qcow2' };
    await host.fail(problem);
    expect(failed).toEqual([problem]);
    loader.want({ bytesPerCell: 65536, from: 0, to: 10 });
    expect(host.asked).toHaveLength(1);
    loader.setDisk(DISK);
    expect(host.asked).toHaveLength(2);
  });

  it('asks for nothing on an empty disk', () => {
    const other = new Host();
    new CellLoader(cache, other.ask, { loaded: () => undefined, failed: () => undefined }).setDisk({
      size: 0,
      clusterSize: 512,
    });
    expect(other.asked).toEqual([]);
  });
});
