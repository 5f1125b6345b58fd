/** What the page knows and shows, in one value; parts of the page are drawn again when what they read has changed. */
import type {
  StagedHostReport,
  KindTotals,
  PageHealth,
  PageState,
  PageTab,
  PageReport,
} from '../src/editor/page/messages';
import type { Answer } from './answers';
import type { Selection } from './map/selection';

/** How far the map is zoomed in, for the toolbar: step 0 is the whole disk. */
export interface MapZoom {
  readonly step: number;
  readonly steps: number;
  readonly bytesPerCell: number;
}

export interface RangeTotals {
  readonly of: Selection;
  readonly answer: Answer<KindTotals>;
}

export interface AppState {
  /** Undefined until the host has told. */
  readonly page: PageState | undefined;
  /** Undefined until the host has told. */
  readonly health: PageHealth | undefined;
  /** Which view of the image is shown: the guest's disk, or the image file. */
  readonly space: Space;
  readonly tab: PageTab;
  /** A kind of the view that is shown. */
  readonly highlighted: string | undefined;
  readonly selection: Selection | undefined;
  readonly report: Answer<PageReport>;
  /** Totals of the selection, where it is of several clusters; of an earlier one until the answer is there. */
  readonly rangeTotals: RangeTotals | undefined;
  /** Totals of the whole disk, as far as it was scanned. */
  readonly totals: KindTotals | undefined;
  /** What is selected in the file view. */
  readonly hostSelection: Selection | undefined;
  /** Of its first cluster. */
  readonly hostReport: Answer<StagedHostReport>;
  /** Totals of the whole file, once its tables were read. */
  readonly fileTotals: KindTotals | undefined;
  /** How far the reading of the tables is, 0 to 1; undefined where it is not under way. */
  readonly layoutShare: number | undefined;
  readonly mapProblem: string | undefined;
  readonly zoom: MapZoom | undefined;
  readonly goToProblem: string | undefined;
  /** The host no longer answers. */
  readonly isLost: boolean;
}

export type Space = 'guest' | 'file';

export class Store {
  #state: AppState;
  readonly #listeners: (() => void)[] = [];

  constructor(tab: PageTab, space: Space) {
    this.#state = {
      page: undefined,
      health: undefined,
      space,
      tab,
      highlighted: undefined,
      selection: undefined,
      report: undefined,
      rangeTotals: undefined,
      totals: undefined,
      hostSelection: undefined,
      hostReport: undefined,
      fileTotals: undefined,
      layoutShare: undefined,
      mapProblem: undefined,
      zoom: undefined,
      goToProblem: undefined,
      isLost: false,
    };
  }

  get state(): AppState {
    return this.#state;
  }

  update(change: Partial<AppState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  /** Calls back after every change, and once now. */
  subscribe(listener: () => void): void {
    this.#listeners.push(listener);
    listener();
  }
}

/** Why the image stays read-only even if other programs close it; undefined where it does not. */
export const lastingReadOnly = ({ readOnly, inUse }: PageState): string | undefined =>
  readOnly === inUse?.detail ? undefined : readOnly;
