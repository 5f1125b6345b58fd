/** Whether parts of an image that were there once are missing: a download or a copy of its file was cut off. */
import type { Qcow2Image } from '../image/qcow2Image';
import type { CheckReport } from './checkImage';
import type { Structure } from './findings';

/** Made again by a repair: nothing is missing with them. */
const REFCOUNT_STRUCTURES: ReadonlySet<Structure | undefined> = new Set(['refcount table', 'refcount block']);

/**
 * An entry leads past the end of the file, to what was in use: a whole copy of the file would bring it back. Where nothing ever
 * was, the entry is broken.
 * @throws FileError
 */
export const isPartMissing = (image: Qcow2Image, { findings }: CheckReport): boolean =>
  findings.some(
    ({ kind, structure, host, size = image.header.clusterSize }) =>
      kind === 'beyondFile' &&
      host !== undefined &&
      !REFCOUNT_STRUCTURES.has(structure) &&
      image.wasInUse(host + size - 1),
  );
