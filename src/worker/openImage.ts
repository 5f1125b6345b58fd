/**
 * One image as it was opened: its chain, or as much of its header as can be read, and the picture of its map.
 * What changed on disk since is asked of it; reading anew makes another one.
 */
import { decide } from '../qcow2/chain/gate';
import { type Chain, openChain } from '../qcow2/chain/openChain';
import { EngineError, UnsupportedError } from '../qcow2/errors';
import type { Problem } from '../qcow2/errors';
import type { BlockFile } from '../qcow2/io/blockFile';
import { openLocalFile } from '../qcow2/io/localFile';
import { MemoryFile } from '../qcow2/io/memoryFile';
import { readHeaderView } from '../qcow2/scan/headerView';
import { Overview } from '../qcow2/scan/overview';
import type { ImageState, OpenOptions } from './api';
import { Fingerprints } from './fingerprint';
import { openMemoryChain } from './memoryChain';
import { summarise } from './summary';

export class OpenImage {
  private constructor(
    readonly state: ImageState,
    /** Nothing where the image could not be opened. */
    readonly chain: Chain | undefined,
    readonly overview: Overview | undefined,
    private readonly unopened: Fingerprints,
  ) {}

  /**
   * Opens what it can. Never throws because of the file.
   * @param path kept as it is given: names in the image belong to the folder it has here
   */
  static open(path: string, options: OpenOptions): OpenImage {
    // Before the first look at the file: what changes from here on is noticed.
    const before = new Fingerprints(options.bytes === undefined ? [path] : []);
    try {
      return OpenImage.opened(path, options);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return new OpenImage(failedState(path, options, error.problem), undefined, undefined, before);
    }
  }

  /** Whether any file that was read, or was looked for and not found, is not what it was. */
  hasChanged(): boolean {
    return this.chain?.hasChanged() === true || this.unopened.hasChanged();
  }

  close(): void {
    this.chain?.close();
  }

  private static opened(path: string, options: OpenOptions): OpenImage {
    const { bytes, followsNames, generation } = options;
    const chain = bytes === undefined ? openChain(path, { followsNames }) : openMemoryChain(path, bytes);
    const { top } = chain;
    const state: ImageState = {
      path,
      fileSize: top.file.size,
      allocatedBytes: top.file.allocatedBytes,
      generation,
      warnings: warningsOf(chain),
      header: readHeaderView(top.file),
      chain: chain.view,
      summary: summarise(top),
    };
    const overview = new Overview(chain.layers, top.header.clusterSize);
    return new OpenImage(state, chain, overview, new Fingerprints(unopenedPaths(chain)));
  }
}

/** What a person must know although the image is open. */
function warningsOf({ top, problem }: Chain): Problem[] {
  const encrypted =
    top.encryption === undefined
      ? []
      : [
          new UnsupportedError(top.file.name, 'encrypted.read', { value: top.encryption.toUpperCase() })
            .problem,
        ];
  return problem === undefined ? encrypted : [...encrypted, problem];
}

/** Local files that the chain names and that are not open: they may come. */
function unopenedPaths({ top, view }: Chain): string[] {
  const layers = view.layers.flatMap(({ state, path }) =>
    state === 'open' || path === undefined ? [] : [path],
  );
  if (top.isDataFileOpen || top.dataFileName === undefined) return layers;
  const dataFile = decide(
    { role: 'dataFile', name: top.dataFileName, namedBy: top.file.name },
    { followsNames: true },
  );
  return dataFile.opens ? [...layers, dataFile.path] : layers;
}

function failedState(path: string, { bytes, generation }: OpenOptions, problem: Problem): ImageState {
  const state = { path, fileSize: 0, allocatedBytes: 0, generation, problem, warnings: [] };
  let file: BlockFile | undefined;
  try {
    file = bytes === undefined ? openLocalFile(path) : new MemoryFile(path, bytes);
    const { size: fileSize, allocatedBytes } = file;
    return { ...state, fileSize, allocatedBytes, header: readHeaderView(file) };
  } catch (error) {
    if (error instanceof EngineError) return state;
    throw error;
  } finally {
    file?.close();
  }
}
