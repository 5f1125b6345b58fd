/** A content scan, kept as long as neither what is staged nor what lies below it changes. */
import type { Layer } from '../image/layer';
import type { StagedState } from '../io/stagedFile';
import type { ContentScan } from '../space/contentScan';
import type { StagedPair } from './history';

/** What a scan reads. */
export interface ScannedState {
  readonly staged: StagedPair;
  /** The backing file as it was opened: opened again, it may be another. */
  readonly backing: Layer | undefined;
}

export class KeptScan {
  #kept: { readonly scan: ContentScan; readonly state: ScannedState } | undefined;

  /** @param state that the scan has read */
  keep(scan: ContentScan, state: ScannedState): void {
    this.#kept = { scan, state };
  }

  /** @param now what a scan would read now; @returns undefined where that is not what the scan has read */
  at(now: ScannedState): ContentScan | undefined {
    return this.#kept !== undefined && isSameState(this.#kept.state, now) ? this.#kept.scan : undefined;
  }
}

/** Whether the same is staged, over the same open backing file. */
export const isSameState = (one: ScannedState, other: ScannedState): boolean =>
  one.backing === other.backing &&
  isSame(one.staged.image, other.staged.image) &&
  isSame(one.staged.dataFile, other.staged.dataFile);

const isSame = (one: StagedState | undefined, other: StagedState | undefined): boolean =>
  one?.tree === other?.tree && one?.size === other?.size && one?.epoch === other?.epoch;
