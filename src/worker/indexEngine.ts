/** The thread of the workspace index: walks in parts, headers, and searches around single files. */
import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { FolderWalk } from './folderWalk';
import { readIndexedImage } from './headerReader';
import type { IndexApi, IndexedImage, Surroundings, WalkId } from './indexApi';

/** Most files of the folder and its subfolders that are examined around one file. */
const FILES_AROUND = 10_000;
/** Most images that are reported around one file. */
const IMAGES_AROUND = 10_000;
/** Most files that only headers name and that are followed around one file. */
const NAMED_AROUND = 1000;

export function createIndex(): IndexApi {
  const walks = new Map<WalkId, FolderWalk>();
  let lastWalk: WalkId = 0;
  return {
    readHeaders: (paths) => paths.map(readIndexedImage),
    startWalk(request) {
      walks.set(++lastWalk, new FolderWalk(request));
      return lastWalk;
    },
    continueWalk(id) {
      const walk = walks.get(id);
      if (walk === undefined) throw new Error(`there is no walk ${id}`);
      const part = walk.next();
      if (part.isOver) walks.delete(id);
      return part;
    },
    endWalk(id) {
      walks.delete(id);
    },
    lookAround,
  };
}

function lookAround(path: string, followsNames: boolean): Surroundings {
  const images = new Map<string, IndexedImage>();
  const unreadable: string[] = [];
  let isCut = false;
  for (const root of foldersOf(path)) {
    // The folder itself is searched completely, its subfolders as far as that is quick.
    const own = walkWhole(root, false, Infinity, images);
    unreadable.push(...own.unreadable);
    isCut ||= own.isCut;
    walkWhole(root, true, FILES_AROUND, images);
  }
  const named = followsNames ? namedBy(images) : new Map<string, IndexedImage>();
  const identity = identityOf(path);
  return {
    ...(identity === undefined ? {} : { identity }),
    images: [...images.values()],
    named: [...named.values()],
    unreadable,
    isCut: isCut || named.size >= NAMED_AROUND,
  };
}

function walkWhole(
  root: string,
  isDeep: boolean,
  maxFiles: number,
  images: Map<string, IndexedImage>,
): Pick<Surroundings, 'unreadable' | 'isCut'> {
  const request = { root, starts: [root], exclude: [], isDeep, followsLinks: false, maxFiles };
  const walk = new FolderWalk({ ...request, maxImages: IMAGES_AROUND });
  const unreadable: string[] = [];
  for (;;) {
    const part = walk.next();
    for (const image of part.images) images.set(image.path, image);
    unreadable.push(...part.unreadable);
    if (part.isOver) return { unreadable, isCut: part.isCut };
  }
}

/** The folder of a path, and the folder of the link's target. */
function foldersOf(path: string): Set<string> {
  const folders = new Set([dirname(path)]);
  try {
    folders.add(dirname(realpathSync(path)));
  } catch {
    // There is no such file, so there is no link target.
  }
  return folders;
}

/** The files that images name, with link targets, down to the bases. */
function namedBy(images: ReadonlyMap<string, IndexedImage>): ReadonlyMap<string, IndexedImage> {
  const named = new Map<string, IndexedImage>();
  const waiting = [...images.values()];
  for (let image = waiting.pop(); image !== undefined && named.size < NAMED_AROUND; image = waiting.pop()) {
    for (const path of [image.linkTarget, image.backing?.path]) {
      if (path === undefined || images.has(path) || named.has(path)) continue;
      const next = readIndexedImage(path);
      named.set(path, next);
      waiting.push(next);
    }
  }
  return named;
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
