/** The host's end of the thread that finds images and reads headers. */
import type { Result } from './api';
import { HostThread } from './hostThread';
import type { IndexApi, IndexedImage, Surroundings, WalkPart, WalkRequest } from './indexApi';

/** Never rejects; a dead thread is replaced at the next call. */
export class IndexClient {
  #thread: HostThread<IndexApi, Record<string, never>> | undefined;

  readonly #workerScript: string;
  readonly #onFault: (error: Error) => void;

  /** @param onFault the thread died, or a call has thrown */
  constructor(workerScript: string, onFault: (error: Error) => void = () => undefined) {
    this.#workerScript = workerScript;
    this.#onFault = onFault;
  }

  /** Returns the answers in the order of `paths`. */
  async readHeaders(paths: readonly string[]): Promise<readonly IndexedImage[]> {
    const result = await this.#living().call('', (rpc) => rpc.readHeaders(paths));
    if (result.ok) return result.value;
    return paths.map((path) => ({
      path,
      fileSize: 0,
      allocatedBytes: 0,
      format: 'unknown',
      problem: { ...result.problem, file: path },
    }));
  }

  /**
   * Walks folders, part by part.
   * @param take gets each part; the walk continues while it returns true
   * @returns false if the walk did not finish, because the thread died or `take` returned false
   */
  async walk(request: WalkRequest, take: (part: WalkPart) => boolean): Promise<boolean> {
    const thread = this.#living();
    const walk = await thread.call(request.root, (rpc) => rpc.startWalk(request));
    if (!walk.ok) return false;
    for (;;) {
      const part = await thread.call(request.root, (rpc) => rpc.continueWalk(walk.value));
      if (!part.ok) return false;
      const goesOn = take(part.value);
      if (part.value.isOver) return true;
      if (goesOn) continue;
      await thread.call(request.root, (rpc) => rpc.endWalk(walk.value));
      return false;
    }
  }

  /** @param followsNames false in Restricted Mode */
  async lookAround(path: string, followsNames: boolean): Promise<Result<Surroundings>> {
    return this.#living().call(path, (rpc) => rpc.lookAround(path, followsNames));
  }

  dispose(): void {
    void this.#thread?.dispose();
  }

  #living(): HostThread<IndexApi, Record<string, never>> {
    if (this.#thread === undefined || this.#thread.hasEnded) {
      this.#thread = new HostThread(this.#workerScript, 'index', {}, this.#onFault, this.#onFault);
    }
    return this.#thread;
  }
}
