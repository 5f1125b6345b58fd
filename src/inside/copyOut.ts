/**
 * Copies files and folders out of a file system of the guest onto the host. What comes from a disk does no harm there: nothing
 * that exists is written over, nothing is written outside the destination, links that lead out of it become notes, and no
 * device, owner or permission is taken over. Holes stay holes.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { GuestError, isGuestError } from '../guest/errors';
import type { FileId, FileInfo, FileSystem } from '../guest/fileSystem';
import { FileError, RefusedError } from '../qcow2/errors';
import { isZero } from '../qcow2/isZero';
import { systemCode, systemMessage } from '../qcow2/io/systemError';
import { type Progress, quietOf } from '../qcow2/progress';
import { guestCode } from './guestCode';
import { HostNames } from './hostName';
import type { FoundProblem } from './insideProblem';
import { linkTarget } from './linkTarget';

export interface CopyReport {
  files: number;
  folders: number;
  links: number;
  /** Links that became notes. */
  notes: number;
  /** Devices, pipes, sockets and what else has no contents. */
  skipped: number;
  /** Names that are not the guest's. */
  renamed: number;
  /** Bytes of contents that were written. */
  bytes: number;
  /** What could not be copied, or only in part. */
  readonly problems: { readonly path: string; readonly problem: FoundProblem }[];
}

export interface CopyOptions {
  readonly progress: Progress;
  /** As `process.platform`. */
  readonly platform?: string;
}

/** Problems that are kept; of a disk full of damage the first ones say enough. */
const MOST_PROBLEMS = 1000;
/** Bytes that are read at a time. */
const PIECE = 1024 * 1024;
/** Bytes beyond what a file takes on its device that its copy may need: inline and compressed contents. */
const INLINE = 64 * 1024;

/**
 * @param file a file, or a folder, whose contents are copied
 * @param destination absolute path of what is made; it must not exist
 * @throws RefusedError where the host has no room, FileError where it refuses, GuestError where `file` cannot be read,
 *   CancelledError; what was copied by then stays
 */
export function copyOut(
  system: FileSystem,
  file: FileId,
  destination: string,
  { progress, platform = process.platform }: CopyOptions,
): CopyReport {
  const info = system.stat(file);
  const copier = new Copier(system, progress, platform);
  refuseFull(destination, copier.measure(info));
  if (info.type === 'folder') copier.copyFolder(file, destination);
  else if (info.type === 'file') copier.copyOnly(info, destination);
  else throw new GuestError('guest.notFile', { value: info.type });
  return copier.report;
}

/** A folder that was made, and is to be filled. */
interface Made {
  readonly id: FileId;
  /** In the guest, for problems. */
  readonly path: string;
  /** On the host, below the destination. */
  readonly names: readonly string[];
}

interface Link {
  readonly folder: readonly string[];
  readonly name: string;
  readonly target: string;
}

class Copier {
  readonly report: CopyReport = {
    files: 0,
    folders: 0,
    links: 0,
    notes: 0,
    skipped: 0,
    renamed: 0,
    bytes: 0,
    problems: [],
  };
  readonly #buffer = new Uint8Array(PIECE);
  #total = 0;

  constructor(
    readonly system: FileSystem,
    readonly progress: Progress,
    readonly platform: string,
  ) {}

  /** Bytes that the host will need. */
  measure(info: FileInfo): number {
    const needed = ({ size, allocated }: FileInfo): number => Math.min(size, allocated + INLINE);
    if (info.type !== 'folder') this.#total = needed(info);
    else {
      guestCode().forEachFile(
        this.system,
        info.id,
        ({ entry, type }) => {
          if (type !== 'file') return;
          const found = this.#tried('', () => this.system.stat(entry.id));
          if (found !== undefined) this.#total += needed(found);
        },
        () => undefined,
        quietOf(this.progress),
      );
    }
    // They come again when they are copied.
    this.report.problems.length = 0;
    return this.#total;
  }

  copyOnly(info: FileInfo, destination: string): void {
    this.#copyFile(info, destination, '');
  }

  /** Links are made last: nothing is written through one. */
  copyFolder(id: FileId, destination: string): void {
    const links: Link[] = [];
    const seen = new Set<FileId>([id]);
    makeFolder(destination);
    for (let level: Made[] = [{ id, path: '', names: [] }]; level.length > 0;) {
      const next: Made[] = [];
      for (const folder of level) this.#fill(folder, destination, seen, next, links);
      level = next;
    }
    for (const link of links) this.#makeLink(link, destination, id === this.system.root);
  }

  #fill(folder: Made, destination: string, seen: Set<FileId>, next: Made[], links: Link[]): void {
    const host = path.join(destination, ...folder.names);
    const given = new HostNames(this.platform);
    const listing = this.#tried(folder.path, () => this.system.list(folder.id));
    if (listing?.problem !== undefined) this.#note(folder.path, listing.problem);
    for (const entry of listing?.entries ?? []) {
      this.progress.checkCancelled();
      const below = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
      const info = this.#tried(below, () => this.system.stat(entry.id));
      if (info === undefined) continue;
      if (info.type !== 'folder' && info.type !== 'file' && info.type !== 'link') {
        this.report.skipped++;
        continue;
      }
      const name = given.give(entry.name);
      if (name !== entry.name) this.report.renamed++;
      const made = { id: info.id, path: below, names: [...folder.names, name] };
      if (info.type === 'link') links.push({ folder: folder.names, name, target: info.target ?? '' });
      else if (info.type === 'folder' && seen.has(info.id))
        this.#note(below, { code: 'guest.loop', what: 'folder' });
      else
        this.#where(below, () => {
          if (info.type === 'file') this.#copyFile(info, path.join(host, name), below);
          else {
            makeFolder(path.join(host, name));
            seen.add(info.id);
            next.push(made);
            this.report.folders++;
          }
        });
    }
  }

  #copyFile(info: FileInfo, destination: string, guestPath: string): void {
    if (info.problem !== undefined) this.#note(guestPath, info.problem);
    const descriptor = onHost(destination, 'file.create', () => fs.openSync(destination, 'wx', 0o666));
    try {
      this.#tried(guestPath, () => {
        this.#copyContents(info, descriptor, destination);
      });
      if (info.modified !== undefined) setModified(descriptor, info.modified);
    } finally {
      fs.closeSync(descriptor);
    }
    this.report.files++;
  }

  #copyContents({ id, size }: FileInfo, descriptor: number, destination: string): void {
    for (const { at, length, isHole } of this.system.extents(id)) {
      if (isHole === true) continue;
      const end = Math.min(at + length, size);
      for (let done = at; done < end;) {
        this.progress.checkCancelled();
        const piece = this.#buffer.subarray(0, Math.min(PIECE, end - done));
        const read = this.system.read(id, done, piece);
        if (read === 0) break;
        const bytes = piece.subarray(0, read);
        done += read;
        if (isZero(bytes)) continue;
        writeAll(descriptor, bytes, done - read, destination);
        this.report.bytes += read;
        this.progress.report(Math.min(this.report.bytes, this.#total), this.#total);
      }
    }
    onHost(
      destination,
      'file.truncate',
      () => {
        fs.ftruncateSync(descriptor, size);
      },
      { limit: size },
    );
  }

  #makeLink({ folder, name, target }: Link, destination: string, isWhole: boolean): void {
    const host = path.join(destination, ...folder, name);
    const safe = linkTarget(target, folder, isWhole);
    if (safe !== undefined && isLinked(safe, host)) {
      this.report.links++;
      return;
    }
    this.#where([...folder, name].join('/'), () => {
      onHost(host, 'file.create', () => {
        fs.writeFileSync(host, `Symbolic link to ${target}\n`, { flag: 'wx' });
      });
      this.report.notes++;
    });
  }

  /** A name or a path that is too long for the host does not keep the others. */
  #where(guestPath: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof FileError && isUnnameable(error.cause))) throw error;
      this.#note(guestPath, error.problem);
    }
  }

  /** What is wrong with one file does not keep the others. */
  #tried<T>(guestPath: string, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      if (!isGuestError(error)) throw error;
      this.#note(guestPath, error.problem);
      return undefined;
    }
  }

  #note(guestPath: string, problem: FoundProblem): void {
    if (this.report.problems.length < MOST_PROBLEMS) this.report.problems.push({ path: guestPath, problem });
  }
}

/** @param needed bytes */
function refuseFull(destination: string, needed: number): void {
  const folder = path.dirname(destination);
  const { bavail, bsize } = onHost(folder, 'file.open', () => fs.statfsSync(folder));
  if (needed > bavail * bsize)
    throw new RefusedError(destination, 'copy.full', { value: needed, limit: bavail * bsize });
}

function makeFolder(host: string): void {
  onHost(host, 'file.create', () => {
    fs.mkdirSync(host);
  });
}

/** @param modified milliseconds since 1970; hosts hold no others than theirs */
function setModified(descriptor: number, modified: number): void {
  try {
    fs.futimesSync(descriptor, new Date(), new Date(modified));
  } catch {
    // The file is dated today then.
  }
}

/** Whether a link was made; Windows allows it to few. */
function isLinked(target: string, host: string): boolean {
  try {
    fs.symlinkSync(target, host);
    return true;
  } catch {
    return false;
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, offset: number, host: string): void {
  const facts = { offset, limit: bytes.length };
  onHost(
    host,
    'file.write',
    () => {
      for (let done = 0; done < bytes.length;)
        done += fs.writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
    },
    facts,
  );
}

const UNNAMEABLE: readonly unknown[] = ['ENAMETOOLONG', 'EILSEQ', 'EINVAL'];
const isUnnameable = (error: unknown): boolean => UNNAMEABLE.includes(systemCode(error));

function onHost<T>(
  host: string,
  code: 'file.create' | 'file.open' | 'file.write' | 'file.truncate',
  action: () => T,
  facts: { readonly offset?: number; readonly limit?: number } = {},
): T {
  try {
    return action();
  } catch (cause) {
    const error = new FileError(host, code, { value: systemMessage(cause), ...facts });
    error.cause = cause;
    throw error;
  }
}
