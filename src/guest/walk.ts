/** Walks through all files of a file system. */
import { GuestError, type GuestProblem } from './errors';
import type { DirectoryEntry, FileId, FileSystem, FileType, Listing, WalkProgress } from './fileSystem';

export interface FoundFile {
  /** From the root, with `/` between names and none in front. */
  readonly path: string;
  readonly entry: DirectoryEntry;
  readonly type: FileType;
  readonly folder: FileId;
}

/** Folders within each other beyond which a walk does not go. */
const DEEPEST = 4096;

/**
 * Every file and folder once for each name it has, breadth first. A folder is entered once, whatever leads to it, so that
 * the walk ends.
 * @param onProblem hears of folders that could not be read, wholly or in part
 * @throws whatever `progress` throws where the walk is to stop
 */
export function* walkFiles(
  system: FileSystem,
  start: FileId,
  onProblem: (path: string, problem: GuestProblem) => void,
  progress: WalkProgress,
): Generator<FoundFile, void> {
  const seen = new Set<FileId>([start]);
  let level: { readonly id: FileId; readonly path: string }[] = [{ id: start, path: '' }];
  for (let depth = 0; level.length > 0 && depth < DEEPEST; depth++) {
    const next: typeof level = [];
    for (const { id, path } of level) {
      progress.checkCancelled();
      for (const entry of listOrTell(system, id, (problem) => {
        onProblem(path, problem);
      }).entries) {
        const below = path === '' ? entry.name : `${path}/${entry.name}`;
        const type = typeOf(system, entry, (problem) => {
          onProblem(below, problem);
        });
        yield { path: below, entry, type, folder: id };
        if (type !== 'folder' || seen.has(entry.id)) continue;
        seen.add(entry.id);
        next.push({ id: entry.id, path: below });
      }
    }
    level = next;
  }
}

/** Tells what `walkFiles` yields. */
export function forEachFile(
  system: FileSystem,
  start: FileId,
  visit: (file: FoundFile) => void,
  onProblem: (path: string, problem: GuestProblem) => void,
  progress: WalkProgress,
): void {
  for (const file of walkFiles(system, start, onProblem, progress)) visit(file);
}

function listOrTell(system: FileSystem, id: FileId, tell: (problem: GuestProblem) => void): Listing {
  try {
    const listing = system.list(id);
    if (listing.problem !== undefined) tell(listing.problem);
    return listing;
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    tell(error.problem);
    return { entries: [] };
  }
}

function typeOf(system: FileSystem, entry: DirectoryEntry, tell: (problem: GuestProblem) => void): FileType {
  if (entry.type !== undefined) return entry.type;
  try {
    return system.stat(entry.id).type;
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    tell(error.problem);
    return 'other';
  }
}
