/** A content scan, kept as long as what is staged does not change. */
import type { StagedState } from '../io/stagedFile';
import type { ContentScan } from '../space/contentScan';
import type { StagedPair } from './history';

export class KeptScan {
  #kept: { readonly scan: ContentScan; readonly state: StagedPair } | undefined;

  /** @param state that the scan has read */
  keep(scan: ContentScan, state: StagedPair): void {
    this.#kept = { scan, state };
  }

  /** @param now what is staged now; @returns undefined where that is not what the scan has read */
  at(now: StagedPair): ContentScan | undefined {
    return this.#kept !== undefined && isSameState(this.#kept.state, now) ? this.#kept.scan : undefined;
  }
}

/** Whether the same is staged. */
export const isSameState = (one: StagedPair, other: StagedPair): boolean =>
  isSame(one.image, other.image) && isSame(one.dataFile, other.dataFile);

const isSame = (one: StagedState | undefined, other: StagedState | undefined): boolean =>
  one?.tree === other?.tree && one?.size === other?.size && one?.epoch === other?.epoch;
