/**
 * The typed interface of the engine: what a document asks of its worker thread. All data is plain JSON or exact-size typed
 * arrays. A request is answered by a value or by a `Problem`, never by a rejection, since custom error fields do not survive
 * a thread boundary.
 */
import type { ContentsCalls, ContentsEvents } from './contentsApi';
import type { ChainFinding } from '../qcow2/chain/chainFindings';
import type { ChainView } from '../qcow2/chain/chainView';
import type { CheckReport } from '../qcow2/check/checkReport';
import type { Fault } from '../qcow2/format/faults';
import type { HeaderView } from '../qcow2/report/headerView';
import type { Obstacle } from '../qcow2/check/obstacles';
import type { WriteAccess } from '../qcow2/check/writeAccess';
import type { ZeroPolicy } from '../qcow2/change/decide';
import type { ChangeTally } from '../qcow2/change/tally';
import type { ShrinkOffer } from '../qcow2/edit/shrinkOffers';
import type { BackupPlace } from '../qcow2/edit/backupManifest';
import type { BackupScope, RestoreOptions } from '../qcow2/edit/editableImage';
import type { ClusterReport, PlaceReport } from '../qcow2/report/inspect';
import type { HostReport } from '../qcow2/report/hostReport';
import type { SpaceReport } from '../qcow2/report/spaceReport';
import type { Compacted } from '../qcow2/space/compact';
import type { CompactPreview } from '../qcow2/space/compactPreview';
import type { FreeSpace } from '../qcow2/space/freeSpace';
import type { GivenBack } from '../qcow2/space/giveBack';
import type { RecoverTrust } from '../qcow2/edit/interrupted';
import type { RecoverOutcome } from '../qcow2/save/recover';
import type { MapForm } from '../qcow2/map/mapExport';
import type { RepairMode, RepairReport } from '../qcow2/repair/report';
import type { CellsRequest, KindTotals } from '../qcow2/map/overview';
import type { ByteLength, GuestOffset, HostOffset } from '../qcow2/units';
import type { ChangeRequest, GuestFree } from './guestFreeApi';
import type { MapCells } from './mapCells';
import type { OperationId, Problem, Result } from './result';

// The rooms above the worker import the engine's data types only from here.
export { asFileName } from '../qcow2/chain/names';
export type { ChangeRequest, GuestFree, GuestSpace, GuestSpaceName } from './guestFreeApi';
export type { OperationId, Problem, Result } from './result';
export type { ChainFinding } from '../qcow2/chain/chainFindings';
export type { ChainLayerView, ChainView } from '../qcow2/chain/chainView';
export type { CheckReport } from '../qcow2/check/checkReport';
export type { Claim, Finding, Severity } from '../qcow2/finding';
export type { FindingKind, Structure } from '../qcow2/findingText';
export type { Fault } from '../qcow2/format/faults';
export type { Obstacle } from '../qcow2/check/obstacles';
export type { HeldFile, WriteAccess } from '../qcow2/check/writeAccess';
export type { ZeroPolicy } from '../qcow2/change/decide';
export type { Amount, ChangeTally, Rebased } from '../qcow2/change/tally';
export type { BackupPlace } from '../qcow2/edit/backupManifest';
export type { ShrinkSource } from '../qcow2/edit/changeRequest';
export type { ShrinkOffer } from '../qcow2/edit/shrinkOffers';
export type { BackupScope, RestoreOptions } from '../qcow2/edit/editableImage';
export type {
  BitmapView,
  FeatureBit,
  FeatureName,
  HeaderField,
  HeaderFieldName,
  HeaderView,
  SnapshotView,
} from '../qcow2/report/headerView';
export type { ExtensionView } from '../qcow2/report/extensionView';
export type { PhraseCode, Said } from '../text/phrase';
export type { ClusterReport, EntryField, EntryFieldName } from '../qcow2/report/inspect';
export type { HostKind } from '../qcow2/map/hostLayout';
export type { Compacted } from '../qcow2/space/compact';
export type { CompactPreview } from '../qcow2/space/compactPreview';
export type { FreeSpace } from '../qcow2/space/freeSpace';
export type { GivenBack } from '../qcow2/space/giveBack';
export type { SnapshotSpace, SpaceKind, SpaceReport, SpaceRow } from '../qcow2/report/spaceReport';
export type { RecoverTrust } from '../qcow2/edit/interrupted';
export type { RecoverOutcome } from '../qcow2/save/recover';
export type { RepairMode, RepairReport } from '../qcow2/repair/report';
export type { RepairExample, RepairLoss } from '../qcow2/repairAction';
export type { RepairActionKind } from '../qcow2/repairText';
export type { ContentKind, GuestBand, GuestFilePlaces, GuestOwner } from './contentMapApi';
export type { MapCells } from './mapCells';
export type { MapForm } from '../qcow2/map/mapExport';
export type { CellKind, Cells, CellsRequest, KindTotals } from '../qcow2/map/overview';

export interface OpenOptions {
  /** The number that the state will carry. The host counts, so that it also rises with a new thread. */
  readonly generation: number;
  /** The content of a file that is not on a local disk; `path` is then only its name. Files that it names are not opened. */
  readonly bytes?: Uint8Array;
  /**
   * False in Restricted Mode: no backing file and no external data file is opened. Only the header, the map of the top
   * layer and the raw names are available.
   */
  readonly followsNames: boolean;
  /** Folder for staged changes that exceed the memory budget, created when needed; default: the system's. */
  readonly scratchFolder?: string;
}

/** What is known about the file after reading it, whether it can be opened or not. */
export interface ImageState {
  readonly path: string;
  /** Bytes; 0 if the file could not be read. */
  readonly fileSize: number;
  readonly allocatedBytes: number;
  /** Changes whenever the worker has read the file again. */
  readonly generation: number;
  /** Why the image could not be opened. The header is shown as far as it can be read. */
  readonly problem?: Problem;
  /** Why data cannot be read or the chain is incomplete although the image is open (encrypted, missing base, …). */
  readonly warnings: readonly Problem[];
  readonly header?: HeaderView;
  readonly chain?: ChainView;
  readonly summary?: ImageSummary;
  /** The file is no image but a raw disk, which is shown and never changed; it has none of `header`, `chain`, `summary`. */
  readonly raw?: DiskShape;
  /**
   * A file with the name of the image's journal, which blocks changes: `journal.exists` if a save was interrupted,
   * `recover.running` while a save is running, other codes if it is not a journal.
   */
  readonly journal?: Problem;
  /** Absent if nothing can be staged: the image is not open, or not on a local disk. */
  readonly edits?: EditState;
  /** Whether the file may be written, as of the last look; absent like `edits`. */
  readonly access?: WriteAccess;
}

/** What the map needs to know of a disk. */
export interface DiskShape {
  readonly virtualSize: ByteLength;
  /** Of a raw disk, the finest cell of its map. */
  readonly clusterSize: ByteLength;
}

/** The position of the image in its edit history. */
export interface EditState {
  /** Edits that are done; undo takes back the last one. */
  readonly done: number;
  /** Edits that were undone and can be redone. */
  readonly redoable: number;
  /** Steps between what is shown and what is on disk; 0 if nothing needs to be saved. */
  readonly unsaved: number;
  /** Guest bytes whose entries or content differ from those on disk. */
  readonly stagedBytes: ByteLength;
  /** Bytes of the image file that differ from those on disk, in whole sectors. */
  readonly stagedFileBytes: ByteLength;
  /** A save also writes the external data file. */
  readonly writesDataFile: boolean;
}

export interface StagedHostReport extends HostReport {
  /** Something is staged in the cluster. */
  readonly isStaged: boolean;
}

/** Bytes of the disk's data, as a content scan has found them. */
export interface ContentTotals {
  readonly zeroes: ByteLength;
  /** What the backing file gives as well, zeroes among it; absent where there was none to compare with. */
  readonly sameAsBacking?: ByteLength;
}

export interface StagedSpaceReport extends SpaceReport {
  /** Absent where the contents were not scanned, or have changed since. */
  readonly contents?: ContentTotals;
  /** The data can be scanned: nothing of it is encrypted. */
  readonly canScan: boolean;
  /** Absent where nothing can be given up. */
  readonly guestFree?: GuestFree;
}

/** What a shrink can give up. */
export interface ShrinkOffers {
  readonly sources: readonly ShrinkOffer[];
  readonly guestFree: GuestFree;
}

export interface StagedReport extends ClusterReport {
  /** The cluster as it is on disk, if something is staged in it. */
  readonly onDisk?: ClusterReport;
}

/** A stretch of a raw disk, of the length of a cluster. */
export interface RawReport extends PlaceReport {
  readonly hostOffset: HostOffset;
}

/** What the check found, and the state of the image that it checked. */
export interface Checked {
  readonly report: CheckReport;
  /** Findings about its backing chain; they do not make the image itself unsound. */
  readonly chain: readonly ChainFinding[];
  readonly generation: number;
}

/** What an edit did, and the new state of the image. */
export interface Edited {
  readonly tally: ChangeTally;
  readonly state: ImageState;
}

/** What a repair did, and the new state of the image. */
export interface Repaired {
  readonly report: RepairReport;
  readonly chain: readonly ChainFinding[];
  readonly state: ImageState;
}

/** Passed with a call that changes what is shown and may take long. */
export interface Run {
  /** The number of the state afterwards. */
  readonly generation: number;
  readonly operation: OperationId;
}

export interface Saved {
  readonly state: ImageState;
  /** Everything is saved, but the journal could not be removed. */
  readonly leftover?: Problem;
}

/** What was given back, and the new state of the image, without a history if anything was. */
export interface GaveBack {
  readonly report: GivenBack;
  readonly state: ImageState;
}

/** What a compaction did, and the new state of the image, without a history if anything was changed. */
export interface CompactedImage {
  readonly report: Compacted;
  readonly state: ImageState;
}

export interface Reverted {
  readonly state: ImageState;
  /** The history was dropped. */
  readonly isReadAnew: boolean;
}

/** The user's answers about the file that a copy replaces, where the program cannot know. */
export interface SaveAsTrust {
  /** No other program has it open. */
  readonly trustsUnseenLocks?: boolean;
}

export interface Recovered {
  readonly outcome: RecoverOutcome;
  readonly state: ImageState;
}

export interface Restored extends BackupPlace {
  readonly state: ImageState;
  /** The label of each edit, done or not, in order. */
  readonly labels: readonly string[];
  /** Edits before the first one that the backup could not keep. */
  readonly missing: number;
}

/** Told how far an operation is: `done` of `total`, in a unit of its own. */
export type ProgressReport = (done: number, total: number) => void;

export interface ImageSummary extends DiskShape {
  readonly version: number;
  readonly extendedL2: boolean;
  readonly snapshots: number;
  readonly bitmaps: number;
  readonly backingName?: string;
  readonly dataFileName?: string;
  readonly encryption?: 'aes' | 'luks';
  readonly dirty: boolean;
  readonly corrupt: boolean;
  /** The parts of the image that cannot be read; absent if there are none. */
  readonly faults?: readonly Fault[];
}

/** The result of an export. */
export interface ExportedExtents {
  readonly extents: number;
  readonly bytes: ByteLength;
}

export interface MapRequest {
  readonly destination: string;
  readonly form: MapForm;
}

/** Questions about the image as it is shown, staged changes included; they change nothing of it. */
export interface QuestionCalls {
  /** Whether the file (or one of its chain) differs from what was read: size, time or identity. */
  hasChanged(): Result<boolean>;
  /** Whether the image may be written now. Cheap, and reads nothing of the image. */
  access(): Result<WriteAccess>;
  /** Aggregated cells for a range of the guest disk; may be incomplete while the whole-disk scan is running. */
  cells(request: CellsRequest): Result<MapCells>;
  /** Totals of a range of guest bytes by kind. */
  totals(start: GuestOffset, length: ByteLength): Result<KindTotals>;
  inspect(guestOffset: GuestOffset): Result<StagedReport>;
  /** The same of a raw disk. */
  inspectRaw(guestOffset: GuestOffset): Result<RawReport>;
  /** Guest bytes through the chain; at most 1 MiB at a time, clamped to the disk's end. */
  readBytes(guestOffset: GuestOffset, length: ByteLength): Result<Uint8Array>;
  /**
   * The cells of the file view: places are bytes of the image file, kinds are `HostKind`s. The first call for a state
   * walks all references, which takes as long as a check and can be stopped.
   */
  hostCells(request: CellsRequest, operation: OperationId): Result<MapCells>;
  /** What a cluster of the image file is used for, and what refers to it. Walks all references; can be stopped. */
  inspectHost(hostOffset: HostOffset, operation: OperationId): Result<StagedHostReport>;
  /** Where the bytes of the image file are, staged changes included. Walks all references; can be stopped. */
  space(operation: OperationId): Result<StagedSpaceReport>;
  /** Bytes of the image file as staged; at most 1 MiB at a time, clamped to its end. */
  readHostBytes(hostOffset: HostOffset, length: ByteLength): Result<Uint8Array>;
  /** JSON as `qemu-img info --output=json` prints it; numbers beyond 2^53 keep their digits. */
  info(): Result<string>;
  /**
   * Streams the map to a file, all or nothing, and returns the number of extents and bytes written. Keeps the thread busy
   * until it is done, so exports run in a separate thread if nothing is staged.
   */
  exportMap(request: MapRequest, operation: OperationId): Result<ExportedExtents>;
  /** The full check of the image as shown, with staged changes and without its backing files. */
  check(operation: OperationId): Result<Checked>;
  /** The same; if another program has the image open for writing, the problem is `cancelled`. */
  checkUnattended(operation: OperationId): Result<Checked>;
  /**
   * Looks at all data of the disk for what need not be stored; `shrinkOffers` and `space` then know of it. Other calls are
   * answered meanwhile; one that stages or saves something ends it.
   */
  scanContents(operation: OperationId): Promise<Result<undefined>>;
  /**
   * Finds what the guest's file systems do not use, in the state that is shown; `shrinkOffers` and `space` then know of it.
   * Keeps the thread busy until it is done, or stopped.
   */
  lookForGuestFree(policy: ZeroPolicy, operation: OperationId): Result<undefined>;
  /** What each source of a shrink would free. */
  shrinkOffers(policy: ZeroPolicy, operation: OperationId): Result<ShrinkOffers>;
  /** Previews a change; nothing is staged. */
  preview(change: ChangeRequest, operation: OperationId): Result<ChangeTally>;
  /** The obstacles to changing the image now: from the full check, locks of other programs, feature bits. */
  obstacles(operation: OperationId): Result<readonly Obstacle[]>;
  /** Previews a repair; nothing is staged. */
  previewRepair(mode: RepairMode, operation: OperationId): Result<RepairReport>;
}

/** What stages, takes back, saves and keeps changes. */
export interface EditCalls {
  /** Stages a repair as one edit, or nothing if there is nothing to repair. @param label the label of the edit */
  repair(mode: RepairMode, label: string, run: Run): Result<Repaired>;
  /** Stages a change as one edit, or nothing if it changes nothing. @param label the label of the edit */
  apply(change: ChangeRequest, label: string, run: Run): Result<Edited>;
  /** Undoes or redoes until `done` edits are done. */
  goTo(done: number, generation: number): Result<ImageState>;
  /** Saves, all or nothing; `operation` can be stopped until the journal is sealed. */
  save(run: Run): Result<Saved>;
  /** How much free space could be given back to the host; nothing may be staged. */
  freeSpace(operation: OperationId): Result<FreeSpace>;
  /** Gives free space back to the host, which cannot be undone; nothing may be staged. Can be stopped half-way. */
  giveBack(run: Run): Result<GaveBack>;
  /** What compacting the image would do; nothing may be staged. */
  compactPreview(operation: OperationId): Result<CompactPreview>;
  /**
   * Makes the file shorter in place, which cannot be undone; nothing may be staged. Other calls are answered between its
   * batches, from the image as the last one has left it; those that change it are refused (`space.compacting`). Can be
   * stopped after each batch; its progress counts bytes moved.
   */
  compact(run: Run): Promise<Result<CompactedImage>>;
  /**
   * The image as a running compaction has left it so far. Undefined if it is not time to show that: then the state that was
   * answered last is still the one to show.
   */
  compactedSoFar(generation: number): Result<ImageState | undefined>;
  /** Writes the image as staged to another file, all or nothing. */
  saveAs(path: string, trust: SaveAsTrust, run: Run): Result<undefined>;
  /** Reverts to what is on disk, reading it again if no edit leads there or the file has changed. */
  revert(generation: number): Result<Reverted>;
  /** Writes the edits to a backup that fits the file as it is now. */
  backUp(path: string, scope: BackupScope): Result<BackupPlace>;
  /** Stages the edits of a backup again, at their position in the history; nothing may be staged. */
  restore(path: string, options: RestoreOptions, generation: number): Result<Restored>;
  /** Takes back an interrupted save, or finishes one that was committed; then reads the image again. */
  recover(trust: RecoverTrust, generation: number): Result<Recovered>;
}

/** What the host may ask about the image that is open. Every call answers with a `Result`: remote.ts makes them. */
export interface EngineCalls extends QuestionCalls, ContentsCalls, EditCalls {}

/** What the host may ask of the worker. */
export interface EngineApi extends EngineCalls {
  /**
   * Opens, or opens again after a change on disk, and starts the whole-disk scan. Always answers with a state:
   * `problem` says what is wrong.
   */
  open(path: string, options: OpenOptions): ImageState;
}

/** Events that the worker sends to the host. */
export interface EngineEvents extends ContentsEvents {
  /** Progress of the whole-disk scan: `done` of `total` guest bytes. */
  scanProgress(done: number, total: number): void;
  /** The whole-disk scan is done and has notices for the user. */
  scanFound(problems: readonly Problem[]): void;
  /** The whole-disk scan cannot continue; its results so far are kept. */
  scanFailed(problem: Problem): void;
  /** A content scan has ended: cells, reports and the space of the file tell what it has found. */
  contentsScanned(): void;
  /** Progress of an export, a check, a change or a save, in its own unit. */
  operationProgress(operation: OperationId, done: number, total: number): void;
  /** An entry for the log that is not an error; never content of the image. */
  noted(line: string): void;
  /** A bug of this program, for the log. @param doing the call. @param stack as `stackText` returns it */
  faulted(doing: string, stack: string): void;
}
