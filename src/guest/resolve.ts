/** Finds files by their paths, as the guest would: symbolic links are followed within the file system. */
import { GuestError } from './errors';
import type { DirectoryEntry, FileId, FileSystem } from './fileSystem';

/** Links that are followed on the way to one file, as in Linux. */
const MOST_LINKS = 40;

export interface Resolved {
  readonly id: FileId;
  /** From the root, without links. */
  readonly path: string;
}

/**
 * @param path names with `/` between them, from the root; `.`, `..` and empty names are as in a shell
 * @param followsLast whether a link at the end of the path is followed as well
 * @throws GuestError `guest.noFile`, `guest.notFolder`, `guest.loop`, or where a folder cannot be read
 */
export function resolve(system: FileSystem, path: string, { followsLast = true } = {}): Resolved {
  const names = namesIn(path).reverse();
  /** From the root down to where the walk is. */
  const passed: Resolved[] = [];
  const root: Resolved = { id: system.root, path: '' };
  let links = 0;
  let at = root;
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (name === '..') {
      at = passed.pop() ?? root;
      continue;
    }
    const { type, id, name: itsName } = found(system, at.id, name, path);
    const isLink = (type ?? system.stat(id).type) === 'link';
    if (!isLink || (names.length === 0 && !followsLast)) {
      passed.push(at);
      at = { id, path: `${at.path}/${itsName}` };
      continue;
    }
    if (++links > MOST_LINKS) throw new GuestError('guest.links', { value: path, limit: MOST_LINKS });
    const { target = '' } = system.stat(id);
    if (target.startsWith('/')) {
      passed.length = 0;
      at = root;
    }
    names.push(...namesIn(target).reverse());
  }
  return at === root ? { ...root, path: '/' } : at;
}

const namesIn = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

function found(system: FileSystem, folder: FileId, name: string, path: string): DirectoryEntry {
  const { entries, problem } = system.list(folder);
  const entry = entries.find((each) => each.name === name) ?? withoutCase(system, entries, name);
  if (entry !== undefined) return entry;
  // It may be among those that could not be read.
  if (problem !== undefined) throw new GuestError(problem.code, problem);
  throw new GuestError('guest.noFile', { value: path });
}

function withoutCase(
  { ignoresCase = false }: FileSystem,
  entries: readonly DirectoryEntry[],
  name: string,
): DirectoryEntry | undefined {
  if (!ignoresCase) return undefined;
  const wanted = name.toUpperCase();
  return entries.find((each) => each.name.toUpperCase() === wanted);
}
