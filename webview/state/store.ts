/** The state of the page in one immutable value; subscribers are called after every change. */
import type {
  FileOnMap,
  GuestOwner,
  StagedHostReport,
  KindTotals,
  PageCompaction,
  PageHealth,
  PageState,
  PageTab,
  PageReport,
  PageSpaceReport,
  RawReport,
} from '../../src/editor/page/messages';
import type { Looks } from '../base/scanProgress';
import type { Loadable } from '../host/answers';
import type { Disk } from '../map/geometry';
import type { Selection } from '../map/selection';

/** How far the map is zoomed in, for the toolbar: step 0 is the whole disk. */
export interface MapZoom {
  readonly step: number;
  readonly steps: number;
  readonly bytesPerCell: number;
}

export interface RangeTotals {
  readonly of: Selection;
  readonly answer: Loadable<KindTotals>;
}

export interface AppState extends Looks {
  /** Undefined until the host has sent it. */
  readonly page: PageState | undefined;
  /** Undefined until the host has sent it. */
  readonly health: PageHealth | undefined;
  /** The visible view: the guest disk or the image file. */
  readonly space: Space;
  /** Of the guest view. */
  readonly colours: Colours;
  readonly tab: PageTab;
  /** Totals by content; undefined until they are loaded. */
  readonly contentTotals: KindTotals | undefined;
  readonly owners: Ownership;
  /** The file that is marked on the map. */
  readonly file: FileOnMap | undefined;
  /** A kind of the visible view, or `HOLE`. */
  readonly highlighted: string | undefined;
  readonly selection: Selection | undefined;
  readonly report: Loadable<PageReport | RawReport>;
  /** Totals of a selection of several clusters; those of an earlier selection until they are loaded. */
  readonly rangeTotals: RangeTotals | undefined;
  /** Totals of the part of the disk that has been scanned. */
  readonly totals: KindTotals | undefined;
  /** The selection of the file view. */
  readonly hostSelection: Selection | undefined;
  /** Of its first cluster. */
  readonly hostReport: Loadable<StagedHostReport>;
  /** Totals of the whole file; undefined until its tables are read. */
  readonly fileTotals: KindTotals | undefined;
  /** Progress of reading the tables, 0 to 1; undefined if they are not being read. */
  readonly layoutShare: number | undefined;
  /** Where the bytes of the file are; loaded while its tab is shown. */
  readonly spaceReport: Loadable<PageSpaceReport>;
  /** The compaction of the file that is running. */
  readonly compaction: PageCompaction | undefined;
  readonly mapProblem: string | undefined;
  readonly zoom: MapZoom | undefined;
  readonly goToProblem: string | undefined;
  /** The engine of the image has stopped. */
  readonly isLost: boolean;
  /** The extension host does not answer. */
  readonly isSilent: boolean;
}

export type Space = 'guest' | 'file';

/** What the colours of the guest view say: kinds of clusters, or what the guest does with them. */
export type Colours = 'kind' | 'content';

/** Whose the selected cluster is. */
export interface Ownership {
  /** Undefined until it is loaded; a value of undefined where the index is not built. */
  readonly answer: Loadable<readonly GuestOwner[] | undefined>;
  /** The index is being built: how far, 0 to 1. */
  readonly search?: number | undefined;
  /** Why building it has failed. */
  readonly problem?: string | undefined;
}

export class Store {
  #state: AppState;
  readonly #listeners: (() => void)[] = [];

  constructor(tab: PageTab, space: Space, colours: Colours) {
    this.#state = {
      page: undefined,
      health: undefined,
      space,
      colours,
      tab,
      contentTotals: undefined,
      owners: { answer: undefined },
      file: undefined,
      highlighted: undefined,
      selection: undefined,
      report: undefined,
      rangeTotals: undefined,
      totals: undefined,
      hostSelection: undefined,
      hostReport: undefined,
      fileTotals: undefined,
      layoutShare: undefined,
      spaceReport: undefined,
      compaction: undefined,
      contentScan: undefined,
      scanProblem: undefined,
      guestLook: undefined,
      guestLookProblem: undefined,
      mapProblem: undefined,
      zoom: undefined,
      goToProblem: undefined,
      isLost: false,
      isSilent: false,
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

/** The disk of an image or of a raw file; undefined if it could not be opened. */
export function diskOf(page: PageState | undefined): Disk | undefined {
  const disk = page?.image.summary ?? page?.image.raw;
  return disk && { size: disk.virtualSize, clusterSize: disk.clusterSize };
}

/** The file is a raw disk: there is no more than map, bytes and contents. */
export const isRaw = (page: PageState | undefined): boolean => page?.image.raw !== undefined;

/** Why the image stays read-only even after other programs close it; undefined if it does not. */
export const lastingReadOnly = ({ readOnly, inUse }: PageState): string | undefined =>
  readOnly === inUse?.detail ? undefined : readOnly;
