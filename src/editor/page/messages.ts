/**
 * Everything that is said between the extension host and the webview, both ways. The webview imports types from
 * this file and from nowhere else in `src/`.
 *
 * A call that expects an answer gets a `Result`: failures arrive as plain data (worker/api.ts says why).
 *
 * Both ends are `birpc` with `timeout: -1` over `postMessage`, without a serialiser of their own: VS Code carries typed
 * arrays as they are. The page starts with `ready()`, each time it is loaded.
 *
 * The page's own words: the host writes the translations into the page as
 * `<script type="application/json" id="l10n">` (`PageStrings`; empty in English). The page looks its English
 * sentences up in it; they are kept in `l10n/bundle.l10n.json` by `scripts/l10n.mjs`, which collects `l10n.t('…')` of
 * the host and `t('…')` of `webview/`.
 */
import type { GuardReport } from '../guards/guardReport';
import type {
  CellsRequest,
  ChangeTally,
  GuestBand,
  GuestFilePlaces,
  GuestOwner,
  StagedHostReport,
  ImageState,
  KindTotals,
  MapCells,
  Problem,
  RepairMode,
  Result,
  GuestFree,
  GuestSpace,
  GuestSpaceName,
  ShrinkSource,
  RawReport,
  StagedReport,
  StagedSpaceReport,
} from '../../worker/api';

export type {
  Amount,
  BitmapView,
  CellKind,
  CellsRequest,
  ChainLayerView,
  ChainView,
  ChangeTally,
  Claim,
  ClusterReport,
  ContentKind,
  EditState,
  EntryField,
  EntryFieldName,
  ExtensionView,
  FeatureBit,
  FeatureName,
  GuestSpaceName,
  GuestBand,
  GuestFilePlaces,
  GuestOwner,
  HeaderField,
  HeaderFieldName,
  HeaderView,
  HostKind,
  StagedHostReport,
  ImageState,
  ImageSummary,
  KindTotals,
  MapCells,
  DiskShape,
  PhraseCode,
  Problem,
  RawReport,
  RepairMode,
  Result,
  Said,
  ShrinkSource,
  SnapshotSpace,
  SnapshotView,
  SpaceKind,
  SpaceReport,
  SpaceRow,
  StagedReport,
  Structure,
} from '../../worker/api';

export type { GuardQuestion, GuardReport } from '../guards/guardReport';

/** Translations of the page's own words, keyed by the English sentence with `{0}`, `{1}`, … or `{name}` places. */
export type PageStrings = Readonly<Record<string, string>>;

/** What the page shows first; sent again whenever it changes. */
export interface PageState {
  readonly image: ImageState;
  readonly fileName: string;
  /** Sentences made by the host (problems in the display language), in the order of severity. */
  readonly notices: readonly Notice[];
  /** The image's problem in the display language, where it could not be opened. */
  readonly problemText?: string;
  /** Sentences for chain layers by depth: why a layer is not open, and its notes. */
  readonly chainTexts: readonly { readonly problem?: string; readonly notes: readonly string[] }[];
  /** Restricted Mode: only the file itself was read. */
  readonly isRestricted: boolean;
  readonly health: PageHealth;
  /** Why nothing can be changed here, in the display language; absent where it can. */
  readonly readOnly?: string;
  /**
   * Another program has the image open and forbids changing it, or a compaction does: "in use by …", and what follows from
   * that.
   */
  readonly inUse?: { readonly text: string; readonly detail: string };
  /** The file is being compacted, and changes twice a second; what the guest reads does not. */
  readonly compaction?: PageCompaction;
}

/** How far a compaction is. */
export interface PageCompaction {
  /** Bytes moved, of `total`; 0 of both until the first are. */
  readonly done: number;
  readonly total: number;
  /** The same with rate and time left, in the display language. */
  readonly text: string;
}

/** What the last check has found, in the display language. */
export interface PageHealth {
  readonly kind: 'unchecked' | 'checking' | 'clean' | 'leaks' | 'damaged' | 'failed' | 'unsettled';
  /** Two or three words: "not checked", "3 leaks". */
  readonly text: string;
  readonly detail: string;
  /** Something was found: the Problems panel has it. */
  readonly hasFindings: boolean;
  /** What the check found missing of a file that was cut off: a new copy comes before a repair. */
  readonly incomplete?: string;
  /** There is something to repair, found by the check or marked in the header, and it may be done here. */
  readonly canRepair: boolean;
}

export interface Notice {
  readonly severity: 'info' | 'warning' | 'error';
  readonly text: string;
  /** A way on, as a button. */
  readonly action?: { readonly command: NoticeCommand; readonly title: string };
}

export type NoticeCommand = 'recover' | 'retry' | 'repair' | 'saveAs' | 'showLog';

/** What the page may ask of the extension's commands. */
export type PageCommand =
  | NoticeCommand
  | 'exportMap'
  | 'giveBack'
  | 'compact'
  | 'shrink'
  | 'copyInfo'
  | 'goToOffset'
  | 'showChain'
  | 'check'
  | 'cancelCheck'
  | 'showProblems';

/** A change as the page's dialog asks for it; places and lengths are guest bytes. */
export type PageChange =
  | {
      readonly kind: 'writeZeroes';
      readonly start: number;
      readonly length: number;
      readonly unmap: boolean;
      readonly thorough: boolean;
    }
  | { readonly kind: 'discard'; readonly start: number; readonly length: number };

export type ChangeKind = PageChange['kind'];

export interface ChangePreview {
  readonly tally: ChangeTally;
  /** What the user should know before it is staged. */
  readonly notes: readonly Notice[];
}

/** What a repair would do, in the display language. */
export interface RepairPreview {
  readonly changed: boolean;
  readonly actions: readonly {
    readonly kind: string;
    readonly text: string;
    readonly count: number;
    /** The first places. */
    readonly examples: readonly string[];
  }[];
  /** The first losses. */
  readonly losses: readonly string[];
  readonly lossCount: number;
  readonly lostBytes: number;
  /** What a check finds afterwards. */
  readonly after: Pick<PageHealth, 'kind' | 'text' | 'detail'>;
}

/** What one source of a shrink would free. */
export interface ShrinkOffer {
  readonly source: ShrinkSource;
  /** Bytes; absent where the contents have to be scanned first. */
  readonly freed?: number;
  /** Why it is not offered, in the display language. */
  readonly problemText?: string;
}

/** Space that the guest does not use; why it may not be given up is said in the display language. */
export interface PageGuestSpace extends Omit<GuestSpace, 'problem'> {
  readonly problemText?: string;
}

/** The same of all of it: `problemText` where nothing can be given up, no `spaces` where it was not looked for. */
export interface PageGuestFree extends Omit<GuestFree, 'problem' | 'spaces'> {
  readonly problemText?: string;
  readonly spaces?: readonly PageGuestSpace[];
}

export interface ShrinkOffers {
  readonly sources: readonly ShrinkOffer[];
  readonly guestFree: PageGuestFree;
}

/** What is to be given up. */
export interface ShrinkChoice {
  readonly sources: readonly ShrinkSource[];
  readonly guestFree: readonly GuestSpaceName[];
}

export interface PageSpaceReport extends Omit<StagedSpaceReport, 'guestFree'> {
  /** Absent where nothing can be given up. */
  readonly guestFree?: PageGuestFree;
}

/** A cluster, with its problems in the display language. */
export interface PageReport extends StagedReport {
  /** Why its entry is invalid. */
  readonly problemText?: string;
  /** The same of the entry on disk, where another one is staged. */
  readonly problemTextOnDisk?: string;
}

/** As `Result`; why there is no value is a sentence in the display language. */
export type TextResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly text: string };

/** A file or folder of the guest that the map shows. */
export interface FileOnMap {
  /** From the root of its file system. */
  readonly path: string;
  readonly places: GuestFilePlaces;
}

export type PageTab = 'cluster' | 'header' | 'chain' | 'space';

/** Called by the webview, answered by the host. */
export interface HostApi {
  /** The webview is up (first time, or again after it was hidden) and wants its state. */
  ready(): PageState;
  /** Answers at once: where no answer comes, the extension host has stopped. */
  isThere(): void;
  cells(request: CellsRequest): Result<MapCells>;
  totals(start: number, length: number): Result<KindTotals>;
  inspect(guestOffset: number): Result<PageReport | RawReport>;
  readBytes(guestOffset: number, length: number): Result<Uint8Array>;
  /** The cells of the file view. The first call for an image takes as long as a check; `leaveFile` stops it. */
  hostCells(request: CellsRequest): Result<MapCells>;
  inspectHost(hostOffset: number): Result<StagedHostReport>;
  /** The cells of the guest disk by content (`ContentKind`). The first call for an image reads all maps of free space. */
  contentCells(request: CellsRequest): Result<MapCells>;
  /** Partitions and logical volumes, where the disk has some. */
  bands(): Result<readonly GuestBand[]>;
  /** Whose a range is; undefined where `indexOwners` has not run. */
  owners(start: number, length: number): Result<readonly GuestOwner[] | undefined>;
  /** Reads all folders; `ownerProgress` tells how far it is. */
  indexOwners(): TextResult<undefined>;
  stopOwners(): void;
  /** @param part path of the part; @param file its number there */
  filePlaces(part: string, file: number): Result<GuestFilePlaces>;
  /** Where the bytes of the image file are; takes as long as a check. A newer request ends an older one. */
  space(): Result<PageSpaceReport>;
  /** Looks at all data for what need not be stored; `contentProgress` tells how far it is. A newer scan ends an older one. */
  scanContents(): TextResult<undefined>;
  stopScan(): void;
  /** Ends the compaction of the file after the batch that is under way. */
  stopCompaction(): void;
  /**
   * Finds what the guest's file systems do not use; `guestProgress` tells how far it is. `space` and `shrinkOffers` know of it
   * then, until the image changes.
   */
  lookForGuestFree(): TextResult<undefined>;
  stopGuestLook(): void;
  /** What each source of a shrink would free. */
  shrinkOffers(): TextResult<ShrinkOffers>;
  shrinkGuards(): GuardReport;
  /** Bytes that become free where all that is chosen is given up together. */
  previewShrink(choice: ShrinkChoice): TextResult<number>;
  stageShrink(choice: ShrinkChoice, confirmed: readonly string[]): TextResult<{ readonly label: string }>;
  readHostBytes(hostOffset: number, length: number): Result<Uint8Array>;
  /** The file view is no longer shown. */
  leaveFile(): void;
  /** Opens the chain layer at that depth in an editor of its own. */
  openLayer(depth: number, toTheSide: boolean): void;
  /** Asks for another file in the link from the layer above to the one at that depth: in the file dialog at once, or not. */
  changeBacking(depth: number, choosesFile: boolean): void;
  /** Runs a command of this extension on the document. */
  run(command: PageCommand): void;
  copy(text: string): void;
  /** Looks at what stands in the way of changing the image; may take a moment for a large one. */
  guards(): GuardReport;
  /** What a change would do. A newer preview ends an older one that is still under way. */
  preview(change: PageChange): TextResult<ChangePreview>;
  /** Stages a change. @param confirmed ids of the guards' questions that were answered with yes */
  stage(change: PageChange, confirmed: readonly string[]): TextResult<{ readonly label: string }>;
  /** What stands in the way of a repair, apart from the damage that it is for. */
  repairGuards(): GuardReport;
  previewRepair(mode: RepairMode): TextResult<RepairPreview>;
  /** The preview is no longer needed. */
  stopPreview(): void;
  stageRepair(mode: RepairMode, confirmed: readonly string[]): TextResult<{ readonly label: string }>;
  /** A problem from a `Result`, in the display language. */
  describe(problem: Problem): string;
  /** The selection, for the status bar and for commands that work on it; undefined when nothing is selected. */
  selectionChanged(selection: { readonly start: number; readonly length: number } | undefined): void;
}

/** Called by the host, answered by the webview. */
export interface PageApi {
  stateChanged(state: PageState): void;
  /** A check began, got further or has ended; or what it found is true no more. */
  healthChanged(health: PageHealth): void;
  /** The whole-disk scan got further; the page asks for its cells again. */
  scanProgress(done: number, total: number): void;
  goTo(guestOffset: number): void;
  /** Shows a place in the image file. */
  goToHost(hostOffset: number): void;
  /** The tables are being read for the file view: `done` of `total`, in a unit of its own. */
  layoutProgress(done: number, total: number): void;
  /** The content scan got further: `done` of `total` bytes of data. */
  contentProgress(done: number, total: number): void;
  /** The look for what the guest does not use got further, in a unit of its own. */
  guestProgress(done: number, total: number): void;
  /** The index of owners got further: `done` of `total`, in a unit of its own. */
  ownerProgress(done: number, total: number): void;
  /** Marks the places of a file on the map. */
  showFile(file: FileOnMap): void;
  /** The compaction of the file got further. */
  compactionProgress(compaction: PageCompaction): void;
  /** A content scan has ended, here or on another page: cells and reports tell what it has found. */
  contentsScanned(): void;
  showTab(tab: PageTab): void;
  openRepair(): void;
  openShrink(): void;
  /** Opens the dialog of a change; without a range it asks for one. */
  openChange(kind: ChangeKind, range: { readonly start: number; readonly length: number } | undefined): void;
}
