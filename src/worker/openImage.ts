/**
 * An image as it was opened: its chain, or as much of its header as can be read, and the overview of its map. An image on a
 * local disk can be changed; then this shows the image as staged, over the files as they were read. It can be asked
 * whether the files have changed since; reading them again creates another one.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomName } from '../qcow2/io/crypto';
import { chainFindings, type ChainFinding } from '../qcow2/chain/chainFindings';
import { EditableImage } from '../qcow2/edit/editableImage';
import { journalOf, journalProblem } from '../qcow2/edit/interrupted';
import { EngineError, UnsupportedError } from '../qcow2/errors';
import type { Problem } from '../qcow2/errors';
import { writeAccessOf, type WriteAccess } from '../qcow2/check/writeAccess';
import type { BlockFile } from '../qcow2/io/blockFile';
import { openLocalFile } from '../qcow2/io/localFile';
import { MemoryFile } from '../qcow2/io/memoryFile';
import { readHeaderView } from '../qcow2/report/headerView';
import { Overview } from '../qcow2/map/overview';
import type { Chain } from '../qcow2/chain/openChain';
import type { EditState, ImageState, OpenOptions } from './api';
import { Fingerprints } from './fingerprint';
import { openMemoryChain } from './memoryChain';
import { RAW_CLUSTER, type RawChain, recogniseRaw, shapeOfMap, type ShownChain } from './rawDisk';
import { StagedMarks } from './stagedMarks';
import { summarise } from './summary';
import { unknownState } from './unknownState';

/** What is shown of an open image; replaced after each change and each content scan. */
export interface View {
  readonly chain: ShownChain;
  readonly overview: Overview;
  /** Of the guest disk, and of the image file. */
  readonly marks: StagedMarks;
  readonly fileMarks: StagedMarks;
}

export class OpenImage {
  #current: { readonly state: ImageState; readonly view: View | undefined };
  /** What is shown and cannot be changed. */
  readonly #fixed: ShownChain | undefined;
  readonly #unopened: Fingerprints;

  private constructor(
    current: { readonly state: ImageState; readonly view: View | undefined },
    /** Absent if the image could not be opened or is not on a local disk, and for a raw disk. */
    readonly editable: EditableImage | undefined,
    fixed: ShownChain | undefined,
    unopened: Fingerprints,
  ) {
    this.#current = current;
    this.#fixed = fixed;
    this.#unopened = unopened;
  }

  /**
   * Opens what it can. Never throws because of the file.
   * @param path kept as given: relative names in the image start from its folder
   */
  static open(path: string, options: OpenOptions): OpenImage {
    // Before the file is first read, so that any later change is noticed.
    const before = new Fingerprints(options.bytes === undefined ? [path] : []);
    try {
      return OpenImage.#opened(path, options);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const chain = openRawDisk(path, options, error.problem);
      if (chain !== undefined)
        return new OpenImage(
          shownRaw(path, options.generation, chain, error.problem),
          undefined,
          chain,
          before,
        );
      const state = failedState(path, options, error.problem);
      return new OpenImage({ state, view: undefined }, undefined, undefined, before);
    }
  }

  get state(): ImageState {
    return this.#current.state;
  }

  /** Absent if the image could not be opened. */
  get view(): View | undefined {
    return this.#current.view;
  }

  /** What is wrong with the chain; empty for chains that were not followed. */
  get chainFindings(): readonly ChainFinding[] {
    const { editable } = this;
    return editable?.followsNames === true ? chainFindings(editable.chain) : [];
  }

  /** Shows what is staged after it has changed. */
  renew(generation: number): ImageState {
    const { editable, view } = this;
    if (editable === undefined) return this.state;
    // The guest reads the same all the while: its map stays complete.
    const overview = editable.space.isCompacting ? view?.overview : undefined;
    this.#current = shown(this.state.path, generation, editable.chain, editable, overview);
    return this.state;
  }

  /**
   * Shows the image as the last batch of a compaction has left it; nothing to do otherwise. To be called before anything is
   * read.
   * @throws EngineError as `DiskSpace.catchUp`
   */
  catchUp(): void {
    if (this.editable?.space.catchUp() === true) this.renew(this.state.generation);
  }

  /** Shows what a content scan has found. */
  showContents(): void {
    const { state, view } = this.#current;
    if (view === undefined) return;
    const overview = overviewOf(view.chain, this.editable);
    this.#current = { state, view: { ...view, overview } };
  }

  /** Whether any file that was read, or that was missing, has changed. */
  hasChanged(): boolean {
    return this.editable?.hasChanged() === true || this.#unopened.hasChanged();
  }

  /** Whether it may be written now. Files that are not on a local disk have no limits here. */
  get access(): WriteAccess {
    return this.editable === undefined ? {} : accessOf(this.editable);
  }

  close(): void {
    this.editable?.close();
    this.#fixed?.close();
  }

  static #opened(path: string, options: OpenOptions): OpenImage {
    const { bytes, followsNames, generation } = options;
    if (bytes !== undefined) {
      const chain = openMemoryChain(path, bytes);
      return new OpenImage(
        shown(path, generation, chain, undefined),
        undefined,
        chain,
        new Fingerprints(unopenedPaths(chain)),
      );
    }
    const scratchPath = join(options.scratchFolder ?? tmpdir(), `staged-${randomName(6)}`);
    const editable = EditableImage.open(path, { followsNames, scratchPath });
    const { chain } = editable;
    return new OpenImage(
      shown(path, generation, chain, editable),
      editable,
      undefined,
      new Fingerprints([journalOf(path), ...unopenedPaths(chain)]),
    );
  }
}

function shownRaw(
  path: string,
  generation: number,
  chain: RawChain,
  problem: Problem,
): { readonly state: ImageState; readonly view: View } {
  const { top } = chain;
  const none = new StagedMarks(() => undefined, RAW_CLUSTER);
  const state: ImageState = {
    path,
    fileSize: top.file.size,
    allocatedBytes: top.file.allocatedBytes,
    generation,
    // It may be meant to be an image.
    warnings: problem.code === 'header.magic' ? [] : [problem],
    raw: { virtualSize: top.size, clusterSize: RAW_CLUSTER },
  };
  const overview = overviewOf(chain);
  return { state, view: { chain, overview, marks: none, fileMarks: none } };
}

function shown(
  path: string,
  generation: number,
  chain: Chain,
  editable: EditableImage | undefined,
  overview?: Overview,
): { readonly state: ImageState; readonly view: View } {
  const { top } = chain;
  const { clusterSize } = top.header;
  const marks = new StagedMarks((visit) => {
    editable?.forEachDifference(visit);
  }, clusterSize);
  const fileMarks = new StagedMarks((visit) => {
    editable?.forEachFileDifference(visit);
  }, clusterSize);
  const journal = editable && journalProblem(path);
  const state: ImageState = {
    path,
    fileSize: top.file.size,
    allocatedBytes: top.file.allocatedBytes,
    generation,
    warnings: warningsOf(chain),
    header: readHeaderView(top.file),
    chain: chain.view,
    summary: summarise(top),
    ...(editable === undefined ? {} : { edits: editState(editable, marks, fileMarks) }),
    ...(journal === undefined ? {} : { journal }),
    ...(editable === undefined ? {} : { access: accessOf(editable) }),
  };
  const shownMap = overview?.over(chain.layers) ?? overviewOf(chain, editable);
  return { state, view: { chain, overview: shownMap, marks, fileMarks } };
}

/** While it is compacted, it is this program that holds the file. */
const accessOf = ({ space, onDisk }: EditableImage): WriteAccess =>
  space.isCompacting ? {} : writeAccessOf(onDisk.top);

const overviewOf = (chain: ShownChain, editable?: EditableImage): Overview => {
  const { layers, clusterSize } = shapeOfMap(chain);
  return new Overview(layers, clusterSize, editable?.scan);
};

function editState(
  { edits, stagesDataFile }: EditableImage,
  marks: StagedMarks,
  fileMarks: StagedMarks,
): EditState {
  const { undoable, redoable, unsaved } = edits;
  const staged = { stagedBytes: marks.bytes, stagedFileBytes: fileMarks.bytes };
  return { done: undoable, redoable, unsaved, ...staged, writesDataFile: stagesDataFile };
}

/** Notices about an image that is open. */
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

/** Local files that the chain names and that are not open: they may appear later. */
function unopenedPaths({ top, view }: Chain): string[] {
  const layers = view.layers.flatMap(({ state, path }) =>
    state === 'open' || path === undefined ? [] : [path],
  );
  const dataFile = top.isDataFileOpen ? undefined : view.layers[0]?.dataFilePath;
  return dataFile === undefined ? layers : [...layers, dataFile];
}

/** @param problem why it is no image */
function openRawDisk(path: string, { bytes }: OpenOptions, problem: Problem): RawChain | undefined {
  let file: BlockFile | undefined;
  let chain: RawChain | undefined;
  try {
    file = bytes === undefined ? openLocalFile(path) : new MemoryFile(path, bytes);
    chain = recogniseRaw(problem, file);
    return chain;
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  } finally {
    if (chain === undefined) file?.close();
  }
}

function failedState(path: string, { bytes, generation }: OpenOptions, problem: Problem): ImageState {
  const state = unknownState(path, generation, problem);
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
