/**
 * Who uses a file as its backing file, as far as the file's own folder tells: overlays mostly lie beside their base, and
 * are recognised by their content. For programs without an index.
 */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError } from '../errors';
import { readBackingName } from '../format/backingName';
import { parseHeader } from '../format/parseHeader';
import { parseExtensions } from '../format/headerExtensions';
import { openLocalFile } from '../io/localFile';
import { backingReference } from './backingReference';
import { recognise } from './recognise';

export interface Overlays {
  /** Paths, in the order of their names. */
  readonly paths: readonly string[];
  /** Folders and files that could not be read: what they name is not known. */
  readonly unreadable: readonly string[];
}

/** Looks into the folder of `path`, and into that of the file it leads to. Subfolders are left out. Never throws. */
export function overlaysBeside(path: string): Overlays {
  const base = identityOf(path);
  if (base === undefined) return { paths: [], unreadable: [] };
  const paths: string[] = [];
  const unreadable: string[] = [];
  for (const folder of foldersOf(path)) {
    for (const name of namesIn(folder, unreadable)) {
      const file = join(folder, name);
      if (!isRegular(file)) continue;
      const recognised = recognise(file);
      if (recognised === 'unreadable') unreadable.push(file);
      if (recognised === 'qcow2' && identityOf(backingPathOf(file)) === base) paths.push(file);
    }
  }
  return { paths, unreadable };
}

function foldersOf(path: string): Set<string> {
  try {
    return new Set([realpathSync(dirname(path)), dirname(realpathSync(path))]);
  } catch {
    // The image was moved just now: opening it says so.
    return new Set();
  }
}

function namesIn(folder: string, unreadable: string[]): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    unreadable.push(folder);
    return [];
  }
}

function isRegular(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function backingPathOf(path: string): string | undefined {
  try {
    const file = openLocalFile(path);
    try {
      const header = parseHeader(file);
      const name = readBackingName(file, header);
      if (name === undefined) return undefined;
      return backingReference(path, name, parseExtensions(file, header).backingFormat).path;
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

function identityOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
