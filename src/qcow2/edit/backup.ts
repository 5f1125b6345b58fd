/**
 * Staged edits on disk, so that they outlive this process or this thread: a manifest, replaced as a whole by each backup,
 * beside a file of pages that only grows. They fit one state of one image, told by its fingerprint; on another one they
 * are refused and left alone.
 *
 * Edits are recorded by what they change, outwards from what is on disk: an edit that is not saved forwards, and one that
 * is saved backwards, since its undo stages again what the save has overwritten.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import * as path from 'node:path';
import { ClusterBits } from '../change/clusterSet';
import { FileError, RefusedError } from '../errors';
import { Fill } from '../io/fill';
import type { FileIdentity } from '../io/localFile';
import { PAGE_SIZE } from '../io/pageStore';
import type { Piece, StagedFile, StagedState } from '../io/stagedFile';
import { systemMessage } from '../io/systemError';
import type { Edit, EditRow, Repaired, StagedPair } from './history';

/** 1: edits that are all done and not saved. */
const VERSION = 2;

/** Bytes of pages that are written so that saved edits can be undone; older ones than these are left out. */
const MOST_SAVED_PAGES = 64 * 1024 * 1024;

/** One stretch of changed pages; what they hold is a fill, pages of the page file, or the image's own bytes. */
type PieceRecord =
  | readonly [
      offset: number,
      length: number,
      kind: 'fill',
      high: number,
      low: number,
      step: number,
      origin: number,
    ]
  | readonly [offset: number, length: number, kind: 'pages', at: number]
  | readonly [offset: number, length: number, kind: 'base'];

interface StateRecord {
  readonly size: number;
  readonly pieces: readonly PieceRecord[];
}

interface PairRecord {
  readonly image: StateRecord;
  readonly dataFile?: StateRecord;
}

/** The state after the edit as it differs from the one before, or the other way round for a saved one. */
interface EditRecord extends PairRecord {
  /** What the person is shown. */
  readonly label: string;
  /** Runs of host clusters that it gave up. */
  readonly freed: readonly (readonly [first: number, count: number])[];
  readonly repaired?: Repaired;
}

interface BackupFacts {
  readonly image: string;
  readonly fingerprints: readonly string[];
}

interface Manifest extends BackupFacts {
  readonly version: number;
  /** Name of the file of pages, beside the manifest. */
  readonly pages: string;
  readonly edits: readonly EditRecord[];
  readonly done: number;
  /** Absent where no edit leads to what is on disk. */
  readonly saved?: number;
  /**
   * The state that was saved, or the one before the first edit, as it differs from what is on disk: a save leaves out
   * what lies in clusters that are free, which only undo needs.
   */
  readonly start?: PairRecord;
  /** Edits before the first one that were left out. */
  readonly missing: number;
}

/** Whether a file is called as those are that `BackupWriter` writes pages to; it lies beside the manifest. */
export const isPagesName = (name: unknown): name is string =>
  typeof name === 'string' && /^pages-[0-9a-f]{12}$/.test(name);

/** A backup that was written or read. */
export interface BackupPlace {
  /** Name of the file of pages beside the manifest; another backup may share it. */
  readonly pages: string;
}

/** The edits of a backup, staged again. */
export interface RestoredRow extends EditRow, BackupPlace {
  /** Edits before the first one that the backup could not keep. */
  readonly missing: number;
}

/** The files that staged edits are laid over. */
export interface StagedFiles {
  readonly image: StagedFile;
  readonly dataFile: StagedFile | undefined;
}

/** Tells the state of a file that staged edits fit. Inode numbers of a copy differ, and so does its fingerprint. */
export const fingerprintOf = ({ device, inode, size, modified }: FileIdentity): string =>
  [device, inode, size, modified].join(':');

const withoutTime = (fingerprint: string): string => fingerprint.slice(0, fingerprint.lastIndexOf(':'));

interface PagesFile {
  readonly descriptor: number;
  readonly path: string;
  /** Of the image, which the records in it belong to. */
  readonly epoch: number;
}

/** Writes backups of one image's edits, each page once. */
export class BackupWriter {
  #pages: PagesFile | undefined;
  #end = 0;
  /** What was written of edits that may come again in the next backup, by the direction of the record. */
  #records = { forward: new WeakMap<Edit, EditRecord>(), backward: new WeakMap<Edit, EditRecord>() };
  #starts = new WeakMap<StagedPair, PairRecord>();

  constructor(readonly files: StagedFiles) {}

  /**
   * @param manifestPath of a file that is made or replaced; its folder is made where there is none
   * @throws FileError
   */
  write(manifestPath: string, facts: BackupFacts, row: EditRow): BackupPlace {
    const unfinished = `${manifestPath}.part`;
    try {
      const folder = path.dirname(manifestPath);
      mkdirSync(folder, { recursive: true });
      const pages = this.#usePages(folder);
      const manifest: Manifest = {
        version: VERSION,
        ...facts,
        pages: path.basename(pages.path),
        ...this.#recordsOf(row),
      };
      fsyncSync(pages.descriptor);
      writeFileSync(unfinished, JSON.stringify(manifest), { mode: 0o600, flush: true });
      renameSync(unfinished, manifestPath);
      return { pages: manifest.pages };
    } catch (error) {
      throw new FileError(manifestPath, 'backup.write', { value: systemMessage(error) });
    }
  }

  close(): void {
    if (this.#pages !== undefined) closeSync(this.#pages.descriptor);
    this.#pages = undefined;
  }

  /** Another file where the last one was removed with its backup, and after a save, which makes the records untrue. */
  #usePages(folder: string): PagesFile {
    const { epoch } = this.files.image.state;
    const last = this.#pages;
    if (last?.epoch === epoch && path.dirname(last.path) === folder && existsSync(last.path)) return last;
    this.close();
    const pagesPath = path.join(folder, `pages-${randomBytes(6).toString('hex')}`);
    const pages = { descriptor: openSync(pagesPath, 'wx', 0o600), path: pagesPath, epoch };
    this.#pages = pages;
    this.#end = 0;
    this.#records = { forward: new WeakMap(), backward: new WeakMap() };
    this.#starts = new WeakMap();
    return pages;
  }

  #recordsOf({
    edits,
    done,
    saved,
  }: EditRow): Pick<Manifest, 'edits' | 'done' | 'saved' | 'start' | 'missing'> {
    const states = statesOf(edits);
    const missing = saved === undefined ? 0 : this.#savedEditsLeftOut(states.slice(0, saved + 1));
    const middle = saved ?? 0;
    const start = states[middle];
    const records = edits.map((edit, index) => {
      if (index < missing) return undefined;
      const [before, after] = [states[index]!, states[index + 1]!];
      return index < middle
        ? this.#recordOf('backward', edit, after, before)
        : this.#recordOf('forward', edit, before, after);
    });
    return {
      edits: records.filter((record) => record !== undefined),
      done: done - missing,
      ...(saved === undefined ? {} : { saved: saved - missing }),
      ...(start === undefined ? {} : { start: this.#startOf(start) }),
      missing,
    };
  }

  /** How many of the first edits are left out, so that little is written for those after them. */
  #savedEditsLeftOut(states: readonly StagedPair[]): number {
    let bytes = 0;
    for (let index = states.length - 1; index > 0; index--) {
      bytes += pageBytes(this.files, states[index]!, states[index - 1]!);
      if (bytes > MOST_SAVED_PAGES) return index;
    }
    return 0;
  }

  #recordOf(direction: 'forward' | 'backward', edit: Edit, from: StagedPair, to: StagedPair): EditRecord {
    const known = this.#records[direction].get(edit);
    if (known !== undefined) return known;
    const freed: [number, number][] = [];
    edit.freed.forEachRun((first, count) => freed.push([first, count]));
    const record: EditRecord = {
      label: edit.label,
      ...this.#pairOf(from, to),
      freed,
      ...(edit.repaired === undefined ? {} : { repaired: edit.repaired }),
    };
    this.#records[direction].set(edit, record);
    return record;
  }

  /** A state as it differs from what is on disk. */
  #startOf(state: StagedPair): PairRecord {
    const known = this.#starts.get(state);
    if (known !== undefined) return known;
    const record = this.#pairOf(undefined, state);
    this.#starts.set(state, record);
    return record;
  }

  /** @param from what is on disk where it is undefined */
  #pairOf(from: StagedPair | undefined, to: StagedPair): PairRecord {
    const { image, dataFile } = this.files;
    return {
      image: this.#stateOf(image, from?.image, to.image),
      ...(dataFile === undefined || to.dataFile === undefined
        ? {}
        : { dataFile: this.#stateOf(dataFile, from?.dataFile, to.dataFile) }),
    };
  }

  #stateOf(file: StagedFile, before: StagedState | undefined, after: StagedState): StateRecord {
    const pieces: PieceRecord[] = [];
    const from = before === undefined ? unstaged(file) : currentState(file, before);
    const isOnDisk = (offset: number, bytes: Uint8Array): boolean => {
      const found = new Uint8Array(bytes.length);
      file.base.read(found, offset);
      return Buffer.compare(bytes, found) === 0;
    };
    file.forEachChange(from, currentState(file, after), (offset, length, piece) => {
      if (!(piece instanceof Uint8Array)) addUniform(pieces, offset, length, piece);
      else if (before !== undefined || !isOnDisk(offset, piece)) this.#addPage(pieces, offset, piece);
    });
    return { size: after.size, pieces };
  }

  /** Pages that follow on one another stand in one record. */
  #addPage(pieces: PieceRecord[], offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.#pages!.descriptor, bytes, done, bytes.length - done, this.#end + done);
    }
    const last = pieces.at(-1);
    if (last?.[2] === 'pages' && last[0] + last[1] === offset && last[3] + last[1] === this.#end) {
      pieces[pieces.length - 1] = [last[0], last[1] + bytes.length, 'pages', last[3]];
    } else {
      pieces.push([offset, bytes.length, 'pages', this.#end]);
    }
    this.#end += bytes.length;
  }
}

/** A fill, or the image's own bytes; stretches that follow on one another are one. */
function addUniform(pieces: PieceRecord[], offset: number, length: number, fill: Fill | undefined): void {
  const what =
    fill === undefined
      ? (['base'] as const)
      : (['fill', fill.high, fill.low, fill.step, fill.origin] as const);
  const last = pieces.at(-1);
  const isOne = last !== undefined && last[0] + last[1] === offset && last.slice(2).join() === what.join();
  if (isOne) pieces.pop();
  pieces.push(isOne ? [last[0], last[1] + length, ...what] : [offset, length, ...what]);
}

/**
 * Stages the edits of a backup again; nothing may be staged. What is shown afterwards is where the history stands.
 * @param isRolledBack a save was taken back since: the file has all its bytes as they were, and another time
 * @throws RefusedError `backup.otherImage` where the image is not what it was; FileError `backup.read`
 */
export function restoreBackup(
  manifestPath: string,
  files: StagedFiles,
  fingerprints: readonly string[],
  isRolledBack = false,
): RestoredRow {
  const manifest = readManifest(manifestPath);
  const told = (of: readonly string[]): string => (isRolledBack ? of.map(withoutTime) : of).join();
  if (told(manifest.fingerprints) !== told(fingerprints)) {
    throw new RefusedError(files.image.name, 'backup.otherImage', { value: manifestPath });
  }
  const { pages, missing, done, saved } = manifest;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path.join(path.dirname(manifestPath), pages), 'r');
    const states = putBack(manifest, files, descriptor);
    const edits = manifest.edits.map(({ label, freed, repaired }, index): Edit => {
      const bits = new ClusterBits();
      for (const [first, count] of freed) bits.add(first, count);
      const [before, after] = [states[index]!, states[index + 1]!];
      return { label, before, after, freed: bits, ...(repaired === undefined ? {} : { repaired }) };
    });
    setState(files, states[done]!);
    return { edits, done, saved, missing, pages };
  } catch (error) {
    throw new FileError(manifestPath, 'backup.read', { value: systemMessage(error) });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** The states before the first edit, and after each. */
function putBack({ edits, saved, start }: Manifest, files: StagedFiles, pages: number): StagedPair[] {
  const put = ({ image, dataFile }: PairRecord): StagedPair => {
    files.image.putBack(piecesOf(image, pages), image.size);
    if (dataFile !== undefined) files.dataFile?.putBack(piecesOf(dataFile, pages), dataFile.size);
    return stateOf(files);
  };
  const middle = start === undefined ? stateOf(files) : put(start);
  const later = edits.slice(saved ?? 0).map(put);
  setState(files, middle);
  const earlier = edits
    .slice(0, saved ?? 0)
    .reverse()
    .map(put)
    .reverse();
  return [...earlier, middle, ...later];
}

export const stateOf = ({ image, dataFile }: StagedFiles): StagedPair => ({
  image: image.state,
  dataFile: dataFile?.state,
});

export function setState({ image, dataFile }: StagedFiles, state: StagedPair): void {
  image.state = state.image;
  if (dataFile !== undefined && state.dataFile !== undefined) dataFile.state = state.dataFile;
}

/**
 * The states before the first edit, and after each. Where an edit was saved, the next one began from another state: it
 * lacks what the save has left out, as it lies in clusters that are free, and what undo needs nevertheless.
 */
const statesOf = (edits: readonly Edit[]): StagedPair[] =>
  edits.length === 0 ? [] : [edits[0]!.before, ...edits.map(({ after }) => after)];

/** Nothing is staged. */
export const unstaged = (file: StagedFile): StagedState => ({
  ...file.state,
  tree: undefined,
  size: file.base.size,
});

/** A state from before a save, as it is over what the save has left. */
function currentState(file: StagedFile, state: StagedState): StagedState {
  const shown = file.state;
  if (state.epoch === shown.epoch) return state;
  file.state = state;
  const current = file.state;
  file.state = shown;
  return current;
}

/** Bytes of the pages that say how one state differs from another. */
function pageBytes({ image, dataFile }: StagedFiles, from: StagedPair, to: StagedPair): number {
  let bytes = 0;
  const count = (file: StagedFile, before: StagedState, after: StagedState): void => {
    file.forEachChange(currentState(file, before), currentState(file, after), (_, length, piece) => {
      if (piece instanceof Uint8Array) bytes += length;
    });
  };
  count(image, from.image, to.image);
  if (dataFile !== undefined && from.dataFile !== undefined && to.dataFile !== undefined) {
    count(dataFile, from.dataFile, to.dataFile);
  }
  return bytes;
}

function readManifest(manifestPath: string): Manifest {
  try {
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest;
    // The file of pages is removed with the backup: no other may be called one.
    if (!isPagesName(manifest.pages)) throw new Error('it does not name its file of pages');
    if (manifest.version === VERSION) return manifest;
    if (manifest.version !== 1) throw new Error(`it is of version ${manifest.version}`);
    return { ...manifest, done: manifest.edits.length, saved: 0, missing: 0 };
  } catch (error) {
    throw new FileError(manifestPath, 'backup.read', { value: systemMessage(error) });
  }
}

function* piecesOf(
  { pieces }: StateRecord,
  pages: number,
): Iterable<{ readonly offset: number; readonly length: number; readonly piece: Piece | undefined }> {
  for (const record of pieces) {
    const [offset, length] = record;
    switch (record[2]) {
      case 'base':
        yield { offset, length, piece: undefined };
        break;
      case 'fill':
        yield { offset, length, piece: Fill.of(record[3], record[4], record[5], record[6]) };
        break;
      case 'pages':
        for (let done = 0; done < length; done += PAGE_SIZE) {
          const piece = new Uint8Array(PAGE_SIZE);
          if (readSync(pages, piece, 0, PAGE_SIZE, record[3] + done) < PAGE_SIZE) {
            throw new Error('its file of pages is cut off');
          }
          yield { offset: offset + done, length: PAGE_SIZE, piece };
        }
        break;
    }
  }
}
