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
import type {
  Cells,
  CellsRequest,
  ClusterReport,
  ImageState,
  KindTotals,
  Problem,
  Result,
} from '../worker/api';

export type {
  BitmapView,
  CellKind,
  Cells,
  CellsRequest,
  ChainLayerView,
  ChainView,
  ClusterReport,
  EntryField,
  ExtensionView,
  FeatureBit,
  HeaderField,
  HeaderView,
  ImageState,
  ImageSummary,
  KindTotals,
  Problem,
  Result,
  SnapshotView,
} from '../worker/api';

/** Translations of the page's own words, keyed by the English sentence with `{0}`, `{1}`, … or `{name}` places. */
export type PageStrings = Readonly<Record<string, string>>;

/** What the page shows first; sent again whenever it changes. */
export interface PageState {
  readonly image: ImageState;
  readonly fileName: string;
  /** Sentences made by the host (problems in the person's language), in the order of severity. */
  readonly notices: readonly Notice[];
  /** The image's problem in the person's language, where it could not be opened. */
  readonly problemText?: string;
  /** Sentences for chain layers by depth: why a layer is not open, and its notes. */
  readonly chainTexts: readonly { readonly problem?: string; readonly notes: readonly string[] }[];
  /** Restricted Mode: only the file itself was read. */
  readonly isRestricted: boolean;
}

export interface Notice {
  readonly severity: 'info' | 'warning' | 'error';
  readonly text: string;
}

export type PageTab = 'cluster' | 'header' | 'chain';

/** Called by the webview, answered by the host. */
export interface HostApi {
  /** The webview is up (first time, or again after it was hidden) and wants its state. */
  ready(): PageState;
  cells(request: CellsRequest): Result<Cells>;
  totals(start: number, length: number): Result<KindTotals>;
  inspect(guestOffset: number): Result<ClusterReport>;
  readBytes(guestOffset: number, length: number): Result<Uint8Array>;
  /** Opens the chain layer at that depth in an editor of its own. */
  openLayer(depth: number, toTheSide: boolean): void;
  /** Runs a command of this extension on the document: `exportMap`, `copyInfo`, `retry`, `goToOffset`. */
  run(command: 'exportMap' | 'copyInfo' | 'retry' | 'goToOffset' | 'showChain'): void;
  copy(text: string): void;
  /** A problem from a `Result`, in the person's language. */
  describe(problem: Problem): string;
  /** The selection, for the status bar and for commands that work on it; undefined when nothing is selected. */
  selectionChanged(selection: { readonly start: number; readonly length: number } | undefined): void;
}

/** Called by the host, answered by the webview. */
export interface PageApi {
  stateChanged(state: PageState): void;
  /** The whole-disk scan got further; the page asks for its cells again. */
  scanProgress(done: number, total: number): void;
  goTo(guestOffset: number): void;
  showTab(tab: PageTab): void;
}
