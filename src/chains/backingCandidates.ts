/** The known images that can become the backing file of an image. */
import { dirname } from 'node:path';
import type { IndexedImage } from '../worker/indexApi';
import type { ChainModel } from './chainModel';

/**
 * Each file is listed once, whatever its names; those in the image's own folder come first. Left out are the image itself,
 * everything that depends on it (that would be a cycle), its current backing file, and what cannot be read.
 * @param image as it is on disk now
 * @param current its current backing file, if any
 */
export function backingCandidates(
  model: ChainModel,
  image: IndexedImage,
  current?: IndexedImage,
): IndexedImage[] {
  const { path, identity } = image;
  const dependents = new Set(model.dependentsOf(path, identity).map((each) => each.image));
  const folder = dirname(path);
  const rank = (candidate: IndexedImage): number => (dirname(candidate.path) === folder ? 0 : 1);
  return [...model.files()]
    .filter(
      (candidate) =>
        isReadable(candidate) &&
        candidate.identity !== identity &&
        candidate.identity !== current?.identity &&
        !dependents.has(candidate),
    )
    .sort((one, other) => rank(one) - rank(other) || one.path.localeCompare(other.path));
}

/** A raw file is known only if an image names it. */
function isReadable({ identity, format, problem }: IndexedImage): boolean {
  return identity !== undefined && format !== 'unknown' && problem === undefined;
}
