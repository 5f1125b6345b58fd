/**
 * Staged edits on disk, so that they outlive this process or this thread: a manifest, replaced as a whole by each backup,
 * beside a file of pages that only grows. They fit one state of one image, told by its fingerprint; on another one they
 * are refused and left alone.
 *
 * Edits are recorded as differences from the state on disk: unsaved edits by what they do, saved edits by what their undo
 * would restore.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import * as path from 'node:path';
import { FileError } from '../errors';
import { randomName } from '../io/crypto';
import type { Fill } from '../io/fill';
import type { StagedFile, StagedState } from '../io/stagedFile';
import { systemMessage } from '../io/systemError';
import type { ByteLength, HostOffset } from '../units';
import {
  type BackupFacts,
  type BackupPlace,
  type EditRecord,
  type Manifest,
  type PairRecord,
  type PieceRecord,
  type StateRecord,
  VERSION,
} from './backupManifest';
import { factsOf, type Edit, type EditRow, type StagedPair } from './history';
import { currentState, type StagedFiles, statesOf, stepsOf, unstaged } from './stagedStates';

/** Bytes of pages that are written so that saved edits can be undone; older ones than these are left out. */
const MOST_SAVED_PAGES = 64 * 1024 * 1024;

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
    const pagesPath = path.join(folder, `pages-${randomName(6)}`);
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
    const steps = stepsOf(states);
    const records = edits.map((edit, index) => {
      const step = steps[index];
      if (index < missing || step === undefined) return undefined;
      const { before, after } = step;
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
    return (
      stepsOf(states).findLastIndex(({ before, after }) => {
        bytes += pageBytes(this.files, after, before);
        return bytes > MOST_SAVED_PAGES;
      }) + 1
    );
  }

  #recordOf(direction: 'forward' | 'backward', edit: Edit, from: StagedPair, to: StagedPair): EditRecord {
    const known = this.#records[direction].get(edit);
    if (known !== undefined) return known;
    const freed: EditRecord['freed'][number][] = [];
    edit.freed.forEachRun((first, count) => freed.push([first, count]));
    const record: EditRecord = {
      label: edit.label,
      ...this.#pairOf(from, to),
      freed,
      ...factsOf(edit),
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
    const isOnDisk = (offset: HostOffset, bytes: Uint8Array): boolean => {
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
  #addPage(pieces: PieceRecord[], offset: HostOffset, bytes: Uint8Array): void {
    // Opened before the first record is made.
    const descriptor = this.#pages?.descriptor ?? -1;
    for (let done = 0; done < bytes.length;) {
      done += writeSync(descriptor, bytes, done, bytes.length - done, this.#end + done);
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
function addUniform(
  pieces: PieceRecord[],
  offset: HostOffset,
  length: ByteLength,
  fill: Fill | undefined,
): void {
  const what =
    fill === undefined
      ? (['base'] as const)
      : (['fill', fill.high, fill.low, fill.step, fill.origin] as const);
  const last = pieces.at(-1);
  const isOne = last !== undefined && last[0] + last[1] === offset && last.slice(2).join() === what.join();
  if (isOne) pieces.pop();
  pieces.push(isOne ? [last[0], last[1] + length, ...what] : [offset, length, ...what]);
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
