/**
 * Staged edits on disk, so that they outlive this process: a manifest, written anew for each backup, beside a file of
 * pages that only grows. They fit one state of one image, told by its fingerprint; on another one they are refused
 * and left alone.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
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
import type { Edit, Repaired, StagedPair } from './history';

const VERSION = 1;

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

interface EditRecord {
  /** What the person is shown. */
  readonly label: string;
  readonly image: StateRecord;
  readonly dataFile?: StateRecord;
  /** Runs of host clusters that it gave up. */
  readonly freed: readonly (readonly [first: number, count: number])[];
  readonly repaired?: Repaired;
}

interface Manifest {
  readonly version: number;
  readonly image: string;
  readonly fingerprints: readonly string[];
  /** Name of the file of pages, beside the manifest. */
  readonly pages: string;
  readonly edits: readonly EditRecord[];
}

/** The files that staged edits are laid over. */
export interface StagedFiles {
  readonly image: StagedFile;
  readonly dataFile: StagedFile | undefined;
}

/** Tells the state of a file that staged edits fit. Inode numbers of a copy differ, and so does its fingerprint. */
export const fingerprintOf = ({ device, inode, size, modified }: FileIdentity): string =>
  [device, inode, size, modified].join(':');

/** Writes backups of one image's edits, each page once. */
export class BackupWriter {
  #pages: number | undefined;
  #pagesPath = '';
  #end = 0;
  /** What was written of edits that may come again in the next backup. */
  readonly #records = new WeakMap<Edit, EditRecord>();

  constructor(readonly files: StagedFiles) {}

  /**
   * @param manifestPath of a file that is made or replaced; its folder is made where there is none
   * @param pagesName of the file of pages beside it, the same for all backups of this image
   * @throws FileError
   */
  write(
    manifestPath: string,
    pagesName: string,
    facts: Pick<Manifest, 'image' | 'fingerprints'>,
    edits: readonly Edit[],
  ): void {
    try {
      const folder = path.dirname(manifestPath);
      mkdirSync(folder, { recursive: true });
      this.#usePages(path.join(folder, pagesName));
      const manifest: Manifest = {
        version: VERSION,
        ...facts,
        pages: pagesName,
        edits: edits.map((edit) => this.#recordOf(edit)),
      };
      fsyncSync(this.#pages!);
      writeFileSync(manifestPath, JSON.stringify(manifest), { mode: 0o600, flush: true });
    } catch (error) {
      throw new FileError(manifestPath, 'backup.write', { value: systemMessage(error) });
    }
  }

  close(): void {
    if (this.#pages !== undefined) closeSync(this.#pages);
    this.#pages = undefined;
  }

  #usePages(pagesPath: string): void {
    if (this.#pages !== undefined && this.#pagesPath === pagesPath) return;
    this.close();
    this.#pages = openSync(pagesPath, 'wx', 0o600);
    this.#pagesPath = pagesPath;
    this.#end = 0;
  }

  #recordOf(edit: Edit): EditRecord {
    const known = this.#records.get(edit);
    if (known !== undefined) return known;
    const { before, after } = edit;
    const freed: [number, number][] = [];
    edit.freed.forEachRun((first, count) => freed.push([first, count]));
    const record: EditRecord = {
      label: edit.label,
      image: this.#stateOf(this.files.image, before.image, after.image),
      ...(this.files.dataFile === undefined || before.dataFile === undefined || after.dataFile === undefined
        ? {}
        : { dataFile: this.#stateOf(this.files.dataFile, before.dataFile, after.dataFile) }),
      freed,
      ...(edit.repaired === undefined ? {} : { repaired: edit.repaired }),
    };
    this.#records.set(edit, record);
    return record;
  }

  #stateOf(file: StagedFile, before: StagedState, after: StagedState): StateRecord {
    const pieces: PieceRecord[] = [];
    file.forEachChange(before, after, (offset, length, piece) => {
      if (piece === undefined) pieces.push([offset, length, 'base']);
      else if (piece instanceof Fill) {
        const { high, low, step, origin } = piece;
        pieces.push([offset, length, 'fill', high, low, step, origin]);
      } else this.#addPage(pieces, offset, piece);
    });
    return { size: after.size, pieces };
  }

  /** Pages that follow on one another stand in one record. */
  #addPage(pieces: PieceRecord[], offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.#pages!, bytes, done, bytes.length - done, this.#end + done);
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

/**
 * Stages the edits of a backup again, one after the other.
 * @param take told of each edit once it is staged
 * @throws RefusedError `backup.otherImage` where the image is not what it was; FileError `backup.read`
 */
export function restoreBackup(
  manifestPath: string,
  files: StagedFiles,
  fingerprints: readonly string[],
  take: (edit: Edit) => void,
): void {
  const manifest = readManifest(manifestPath);
  if (manifest.fingerprints.join() !== fingerprints.join()) {
    throw new RefusedError(files.image.name, 'backup.otherImage', { value: manifestPath });
  }
  const pagesPath = path.join(path.dirname(manifestPath), manifest.pages);
  let pages: number | undefined;
  try {
    pages = openSync(pagesPath, 'r');
    for (const record of manifest.edits) {
      const before = stateOf(files);
      files.image.putBack(piecesOf(record.image, pages), record.image.size);
      if (record.dataFile !== undefined)
        files.dataFile?.putBack(piecesOf(record.dataFile, pages), record.dataFile.size);
      const freed = new ClusterBits();
      for (const [first, count] of record.freed) freed.add(first, count);
      const repaired = record.repaired === undefined ? {} : { repaired: record.repaired };
      take({ label: record.label, before, after: stateOf(files), freed, ...repaired });
    }
  } catch (error) {
    throw new FileError(manifestPath, 'backup.read', { value: systemMessage(error) });
  } finally {
    if (pages !== undefined) closeSync(pages);
  }
}

export const stateOf = ({ image, dataFile }: StagedFiles): StagedPair => ({
  image: image.state,
  dataFile: dataFile?.state,
});

function readManifest(manifestPath: string): Manifest {
  try {
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest;
    if (manifest.version !== VERSION) throw new Error(`it is of version ${manifest.version}`);
    return manifest;
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
