/** What each source of a shrink would free, as plain data. */
import type { Chain } from '../chain/openChain';
import type { ZeroPolicy } from '../change/decide';
import { EngineError, type Problem } from '../errors';
import type { Progress } from '../progress';
import type { ByteLength } from '../units';
import { SCANNED_SOURCES, SHRINK_SOURCES, type ShrinkSource } from './changeRequest';
import { comparedFiles } from './comparedFiles';
import type { EditableImage } from './editableImage';
import { refuseSource } from './shrink';

/** Plain JSON. */
export interface ShrinkOffer {
  readonly source: ShrinkSource;
  /** Bytes of the file that become free; absent where the contents have to be scanned first, or there is a problem. */
  readonly freed?: ByteLength;
  /** Why the source is not offered in this image. */
  readonly problem?: Problem;
}

/**
 * All sources, in the order of `SHRINK_SOURCES`; nothing is staged. Those that need a content scan use the one that the
 * image has.
 * @throws FormatError, FileError, CancelledError
 */
export function shrinkOffers(image: EditableImage, policy: ZeroPolicy, progress: Progress): ShrinkOffer[] {
  return SHRINK_SOURCES.map((source) => {
    const problem =
      refusalOf(image.chain, source) ??
      (source === 'sameAsBacking' ? problemOf(() => comparedFiles(image.chain)) : undefined);
    if (problem !== undefined) return { source, problem };
    if (SCANNED_SOURCES.has(source) && image.scan === undefined) return { source };
    const { freedBytes } = image.preview({ kind: 'shrink', sources: [source], policy }, progress);
    return { source, freed: freedBytes };
  });
}

/** Why a source is not offered in an image, whatever it holds; undefined where it is. */
export const refusalOf = (chain: Chain, source: ShrinkSource | 'guestFree'): Problem | undefined =>
  problemOf(() => {
    refuseSource(chain, source);
  });

function problemOf(refuse: () => unknown): Problem | undefined {
  try {
    refuse();
    return undefined;
  } catch (error) {
    if (error instanceof EngineError) return error.problem;
    throw error;
  }
}
