/** A whole file system as a table, to be compared with what a judge says of it. */
import { createHash } from 'node:crypto';
import type { FileId, FileSystem, FileType } from '../../../src/guest/fileSystem';
import { forEachFile } from '../../../src/guest/walk';
import { silent } from '../../../src/qcow2/progress';

export interface TreeFile {
  readonly type: FileType;
  /** Of folders 0: file systems differ in what they say. */
  readonly size: number;
  /** SHA-256 of the contents of a file, in hex; the target of a link. */
  readonly content?: string;
}

/**
 * All files by their paths from the root.
 * @param longest bytes of a file whose contents are looked at
 * @throws Error where any folder or file cannot be read
 */
export function treeOf(system: FileSystem, longest = Infinity): Map<string, TreeFile> {
  const tree = new Map<string, TreeFile>();
  forEachFile(
    system,
    system.root,
    ({ path, entry }) => {
      const { type, size, target } = system.stat(entry.id);
      if (tree.has(path)) throw new Error(`twice: ${path}`);
      if (type === 'file' && size <= longest) {
        expectEmptyHoles(system, entry.id, size);
        tree.set(path, { type, size, content: sha256Of(system, entry.id) });
      } else if (type === 'link')
        tree.set(path, { type, size, ...(target === undefined ? {} : { content: target }) });
      else tree.set(path, { type, size: 0 });
    },
    (path, problem) => {
      throw new Error(`${path}: ${JSON.stringify(problem)}`);
    },
    silent,
  );
  return tree;
}

const PIECE = 1024 * 1024;
/** Bytes at each end of a hole that are read. */
const HOLE_END = 64 * 1024;

/** @throws Error where something is read in what is told to be a hole, or contents are left out */
function expectEmptyHoles(system: FileSystem, file: FileId, size: number): void {
  const expectEmpty = (start: number, end: number): void => {
    for (const [from, to] of [
      [start, Math.min(end, start + HOLE_END)],
      [Math.max(start, end - HOLE_END), end],
    ] as const) {
      const bytes = new Uint8Array(Math.max(0, to - from));
      if (bytes.length > 0) system.read(file, from, bytes);
      if (bytes.some((byte) => byte !== 0)) throw new Error(`file ${file}: contents in the hole at ${from}`);
    }
  };
  let at = 0;
  for (const extent of system.extents(file)) {
    expectEmpty(at, Math.min(extent.at, size));
    if (extent.isHole === true) expectEmpty(extent.at, Math.min(extent.at + extent.length, size));
    at = extent.at + extent.length;
  }
  expectEmpty(at, size);
}

export function sha256Of(system: FileSystem, file: FileId): string {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(PIECE);
  for (let at = 0; ;) {
    const length = system.read(file, at, buffer);
    hash.update(buffer.subarray(0, length));
    at += length;
    if (length < buffer.length) return hash.digest('hex');
  }
}

/** The stretches that are free, as `[start, end)` in bytes of the device. */
export function freeOf(system: FileSystem): [number, number][] {
  const runs: [number, number][] = [];
  system.forEachFree((start, length) => {
    const last = runs.at(-1);
    if (length <= 0 || (last !== undefined && start <= last[1]))
      throw new Error(`not ascending: ${start}, ${length}`);
    runs.push([start, start + length]);
  }, silent);
  return runs;
}
