/**
 * Opens an image with everything it depends on: its backing files down to the base, and their external data files.
 *
 * Only the image itself must open. What cannot be opened below it is a state in the chain's view, not an exception:
 * the header, the map of what is there and the names can still be shown. Who reads guest bytes decides what to do
 * with an incomplete chain; `problem` says what is missing.
 */
import { LONGEST_TEXT, shortened } from '../../text/printable';
import { EngineError, RefusedError, UnsupportedError } from '../errors';
import type { Problem } from '../errors';
import { FaultCollector } from '../format/faults';
import { parseHeader } from '../format/parseHeader';
import { parseExtensions } from '../format/headerExtensions';
import type { BlockFile } from '../io/blockFile';
import type { Layer, Layers } from '../image/layer';
import type { BackingReference } from '../image/qcow2Image';
import { Qcow2Image } from '../image/qcow2Image';
import { RawImage } from '../image/rawImage';
import type { LocalFile } from '../io/localFile';
import { openLocalFile } from '../io/localFile';
import type { ChainLayerView, ChainView } from './chainView';
import { decide } from './gate';
import type { GateOptions } from './gate';
import { absolutePath } from './names';
import { probeFormat } from './probe';

/** Most layers that are opened; QEMU itself gives up far earlier on most systems, for want of stack or files. */
export const MAX_LAYERS = 256;

export interface Chain {
  /** The image that was opened: depth 0. */
  readonly top: Qcow2Image;
  readonly layers: Layers;
  /** Every file that the chain names is open: all backing files and all external data files. */
  readonly complete: boolean;
  /** Why the chain is not complete: the first reason, from the top down. */
  readonly problem?: Problem;
  readonly view: ChainView;
  /** Every file that was opened on the way, with what tells one state of it from another. */
  readonly files: readonly LocalFile[];
  /** Whether any file of the chain is not what it was when it was opened. */
  hasChanged(): boolean;
  /**
   * Whether all that was read so far shows each image in one state: nothing of it has changed since it was opened, or
   * what has is read as it was before.
   */
  isIntact(): boolean;
  close(): void;
}

/** The files of one image. */
export interface ImageFiles<File extends BlockFile = BlockFile> {
  readonly image: File;
  /** The external data file, where the image has one that is open. */
  readonly dataFile: File | undefined;
}

/** The files of a layer as they are shown, with a note about it. */
export interface FormerFiles extends ImageFiles {
  readonly note: Problem;
  /** As `Chain.isIntact`; default: whether the files themselves are what they were. */
  readonly isIntact?: () => boolean;
}

export interface ChainOptions extends GateOptions {
  /**
   * Shows the files of each qcow2 layer otherwise than they are, with a note that says so: as they were before a save
   * that was interrupted.
   * @param open opens a further file, which the chain takes over
   */
  readonly former?: (
    files: ImageFiles<LocalFile>,
    open: (path: string) => LocalFile,
  ) => FormerFiles | undefined;
}

/**
 * Opens the qcow2 image at `path` and follows what it names as far as `options` and the gate allow.
 * @param path kept as it is given: names in the image belong to the folder it has here
 * @throws EngineError when the image itself cannot be opened
 */
export function openChain(path: string, options: ChainOptions): Chain {
  const opener = new ChainOpener(options);
  try {
    return opener.open(path);
  } catch (error) {
    opener.close();
    throw error;
  }
}

/**
 * The same for an image that is open already and names something else than it does on disk.
 * @param file of the image as it is on disk, which the chain does not take over
 * @param notes about the image itself
 */
export function openChainOf(
  top: Qcow2Image,
  file: LocalFile,
  notes: readonly Problem[],
  options: ChainOptions,
): Chain {
  const opener = new ChainOpener(options);
  try {
    return opener.openUnder(top, file, notes);
  } catch (error) {
    opener.close();
    throw error;
  }
}

/** A backing file as an overlay's header names it. */
interface NamedBacking extends BackingReference {
  readonly overlay: Qcow2Image;
}

class ChainOpener {
  readonly #files: LocalFile[] = [];
  readonly #layers: Layer[] = [];
  readonly #views: ChainLayerView[] = [];
  /** As `Chain.isIntact` for each layer. */
  readonly #intact: (() => boolean)[] = [];
  /** Device and inode of the qcow2 layers: only they lead on, so only they can close a circle. */
  readonly #seen = new Set<string>();
  #problem: Problem | undefined;

  readonly #options: ChainOptions;

  constructor(options: ChainOptions) {
    this.#options = options;
  }

  open(path: string): Chain {
    return this.#follow(this.#openTop(path));
  }

  openUnder(top: Qcow2Image, file: LocalFile, notes: readonly Problem[]): Chain {
    this.#seen.add(identityOf(file));
    this.#problem = top.isDataFileOpen ? top.dataFileProblem : notes[0];
    this.#add(top, file, { nameAsWritten: file.name, formatWasProbed: false, notes });
    return this.#follow(top);
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  #follow(top: Qcow2Image): Chain {
    let overlay: Qcow2Image | undefined = top;
    while (overlay?.backing !== undefined) overlay = this.#openBacking({ overlay, ...overlay.backing });
    const views = this.#views;
    const files = this.#files;
    const problem = this.#problem;
    const intact = this.#intact;
    const complete = problem === undefined;
    return {
      top,
      layers: [top, ...this.#layers.slice(1)],
      complete,
      ...(problem === undefined ? {} : { problem }),
      view: { layers: views, complete: views.every((view) => view.state === 'open') },
      files,
      hasChanged: () => files.some((file) => file.hasChanged()),
      isIntact: () => intact.every((isIntact) => isIntact()),
      close: () => {
        this.close();
      },
    };
  }

  #openTop(path: string): Qcow2Image {
    const file = this.#openFile(path);
    const { image, notes } = this.#openQcow2(file);
    this.#add(image, file, { nameAsWritten: path, formatWasProbed: false, notes });
    return image;
  }

  /** Opens the next layer; undefined where the chain ends, at a raw base or at a file that cannot be opened. */
  #openBacking(reference: NamedBacking): Qcow2Image | undefined {
    let path: string | undefined;
    try {
      if (this.#layers.length >= MAX_LAYERS) {
        throw new RefusedError(reference.overlay.file.name, 'chain.tooDeep', { limit: MAX_LAYERS });
      }
      const { overlay, name } = reference;
      const decision = decide({ role: 'backing', name, namedBy: overlay.file.name }, this.#options);
      if (!decision.opens) {
        this.#addUnopened(reference, decision.problem, path);
        return undefined;
      }
      ({ path } = decision);
      return this.#openBackingFile(reference, path, decision.format);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#addUnopened(reference, error.problem, path);
      return undefined;
    }
  }

  #openBackingFile(
    reference: NamedBacking,
    path: string,
    formatInName: 'qcow2' | 'raw' | undefined,
  ): Qcow2Image | undefined {
    const file = this.#openFile(path);
    const given = reference.format === undefined || reference.format === '' ? formatInName : reference.format;
    const format = given === undefined ? probedFormat(file) : givenFormat(file, given);
    const formatWasProbed = given === undefined;
    if (format === 'raw') this.#intact.push(() => !file.hasChanged());
    const opened =
      format === 'qcow2' ? this.#openQcow2(file) : { image: RawImage.open(file), notes: [] as Problem[] };
    const notes = [...opened.notes];
    if (opened.image instanceof Qcow2Image) {
      // What such a layer has for the one above it cannot be relied on.
      opened.image.refuseFaults('use');
      notes.push(...opened.image.faults.map(({ problem }) => problem));
    }
    if (formatWasProbed) notes.push(note(file, 'chain.formatProbed', { value: format }));
    notes.push(...sizeNotes(file, opened.image, reference.overlay));
    this.#add(opened.image, file, { nameAsWritten: reference.name, formatWasProbed, notes });
    return opened.image instanceof Qcow2Image ? opened.image : undefined;
  }

  #openFile(path: string): LocalFile {
    const file = openLocalFile(path);
    this.#files.push(file);
    return file;
  }

  /** Opens a qcow2 layer with its external data file; without that one, its data cannot be read. */
  #openQcow2(file: LocalFile): {
    readonly image: Qcow2Image;
    readonly notes: readonly Problem[];
  } {
    const identity = identityOf(file);
    if (this.#seen.has(identity)) throw new RefusedError(file.name, 'chain.cycle', { value: file.name });
    this.#seen.add(identity);
    const { dataFile, problem } = this.#dataFileOf(file);
    const former = this.#options.former?.({ image: file, dataFile }, (path) => this.#openFile(path));
    const shown = former ?? { image: file, dataFile };
    this.#intact.push(former?.isIntact ?? (() => !file.hasChanged() && dataFile?.hasChanged() !== true));
    const image = Qcow2Image.open(shown.image, { dataFile: shown.dataFile });
    const found = problem ?? image.dataFileProblem;
    this.#problem ??= found;
    return { image, notes: [former?.note, found].filter((each) => each !== undefined) };
  }

  /** The external data file of an image, or why it is not open. */
  #dataFileOf(file: LocalFile): { readonly dataFile?: LocalFile; readonly problem?: Problem } {
    // Faults are those of the image, which is opened with it.
    const faults = new FaultCollector();
    const header = parseHeader(file, faults);
    if (!header.features.externalDataFile) return {};
    try {
      return { dataFile: this.#openDataFile(file, parseExtensions(file, header, faults).dataFileName) };
    } catch (error) {
      if (error instanceof DataFileProblem) return { problem: error.problem };
      throw error;
    }
  }

  /** @throws DataFileProblem for whatever keeps the data file from being opened */
  #openDataFile(image: LocalFile, name: string | undefined): LocalFile {
    if (name === undefined || name === '') {
      throw new DataFileProblem(new RefusedError(image.name, 'dataFile.required').problem);
    }
    const decision = decide({ role: 'dataFile', name, namedBy: image.name }, this.#options);
    if (!decision.opens) throw new DataFileProblem(decision.problem);
    try {
      return this.#openFile(decision.path);
    } catch (error) {
      if (error instanceof EngineError) throw new DataFileProblem(error.problem);
      throw error;
    }
  }

  #add(
    layer: Qcow2Image | RawImage,
    file: LocalFile,
    view: Pick<ChainLayerView, 'nameAsWritten' | 'formatWasProbed' | 'notes'>,
  ): void {
    const { header, extensions } = layer instanceof Qcow2Image ? layer : {};
    const { dataFileName } = extensions ?? {};
    this.#views.push({
      ...view,
      depth: this.#layers.length,
      path: absolutePath(file.name),
      format: layer.format,
      state: 'open',
      virtualSize: layer.size,
      fileSize: file.size,
      allocatedBytes: file.allocatedBytes,
      ...(header === undefined ? {} : { version: header.version, clusterSize: header.clusterSize }),
      ...(dataFileName === undefined ? {} : this.#dataFileView(file, dataFileName)),
    });
    this.#layers.push(layer);
  }

  #dataFileView(image: LocalFile, name: string): Pick<ChainLayerView, 'dataFile' | 'dataFilePath'> {
    const dataFile = shortened(name, LONGEST_TEXT);
    const decision = decide({ role: 'dataFile', name, namedBy: image.name }, this.#options);
    return decision.opens ? { dataFile, dataFilePath: absolutePath(decision.path) } : { dataFile };
  }

  #addUnopened(reference: NamedBacking, problem: Problem, path: string | undefined): void {
    this.#problem ??= problem;
    this.#views.push({
      depth: this.#layers.length,
      nameAsWritten: reference.name,
      ...(path === undefined ? {} : { path: absolutePath(path) }),
      format: isReadFormat(reference.format) ? reference.format : 'unknown',
      formatWasProbed: false,
      state: stateOf(problem),
      problem,
      notes: [],
    });
  }
}

/** Device and inode. */
const identityOf = ({ identity }: LocalFile): string => `${identity.device}:${identity.inode}`;

/** Why an external data file is not open: the image is then opened without it. */
class DataFileProblem extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
  }
}

/** @throws UnsupportedError for content that QEMU would take for a format that is not read here */
function probedFormat(file: LocalFile): 'qcow2' | 'raw' {
  const probed = probeFormat(file);
  if (probed.format !== 'unknown') return probed.format;
  throw new UnsupportedError(file.name, 'chain.format', { value: probed.name, limit: 'qcow2, raw' });
}

/** The format that the header or a json: name gives; QEMU's `file` driver shows the bytes as they are. */
function givenFormat(file: LocalFile, name: string): 'qcow2' | 'raw' {
  if (isReadFormat(name)) return name;
  if (name === 'file') return 'raw';
  throw new UnsupportedError(file.name, 'chain.format', { value: name, limit: 'qcow2, raw' });
}

function isReadFormat(name: string | undefined): name is 'qcow2' | 'raw' {
  return name === 'qcow2' || name === 'raw';
}

/** What a person should know of sizes that differ: past a shorter backing file, bytes read as zero. */
function sizeNotes(file: LocalFile, backing: Layer, overlay: Layer): Problem[] {
  if (backing.size === overlay.size) return [];
  const code = backing.size < overlay.size ? 'chain.shorter' : 'chain.longer';
  return [note(file, code, { value: backing.size, limit: overlay.size })];
}

function note(
  file: LocalFile,
  code: 'chain.formatProbed' | 'chain.shorter' | 'chain.longer',
  facts: Pick<Problem, 'value' | 'limit'>,
): Problem {
  return { kind: 'format', code, file: file.name, ...facts };
}

function stateOf(problem: Problem): ChainLayerView['state'] {
  switch (problem.code) {
    case 'file.missing':
      return 'missing';
    case 'chain.cycle':
      return 'cycle';
    case 'gate.restricted':
    case 'chain.tooDeep':
      return 'notOpened';
    default:
      return problem.kind === 'refused' ? 'refused' : 'unreadable';
  }
}
