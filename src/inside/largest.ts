/** What takes most room in a file system: files, and folders with everything below them, by allocated bytes. */
import { isGuestError } from '../guest/errors';
import type { DirectoryEntry, FileId, FileInfo, FileSystem } from '../guest/fileSystem';
import type { Progress } from '../qcow2/progress';

export interface LargeFile {
  /** From the root of the file system, with `/` in front. */
  readonly path: string;
  readonly id: FileId;
  /** Bytes of the disk; of a folder, of everything below it as well. */
  readonly allocated: number;
}

export interface LargestReport {
  /** Largest first; the root is left out. */
  readonly folders: readonly LargeFile[];
  readonly files: readonly LargeFile[];
  /** Bytes that all files and folders take. */
  readonly total: number;
  /** Folders and files that could not be looked at. */
  readonly unread: number;
}

/** A folder that the walk is in: it knows its path by the folders above it. */
interface Place {
  readonly id: FileId;
  readonly name: string;
  readonly above: Place | undefined;
  /** Folders in it that the walk has not been in yet. */
  readonly next: DirectoryEntry[];
  allocated: number;
}

/** Folders within each other beyond which the walk does not go. */
const DEEPEST = 4096;
/** Entries of a folder after which others get a turn. */
const PIECE = 1000;

/**
 * Looks at every file once, whatever names it has, depth first: of millions of files it keeps the numbers of those with
 * several names, and the folders that it is in.
 * @param most files, and as many folders, that are told
 * @throws GuestError where the root cannot be read; whatever `progress` throws where the walk is to stop
 */
export function* largestOf(
  system: FileSystem,
  most: number,
  progress: Progress,
): Generator<undefined, LargestReport> {
  const [folders, files] = [new Largest(most), new Largest(most)];
  const seen = new Set<FileId>([system.root]);
  const used = usedOf(system, progress);
  let [told, unread] = [0, 0];

  const tried = <T>(action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      if (!isGuestError(error)) throw error;
      unread++;
      return undefined;
    }
  };
  /** Whether it is looked at for the first time. */
  const isNew = ({ id, type, links }: FileInfo): boolean => {
    if (type !== 'folder' && links !== undefined && links < 2) return true;
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  };

  /** Counts what is in a folder, and keeps the folders in it for later. */
  function* enter(place: Place, entries: readonly DirectoryEntry[]): Generator<undefined, void> {
    for (const [index, entry] of entries.entries()) {
      if (index % PIECE === PIECE - 1) yield;
      const info = tried(() => system.stat(entry.id));
      if (info === undefined || !isNew(info)) continue;
      told += info.allocated;
      if (info.type === 'folder') place.next.push(entry);
      else {
        place.allocated += info.allocated;
        files.offer(entry, info.allocated, place);
      }
    }
  }

  const root = system.stat(system.root);
  const { entries, problem } = system.list(system.root);
  if (problem !== undefined) unread++;
  let place: Place = { id: system.root, name: '', above: undefined, next: [], allocated: root.allocated };
  yield* enter(place, entries);
  for (let depth = 0; ;) {
    progress.checkCancelled();
    progress.report(Math.min(told, used), used);
    yield;
    const entry = place.next.pop();
    if (entry !== undefined) {
      const { id, name } = entry;
      const allocated = tried(() => system.stat(id))?.allocated ?? 0;
      const below: Place = { id, name, above: place, next: [], allocated };
      const listing = depth < DEEPEST ? tried(() => system.list(id)) : undefined;
      if (listing?.problem !== undefined) unread++;
      yield* enter(below, listing?.entries ?? []);
      place = below;
      depth++;
      continue;
    }
    const { above, allocated } = place;
    if (above === undefined) return { folders: folders.all(), files: files.all(), total: allocated, unread };
    folders.offer(place, allocated, above);
    above.allocated += allocated;
    place = above;
    depth--;
  }
}

/** Only for how far the walk is. */
function usedOf(system: FileSystem, progress: Progress): number {
  try {
    return system.used({ ...progress, report: () => undefined });
  } catch (error) {
    if (!isGuestError(error)) throw error;
    return system.size;
  }
}

/** The largest of many; paths are made only of what may stay. */
class Largest {
  #kept: LargeFile[] = [];
  /** Bytes that something must have to be among them. */
  #least = 1;

  constructor(readonly most: number) {}

  offer({ id, name }: Pick<DirectoryEntry, 'id' | 'name'>, allocated: number, above: Place): void {
    if (allocated < this.#least) return;
    this.#kept.push({ path: `${pathOf(above)}/${name}`, id, allocated });
    if (this.#kept.length < 2 * this.most) return;
    this.#kept = this.all();
    this.#least = this.#kept.at(-1)?.allocated ?? 1;
  }

  all(): LargeFile[] {
    return this.#kept.sort((one, other) => other.allocated - one.allocated).slice(0, this.most);
  }
}

function pathOf(place: Place): string {
  const names: string[] = [];
  for (let at = place; at.above !== undefined; at = at.above) names.push(at.name);
  return names
    .reverse()
    .map((name) => `/${name}`)
    .join('');
}
