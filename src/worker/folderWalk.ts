/**
 * Walks folders for qcow2 images, in parts. Every regular file is judged by its first bytes. Links to files are followed;
 * linked folders are walked last and once, so that cycles end. FIFOs, sockets and devices are never opened. A folder from a
 * stranger must not lead all over the machine: links to a folder above are not followed, and the kernel's own file systems
 * are skipped, where reading a file may have effects.
 */
import { type Dirent, readdirSync, realpathSync, type Stats, statfsSync, statSync } from 'node:fs';
import { basename, extname, relative, sep } from 'node:path';
import { recognise } from '../qcow2/chain/recognise';
import { isImageName } from '../qcow2/imageName';
import { systemCode } from '../qcow2/io/systemError';
import { compileGlob } from './glob';
import { readIndexedImage } from './headerReader';
import type { Exclusion, IndexedImage, WalkPart, WalkRequest } from './indexApi';

/** Limits of one part, in milliseconds and images: other requests are answered in between. */
const PART_TIME = 25;
const PART_IMAGES = 64;
/** Linux's proc, sysfs, debugfs, tracefs, securityfs, configfs, both kinds of cgroup, bpf and pstore (statfs(2)). */
const KERNEL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x64626720, 0x74726163, 0x73636673, 0x62656570, 0x27e0eb, 0x63677270, 0xcafe4a11,
  0x6165676c,
]);
/** Most names of unreadable files that are kept. */
const MAX_UNREADABLE = 1000;

interface Folder {
  readonly path: string;
  /** Relative to the root, with slashes, ending in one unless empty; exclusions are matched against it. */
  readonly relativePath: string;
  /** Links resolved. */
  readonly realPath: string;
}

/** A folder whose names are being read. */
interface OpenFolder extends Folder {
  readonly entries: readonly Dirent[];
  /** For exclusions with `when`. */
  readonly names: ReadonlySet<string> | undefined;
  next: number;
}

interface CompiledExclusion {
  readonly matches: (path: string) => boolean;
  readonly when: string | undefined;
}

export class FolderWalk {
  readonly #exclude: readonly CompiledExclusion[];
  readonly #starts: string[];
  #folders: Folder[] = [];
  #nextFolder = 0;
  #open: OpenFolder | undefined;
  /** Linked folders, to be walked after all others. */
  readonly #links: string[] = [];
  /** Real paths of the folders that were walked. */
  readonly #taken = new Set<string>();
  #images: IndexedImage[] = [];
  #unreadable: string[] = [];
  #imageCount = 0;
  #fileCount = 0;
  #unreadableCount = 0;
  #isCut = false;

  readonly #request: WalkRequest;

  constructor(request: WalkRequest) {
    this.#request = request;
    this.#exclude = request.exclude.map(compile);
    this.#starts = [...request.starts].reverse();
  }

  /** Continues the walk. Never throws because of a file. */
  next(): WalkPart {
    const end = performance.now() + PART_TIME;
    let isOver = false;
    while (!isOver && this.#images.length < PART_IMAGES && performance.now() < end) isOver = !this.#step();
    const images = this.#images;
    const unreadable = this.#unreadable;
    const isCut = this.#isCut;
    this.#images = [];
    this.#unreadable = [];
    return { images, unreadable, isOver, isCut };
  }

  /** Takes one name or opens one folder. @returns false at the end */
  #step(): boolean {
    if (this.#isCut) return false;
    if (this.#open !== undefined) return this.#takeEntry(this.#open);
    const start = this.#starts.pop();
    if (start !== undefined) return this.#takeStart(start);
    const folder = this.#folders[this.#nextFolder];
    if (folder !== undefined) return this.#openFolder(folder);
    const link = this.#links.pop();
    if (link !== undefined) return this.#takeLink(link);
    return false;
  }

  /** A start may lie anywhere below the root, so each folder on the way may be excluded. */
  #takeStart(path: string): boolean {
    const { root } = this.#request;
    for (let at = path; at.length > root.length; at = at.slice(0, at.lastIndexOf(sep))) {
      if (this.#isExcluded(this.#relativeTo(at), undefined)) return true;
    }
    const stats = this.#stat(path);
    if (stats?.isFile() === true) return this.#takeFile(path);
    return stats?.isDirectory() === true ? this.#takeFolder(path) : true;
  }

  #takeFolder(path: string): boolean {
    try {
      const relativePath = path === this.#request.root ? '' : `${this.#relativeTo(path)}/`;
      this.#enqueue({ path, relativePath, realPath: realpathSync(path) });
    } catch (error) {
      this.#noteFailure(path, error);
    }
    return true;
  }

  #takeLink(path: string): boolean {
    try {
      const [target, root] = [realpathSync(path), realpathSync(this.#request.root)];
      if (root === target || root.startsWith(below(target, ''))) return true;
    } catch (error) {
      this.#noteFailure(path, error);
      return true;
    }
    return this.#takeFolder(path);
  }

  #enqueue(folder: Folder): void {
    if (this.#taken.has(folder.realPath)) return;
    this.#taken.add(folder.realPath);
    this.#folders.push(folder);
  }

  #openFolder(folder: Folder): boolean {
    this.#nextFolder++;
    // Release what was walked from time to time.
    if (this.#nextFolder > 1000) {
      this.#folders = this.#folders.slice(this.#nextFolder);
      this.#nextFolder = 0;
    }
    try {
      if (isOfKernel(folder.path)) return true;
      const entries = readdirSync(folder.path, { withFileTypes: true });
      const needsNames = this.#exclude.some(({ when }) => when !== undefined);
      const names = needsNames ? new Set(entries.map(({ name }) => name)) : undefined;
      this.#open = { ...folder, entries, names, next: 0 };
    } catch (error) {
      this.#noteFailure(folder.path, error);
    }
    return true;
  }

  #takeEntry(folder: OpenFolder): boolean {
    const entry = folder.entries[folder.next++];
    if (entry === undefined) {
      this.#open = undefined;
      return true;
    }
    const path = below(folder.path, entry.name);
    const isLink = entry.isSymbolicLink();
    if (!entry.isFile() && !entry.isDirectory() && !isLink) return true;
    const relativePath = folder.relativePath + entry.name;
    if (this.#isExcluded(relativePath, folder.names)) return true;
    if (entry.isFile()) return this.#takeFile(path);
    if (!isLink) {
      const realPath = below(folder.realPath, entry.name);
      if (this.#request.isDeep) this.#enqueue({ path, relativePath: `${relativePath}/`, realPath });
      return true;
    }
    const stats = this.#stat(path);
    if (stats?.isFile() === true) return this.#takeFile(path);
    const { isDeep, followsLinks } = this.#request;
    if (stats?.isDirectory() === true && isDeep && followsLinks) this.#links.push(path);
    return true;
  }

  #takeFile(path: string): boolean {
    if (++this.#fileCount > this.#request.maxFiles) {
      this.#isCut = true;
      return false;
    }
    const recognised = recognise(path);
    if (recognised === 'unreadable') this.#note(path);
    if (recognised === 'gone' || (recognised !== 'qcow2' && !isImageName(path))) return true;
    const image = readIndexedImage(path);
    if (image.problem?.code === 'file.missing') return true;
    if (++this.#imageCount > this.#request.maxImages) {
      this.#isCut = true;
      return false;
    }
    this.#images.push(image);
    return true;
  }

  #relativeTo(path: string): string {
    return relative(this.#request.root, path).split(sep).join('/');
  }

  #isExcluded(relativePath: string, names: ReadonlySet<string> | undefined): boolean {
    return this.#exclude.some(({ matches, when }) => {
      if (!matches(relativePath)) return false;
      if (when === undefined) return true;
      const name = basename(relativePath);
      return (
        names?.has(when.replaceAll('$(basename)', name.slice(0, -extname(name).length || undefined))) === true
      );
    });
  }

  #stat(path: string): Stats | undefined {
    try {
      return statSync(path);
    } catch (error) {
      this.#noteFailure(path, error);
      return undefined;
    }
  }

  /** A file that is gone, or a dangling link, cannot be an image. */
  #noteFailure(path: string, error: unknown): void {
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ELOOP') this.#note(path);
  }

  #note(path: string): void {
    if (this.#unreadableCount++ < MAX_UNREADABLE) this.#unreadable.push(path);
  }
}

/** Runs a hundred thousand times; `join` would look at every character. */
function below(folder: string, name: string): string {
  return folder.endsWith(sep) ? folder + name : folder + sep + name;
}

function isOfKernel(folder: string): boolean {
  try {
    return KERNEL_FILE_SYSTEMS.has(statfsSync(folder).type);
  } catch {
    // Reading it reports what is wrong.
    return false;
  }
}

function compile({ glob, when }: Exclusion): CompiledExclusion {
  return { matches: compileGlob(glob), when };
}
