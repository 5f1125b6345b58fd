/**
 * The engine behind a typed interface: what a document asks of its worker thread. Everything is plain JSON or
 * exact-size typed arrays. A request is answered by a value or by a `Problem`, never by a rejection that loses
 * its fields (custom error fields do not survive a thread boundary).
 */
import type { Problem } from '../qcow2/errors';
import type { ChainFinding } from '../qcow2/chain/chainFindings';
import type { ChainView } from '../qcow2/chain/chainView';
import type { CheckReport } from '../qcow2/check/checkReport';
import type { Fault } from '../qcow2/format/faults';
import type { HeaderView } from '../qcow2/report/headerView';
import type { Obstacle } from '../qcow2/check/obstacles';
import type { WriteAccess } from '../qcow2/check/writeAccess';
import type { ChangeTally } from '../qcow2/change/tally';
import type { ChangeRequest } from '../qcow2/edit/changeRequest';
import type { BackupPlace } from '../qcow2/edit/backup';
import type { BackupScope, RestoreOptions } from '../qcow2/edit/editableImage';
import type { ClusterReport } from '../qcow2/report/inspect';
import type { HostReport } from '../qcow2/report/hostReport';
import type { FreeSpace } from '../qcow2/space/freeSpace';
import type { GivenBack } from '../qcow2/space/giveBack';
import type { RecoverTrust } from '../qcow2/edit/interrupted';
import type { RecoverOutcome } from '../qcow2/save/recover';
import type { MapForm } from '../qcow2/map/mapExport';
import type { RepairMode, RepairReport } from '../qcow2/repair/report';
import type { Cells, CellsRequest, KindTotals } from '../qcow2/map/overview';
import type { ByteLength, GuestOffset, HostOffset } from '../qcow2/units';

// The rooms above the worker import the engine's data types from here, so that they depend on one door.
export { asFileName } from '../qcow2/chain/names';
export type { Problem } from '../qcow2/errors';
export type { ChainFinding } from '../qcow2/chain/chainFindings';
export type { ChainLayerView, ChainView } from '../qcow2/chain/chainView';
export type { CheckReport } from '../qcow2/check/checkReport';
export type { Claim, Finding, FindingKind, Severity, Structure } from '../qcow2/check/findings';
export type { Fault } from '../qcow2/format/faults';
export type { Obstacle } from '../qcow2/check/obstacles';
export type { HeldFile, WriteAccess } from '../qcow2/check/writeAccess';
export type { ZeroPolicy } from '../qcow2/change/decide';
export type { Amount, ChangeTally, Rebased } from '../qcow2/change/tally';
export type { BackupPlace } from '../qcow2/edit/backup';
export type { ChangeRequest } from '../qcow2/edit/changeRequest';
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
export type { FreeSpace } from '../qcow2/space/freeSpace';
export type { GivenBack } from '../qcow2/space/giveBack';
export type { RecoverTrust } from '../qcow2/edit/interrupted';
export type { RecoverOutcome } from '../qcow2/save/recover';
export type {
  RepairActionKind,
  RepairExample,
  RepairLoss,
  RepairMode,
  RepairReport,
} from '../qcow2/repair/report';
export type { MapForm } from '../qcow2/map/mapExport';
export type { CellKind, Cells, CellsRequest, KindTotals } from '../qcow2/map/overview';

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export interface OpenOptions {
  /** The number that the state will carry; the host counts, so that it also rises over a new thread. */
  readonly generation: number;
  /** The file's content, where it is not on a local disk; `path` is then only its name. Names are not followed. */
  readonly bytes?: Uint8Array;
  /**
   * False in Restricted Mode: no backing file and no external data file is opened; header, the top layer's map and
   * the raw names are all there is.
   */
  readonly followsNames: boolean;
  /** Folder for staged changes that outgrow memory, made when it is needed; default: the system's. */
  readonly scratchFolder?: string;
}

/** What is known of the file as soon as it was looked at, openable or not. */
export interface ImageState {
  readonly path: string;
  /** Bytes; 0 when the file could not be looked at. */
  readonly fileSize: number;
  readonly allocatedBytes: number;
  /** Changes whenever the worker has read the file again. */
  readonly generation: number;
  /** Why the image could not be opened; the header is then shown as far as it can be read. */
  readonly problem?: Problem;
  /** Why data cannot be read or the chain is incomplete although the image is open (encrypted, missing base, …). */
  readonly warnings: readonly Problem[];
  readonly header?: HeaderView;
  readonly chain?: ChainView;
  readonly summary?: ImageSummary;
  /**
   * What has the name of the image's journal, and keeps it from being changed: `journal.exists` where a save was
   * interrupted, `recover.running` while it is saved, others where it is no journal.
   */
  readonly journal?: Problem;
  /** Absent where nothing can be staged: the image is not open, or not on a local disk. */
  readonly edits?: EditState;
  /** Whether the file may be written, when that was looked at last; absent as `edits`. */
  readonly access?: WriteAccess;
}

/** Where the image stands in the history of its edits. */
export interface EditState {
  /** Edits that are done: undo takes back the last of them. */
  readonly done: number;
  /** Edits that were undone and can be done again. */
  readonly redoable: number;
  /** Steps between what is shown and what is on disk; 0 where nothing needs to be saved. */
  readonly unsaved: number;
  /** Guest bytes whose entries or content differ from those on disk. */
  readonly stagedBytes: ByteLength;
  /** Bytes of the image file that differ from those on disk, in whole sectors. */
  readonly stagedFileBytes: ByteLength;
  /** A save writes the external data file, too. */
  readonly writesDataFile: boolean;
}

/** Cells with what is staged in them. */
export interface MapCells extends Cells {
  /** For each cell the share of its bytes that is staged, 0 to 255, not 0 where any is; absent where none is. */
  readonly staged?: Uint8Array;
}

export interface StagedHostReport extends HostReport {
  /** Something is staged in the cluster. */
  readonly isStaged: boolean;
}

export interface StagedReport extends ClusterReport {
  /** The cluster as it is on disk, where something is staged in it. */
  readonly onDisk?: ClusterReport;
}

/** What the check found, and in which state of the image. */
export interface Checked {
  readonly report: CheckReport;
  /** What is wrong with its backing chain, or may be; the image is no less sound for it. */
  readonly chain: readonly ChainFinding[];
  readonly generation: number;
}

/** What an edit has done, and the image as it is now. */
export interface Edited {
  readonly tally: ChangeTally;
  readonly state: ImageState;
}

/** What a repair has done, and the image as it is now. */
export interface Repaired {
  readonly report: RepairReport;
  readonly chain: readonly ChainFinding[];
  readonly state: ImageState;
}

/** What the host gives along with a call that changes what is shown and may take long. */
export interface Run {
  /** Of the state afterwards. */
  readonly generation: number;
  readonly operation: OperationId;
}

export interface Saved {
  readonly state: ImageState;
  /** All is saved, but the journal could not be removed. */
  readonly leftover?: Problem;
}

/** What was given back, and the image as it is now: where anything was, without a history. */
export interface GaveBack {
  readonly report: GivenBack;
  readonly state: ImageState;
}

export interface Reverted {
  readonly state: ImageState;
  /** Nothing of the history is left. */
  readonly isReadAnew: boolean;
}

/** What the user has said of the file that a copy replaces, where the program cannot know. */
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
  /** What the user is shown for each edit, done or not, the first one first. */
  readonly labels: readonly string[];
  /** Edits before the first one that the backup could not keep. */
  readonly missing: number;
}

/** One of the calls that may take long; the host counts (`Operations`), and `EngineClient.cancelOperation` stops it. */
export type OperationId = number;

/** Told how far an operation is: `done` of `total`, in a unit of its own. */
export type ProgressReport = (done: number, total: number) => void;

export interface ImageSummary {
  readonly virtualSize: ByteLength;
  readonly version: number;
  readonly clusterSize: ByteLength;
  readonly extendedL2: boolean;
  readonly snapshots: number;
  readonly bitmaps: number;
  readonly backingName?: string;
  readonly dataFileName?: string;
  readonly encryption?: 'aes' | 'luks';
  readonly dirty: boolean;
  readonly corrupt: boolean;
  /** What of the image cannot be read as it is written; absent where all of it can. */
  readonly faults?: readonly Fault[];
}

/** What was written. */
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
  /** Aggregated cells for a stretch of the guest's disk; may be incomplete while the whole-disk scan runs. */
  cells(request: CellsRequest): Result<MapCells>;
  /** Totals of a range of guest bytes by kind. */
  totals(start: GuestOffset, length: ByteLength): Result<KindTotals>;
  inspect(guestOffset: GuestOffset): Result<StagedReport>;
  /** Guest bytes through the chain; at most 1 MiB at a time, clamped to the disk's end. */
  readBytes(guestOffset: GuestOffset, length: ByteLength): Result<Uint8Array>;
  /**
   * The cells of the file view: places are bytes of the image file, kinds are `HostKind`s. The first call for a state
   * walks all references, which takes as long as a check and can be stopped.
   */
  hostCells(request: CellsRequest, operation: OperationId): Result<MapCells>;
  /** What a cluster of the image file is used for, and by whom. Walks all references; can be stopped. */
  inspectHost(hostOffset: HostOffset, operation: OperationId): Result<StagedHostReport>;
  /** Bytes of the image file as staged; at most 1 MiB at a time, clamped to its end. */
  readHostBytes(hostOffset: HostOffset, length: ByteLength): Result<Uint8Array>;
  /** JSON as `qemu-img info --output=json` prints it; numbers beyond 2^53 keep their digits. */
  info(): Result<string>;
  /**
   * Streams the map to a file, which is there whole or not at all. Answers with the number of extents and bytes
   * written. Keeps the thread busy until it is done: where nothing is staged, exports run in a thread of their own.
   */
  exportMap(request: MapRequest, operation: OperationId): Result<ExportedExtents>;
  /** The full check of the image as it is shown, staged changes included; backing files are not its business. */
  check(operation: OperationId): Result<Checked>;
  /** The same, unless another program has the image open for writing: the problem is `cancelled` then. */
  checkUnattended(operation: OperationId): Result<Checked>;
  /** What a change would do; nothing is staged. */
  preview(change: ChangeRequest, operation: OperationId): Result<ChangeTally>;
  /** What stands in the way of changing the image now: the full check, locks of other programs, feature bits. */
  obstacles(operation: OperationId): Result<readonly Obstacle[]>;
  /** What a repair would do; nothing is staged. */
  previewRepair(mode: RepairMode, operation: OperationId): Result<RepairReport>;
}

/** What stages, takes back, saves and keeps changes. */
export interface EditCalls {
  /** Stages a repair as one edit, or as none where there is nothing to repair. @param label what the user is shown */
  repair(mode: RepairMode, label: string, run: Run): Result<Repaired>;
  /** Stages a change as one edit, or as none where it changes nothing. @param label what the user is shown */
  apply(change: ChangeRequest, label: string, run: Run): Result<Edited>;
  /** Undoes or redoes until `done` edits are done. */
  goTo(done: number, generation: number): Result<ImageState>;
  /** Writes what is staged to the disk, all or nothing; `operation` can be stopped until the journal is sealed. */
  save(run: Run): Result<Saved>;
  /** What giving free space back to the host would come to; nothing may be staged. */
  freeSpace(operation: OperationId): Result<FreeSpace>;
  /** Gives free space back to the host, for good; nothing may be staged. Can be stopped half-way. */
  giveBack(run: Run): Result<GaveBack>;
  /** Writes the image as staged to another file, which is there whole or not at all. */
  saveAs(path: string, trust: SaveAsTrust, run: Run): Result<undefined>;
  /** Goes back to what is on disk, reading it again where no edit leads there or the file has changed. */
  revert(generation: number): Result<Reverted>;
  /** Writes edits to a backup, which fits the file as it is now. */
  backUp(path: string, scope: BackupScope): Result<BackupPlace>;
  /** Stages the edits of a backup again, and goes to where their history stood; nothing may be staged. */
  restore(path: string, options: RestoreOptions, generation: number): Result<Restored>;
  /** Takes back a save that was interrupted, or finishes it where it was done; then reads the image again. */
  recover(trust: RecoverTrust, generation: number): Result<Recovered>;
}

/** What the host may ask about the image that is open. Every call answers with a `Result`: remote.ts makes them. */
export interface EngineCalls extends QuestionCalls, EditCalls {}

/** What the host may ask of the worker. */
export interface EngineApi extends EngineCalls {
  /**
   * Opens, or opens again after a change on disk, and starts the whole-disk scan. Always answers with a state:
   * `problem` says what is wrong.
   */
  open(path: string, options: OpenOptions): ImageState;
}

/** What the worker tells the host without being asked. */
export interface EngineEvents {
  /** The whole-disk scan got further: `done` of `total` guest bytes. */
  scanProgress(done: number, total: number): void;
  /** The whole-disk scan is done and has found what the user must know. */
  scanFound(problems: readonly Problem[]): void;
  /** The whole-disk scan cannot go on; what it has seen stays. */
  scanFailed(problem: Problem): void;
  /** An export, a check, a change or a save got further, in a unit of its own. */
  operationProgress(operation: OperationId, done: number, total: number): void;
  /** Something for the log that is no fault; nothing of the image's content. */
  noted(line: string): void;
  /** A fault of this program, for the log. @param doing what was asked for. @param stack as `stackText` has it */
  faulted(doing: string, stack: string): void;
}
