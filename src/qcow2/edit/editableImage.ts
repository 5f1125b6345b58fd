/**
 * An image that can be changed: its chain as it is on disk, what is staged over it, and the history of edits. This is
 * the only way in which the editor's worker and the command line change images: every change is staged here, can be
 * undone, and reaches the disk only through the crash-safe save.
 */
import type { Chain } from '../chain/openChain';
import type { Change, ChangeContext } from '../change/context';
import type { ClusterBits } from '../clusterSet';
import type { ChangeTally } from '../change/tally';
import { checkImage } from '../check/checkImage';
import { isSound, type CheckReport } from '../check/checkReport';
import type { Obstacle } from '../check/obstacles';
import { FormatError, RefusedError } from '../errors';
import { fingerprintOf, LocalFile } from '../io/localFile';
import { PageStore } from '../io/pageStore';
import type { PageTree } from '../io/pageTree';
import { StagedDifference, type DifferenceVisitor } from '../io/stagedDifference';
import { StagedFile } from '../io/stagedFile';
import { abandon, type Progress, silent } from '../progress';
import { repairImage, type Repair } from '../repair/repairImage';
import { concernsRefcountsAlone, type RepairReport, type RepairRequest } from '../repair/report';
import { localDisk } from '../save/localDisk';
import { save, type SaveReport } from '../save/save';
import { type ContentScan, type ContentScanning, scanContents } from '../space/contentScan';
import type { HostCluster } from '../units';
import type { ChangeRequest } from './changeRequest';
import { refuseChanged } from './comparedFiles';
import { forEachDifference, type RangeVisitor } from './difference';
import type { BackupScope, EditCounts, EditOptions, RestoreOptions, SaveEdits } from './editOptions';
import { Guards, type GuardedImage } from './guards';
import { BackupWriter } from './backup';
import type { BackupPlace } from './backupManifest';
import { DiskSpace, type SpaceOwner } from './diskSpace';
import { isSameState, KeptScan, type ScannedState } from './keptScan';
import { lockFiles } from './lockFiles';
import { makeChange } from './makeChange';
import { restoreBackup, type RestoredRow } from './restoreBackup';
import { StagedChain } from './stagedChain';
import { setState, type StagedFiles, stateOf } from './stagedStates';
import { unsavedRow } from './unsavedEdits';
import { factsOf, History, type EditFacts, type StagedPair } from './history';

export type { BackupScope, EditCounts, EditOptions, RestoreOptions, SaveEdits } from './editOptions';

/** What was written as one edit, or is not to be kept. */
interface Staged<T> extends EditFacts {
  readonly outcome: T;
  readonly isKept: boolean;
  readonly freed: ClusterBits;
}

export class EditableImage {
  /** Gives space back to the host without an edit. */
  readonly space: DiskSpace;
  readonly #path: string;
  readonly #options: EditOptions;
  readonly #store: PageStore;
  readonly #history = new History();
  readonly #chains: StagedChain;
  readonly #files: StagedFiles;
  readonly #backups: Readonly<Record<BackupScope, BackupWriter>>;
  readonly #guards: Guards;
  readonly #scans = new KeptScan();
  #chain: Chain;

  /**
   * Opens the image at `path` with its chain, to repair it if need be: a snapshot table that no other program could read is
   * an obstacle, not an error. Nothing is written anywhere.
   * @throws EngineError when the image itself cannot be opened
   */
  static open(path: string, options: EditOptions): EditableImage {
    return new EditableImage(path, options, new StagedChain(path, options));
  }

  private constructor(path: string, options: EditOptions, chains: StagedChain) {
    this.#path = path;
    this.#options = options;
    this.#store = new PageStore(options.scratchPath);
    this.#chains = chains;
    const { file, dataFile, isDataFileOpen, hasDataFile } = chains.onDisk.top;
    this.#files = {
      image: new StagedFile(file, this.#store),
      dataFile: hasDataFile && isDataFileOpen ? new StagedFile(dataFile, this.#store) : undefined,
    };
    this.#backups = { unsaved: new BackupWriter(this.#files), history: new BackupWriter(this.#files) };
    this.#guards = new Guards(path, this.#history);
    this.space = new DiskSpace(this.#spaceOwner());
    this.#chain = this.#chains.open(this.#files);
  }

  /** The chain as staged: the image first, what it depends on as it is on disk. Another one after each change. */
  get chain(): Chain {
    return this.#chain;
  }

  /** The image and its chain as they are on disk. */
  get onDisk(): Chain {
    return this.#chains.onDisk;
  }

  /** Whether files that it names were opened. */
  get followsNames(): boolean {
    return this.#options.followsNames;
  }

  get edits(): EditCounts {
    const { undoable, redoable, unsaved } = this.#history;
    return { undoable, redoable, unsaved };
  }

  /** Whether anything of an external data file is staged. */
  get stagesDataFile(): boolean {
    return this.#files.dataFile?.isEmpty === false;
  }

  /** Whether any file of the chain is not what it was when it was read. A compaction, which changes it, looks itself. */
  hasChanged(): boolean {
    if (this.space.isCompacting) return false;
    return this.onDisk.hasChanged() || this.#chain.hasChanged();
  }

  /**
   * What a change would do; nothing is staged.
   * @throws EngineError as `apply`
   */
  preview(request: ChangeRequest, progress: Progress = silent): ChangeTally {
    return this.#try(() => this.#change(request, progress).tally);
  }

  /**
   * Stages a change as one edit; one that changes nothing makes none. What was undone cannot be redone any more.
   * @param label what the person is shown for it
   * @throws EngineError for what is refused or cannot be; nothing is staged then
   */
  apply(request: ChangeRequest, label = '', progress: Progress = silent): ChangeTally {
    return this.#stage(label, () => {
      const { tally, freed, ...facts } = this.#change(request, progress);
      return { outcome: tally, isKept: tally.changed, freed, ...factsOf(facts) };
    });
  }

  /** What a content scan has found, where one was made of what is staged now. */
  get scan(): ContentScan | undefined {
    return this.#scans.at(this.#scanned);
  }

  /**
   * Looks at all data of the disk for what need not be stored, piece by piece; what it finds can be given up by a shrink.
   * @param progress counts bytes of the disk's data
   * @throws RefusedError where something is staged or saved between two pieces; UnsupportedError, FormatError, FileError,
   *   CancelledError
   */
  *scanContents(progress: Progress = silent): ContentScanning {
    this.space.refuseWhileCompacting();
    const { layers, top } = this.#chain;
    const before = this.#scanned;
    const scanning = scanContents(layers, top, progress);
    try {
      for (let step = scanning.next(); ; step = scanning.next()) {
        if (step.done === true) {
          this.#scans.keep(step.value, before);
          return step.value;
        }
        yield;
        this.space.refuseWhileCompacting();
        if (!isSameState(before, this.#scanned)) throw new RefusedError(this.#path, 'shrink.notScanned');
      }
    } finally {
      abandon(scanning);
    }
  }

  /**
   * Checks the image as staged.
   * @throws UnsupportedError, FileError, CancelledError
   */
  check(progress: Progress = silent): CheckReport {
    return checkImage(this.#chain.top, progress);
  }

  /**
   * What a repair would do; nothing is staged.
   * @throws EngineError as `applyRepair`
   */
  previewRepair(request: RepairRequest, progress: Progress = silent): RepairReport {
    return this.#try(() => this.#repair(request, progress).report);
  }

  /**
   * Stages a repair as one edit; one that changes nothing makes none. What was undone cannot be redone any more.
   * @param label what the person is shown for it
   * @throws EngineError for what is refused or cannot be; nothing is staged then
   */
  applyRepair(request: RepairRequest, label = '', progress: Progress = silent): RepairReport {
    return this.#stageRepair(request, label, progress, () => true);
  }

  /**
   * Stages the repair of refcounts that an image needs which was not closed properly (dirty), as one edit.
   * @returns whether it did: not where the image is not dirty, or has damage that lazy refcounts do not explain
   * @throws EngineError as `applyRepair`
   */
  rebuildDirtyRefcounts(label = '', progress: Progress = silent): boolean {
    const { dirty, corrupt } = this.#chain.top.features;
    if (!dirty || corrupt) return false;
    let isDone = false;
    this.#stageRepair('all', label, progress, (report) => (isDone = concernsRefcountsAlone(report)));
    return isDone;
  }

  #stageRepair(
    request: RepairRequest,
    label: string,
    progress: Progress,
    accepts: (report: RepairReport) => boolean,
  ): RepairReport {
    return this.#stage(label, () => {
      const { report, freed, wasSound } = this.#repair(request, progress);
      const repaired = { wasSound, isSound: isSound(report.after) };
      return { outcome: report, isKept: report.changed && accepts(report), freed, repaired };
    });
  }

  /** Does something for what comes of it alone: nothing is staged. */
  #try<T>(work: () => T): T {
    this.space.refuseWhileCompacting();
    const before = stateOf(this.#files);
    try {
      return work();
    } finally {
      this.#goTo(before);
    }
  }

  /** Stages what `work` writes as one edit; nothing of it where it fails, or has nothing to keep. */
  #stage<T>(label: string, work: () => Staged<T>): T {
    this.space.refuseWhileCompacting();
    const before = stateOf(this.#files);
    let isDone = false;
    try {
      const { outcome, isKept, ...edit } = work();
      if (!isKept) return outcome;
      isDone = true;
      this.#history.add({ label, before, after: stateOf(this.#files), ...edit });
      this.#chain = this.#chains.open(this.#files);
      return outcome;
    } finally {
      if (!isDone) this.#goTo(before);
    }
  }

  /** Takes the last edit back. @returns false where there is none. @throws RefusedError `space.compacting` */
  undo(): boolean {
    this.space.refuseWhileCompacting();
    return this.#goTo(this.#history.undo());
  }

  /** Does the last undone edit again. @returns false where there is none. @throws RefusedError `space.compacting` */
  redo(): boolean {
    this.space.refuseWhileCompacting();
    return this.#goTo(this.#history.redo());
  }

  /**
   * Visits the guest ranges that differ from the image on disk, ascending.
   * @throws FormatError, FileError
   */
  forEachDifference(visit: RangeVisitor): void {
    const { image, dataFile = image } = this.#files;
    if (image.isEmpty && dataFile.isEmpty) return;
    forEachDifference(this.onDisk.top, this.#chain.top, image, dataFile, visit);
  }

  /**
   * Visits the stretches of the image file that differ from those on disk, ascending; what it gains is one of them.
   * @throws FileError
   */
  forEachFileDifference(visit: DifferenceVisitor): void {
    new StagedDifference(this.#files.image).forEach(visit);
  }

  /**
   * What stands in the way of changing the image: looked at before the first edit, and again by `save`.
   * @throws CancelledError
   */
  obstacles(progress: Progress = silent): readonly Obstacle[] {
    if (this.space.isCompacting) return [this.#compacting];
    return this.#guards.obstacles(this.#guarded, progress);
  }

  /** What stands in the way of repairing the image, which damage does not; quickly found. */
  repairObstacles(): readonly Obstacle[] {
    if (this.space.isCompacting) return [this.#compacting];
    return this.#guards.repairObstacles(this.#guarded);
  }

  /**
   * Data that staged edits have given up because a backing file has it is nowhere else.
   * @throws RefusedError where such a file is another by now, or is open for writing; FileError
   */
  refuseChangedBacking(): void {
    refuseChanged(this.#history.comparedFiles);
  }

  /**
   * Makes what is staged the content of the files on disk, all or nothing. The edits stay in the history: undoing them
   * stages what was there before.
   * @param options `keepsUndo` false where there will be no undo: what is overwritten need not be kept
   * @throws EngineError for the first obstacle, and as `save`; the files are what they were then, the edits staged
   */
  save({ progress = silent, keepsUndo = true, onCommitted }: SaveEdits = {}): SaveReport {
    this.space.refuseWhileCompacting();
    this.#guards.refuseSave(this.#guarded, progress);
    this.refuseChangedBacking();
    const isRepair = this.#history.unsavedRepairs.some((each) => !(each.wasSound && each.isSound));
    const { image, dataFile } = this.#files;
    const kept = keepsUndo ? { image: image.keepOverwritten(), dataFile: dataFile?.keepOverwritten() } : {};
    const lock = (): { release(): void } => lockFiles(this.onDisk.top, this.#history.comparedFiles);
    const report = save(this.#files, localDisk, {
      progress,
      isRepair,
      lock,
      ...(onCommitted === undefined ? {} : { onCommitted }),
    });
    this.#history.markSaved();
    if (!keepsUndo) {
      this.#guards.rememberRepair();
      this.#history.forget();
    }
    this.#reread(kept);
    return report;
  }

  /**
   * Writes edits to a backup; it fits the files as they are on disk now.
   * @param manifestPath of a file that is made or replaced
   * @throws FileError
   */
  backUp(manifestPath: string, scope: BackupScope = 'unsaved'): BackupPlace {
    this.space.refuseWhileCompacting();
    const facts = { image: this.#path, fingerprints: this.#fingerprints() };
    const row = scope === 'history' ? this.#history.row : unsavedRow(this.#history, this.#files);
    return this.#backups[scope].write(manifestPath, facts, row);
  }

  /**
   * Stages the edits of a backup, and goes to where its history stood; nothing may be staged yet.
   * @throws RefusedError, FileError; nothing is staged then
   */
  restore(manifestPath: string, { isRolledBack = false }: RestoreOptions = {}): RestoredRow {
    this.space.refuseWhileCompacting();
    const before = stateOf(this.#files);
    let restored: RestoredRow;
    try {
      restored = restoreBackup(manifestPath, this.#files, this.#fingerprints(), isRolledBack);
    } catch (error) {
      this.#goTo(before);
      throw error;
    }
    this.#history.restore(restored);
    this.#chain = this.#chains.open(this.#files);
    return restored;
  }

  /** For `DiskSpace`. */
  #spaceOwner(): SpaceOwner {
    return {
      path: this.#path,
      scratchPath: this.#options.scratchPath,
      onDisk: () => this.onDisk.top,
      refuse: (progress) => {
        this.#guards.refuseGivingBack(this.#guarded, progress);
      },
      repairLeaks: (progress) => {
        this.applyRepair('leaks', '', progress);
        this.save({ progress, keepsUndo: false });
      },
      reread: () => {
        this.#guards.rememberRepair();
        this.#history.forget();
        this.#reread();
      },
    };
  }

  /** The files on disk have become what was staged, or something of their own. */
  #reread(kept: { readonly image?: PageTree; readonly dataFile?: PageTree } = {}): void {
    const { image, dataFile } = this.#files;
    this.#chains.reopen(({ top }) => {
      image.rebase(top.file, kept.image);
      dataFile?.rebase(top.dataFile, kept.dataFile);
    });
    this.#chain = this.#chains.open(this.#files);
  }

  close(): void {
    for (const backup of Object.values(this.#backups)) backup.close();
    this.#chains.close();
    this.#store.close();
  }

  /** What a content scan reads. */
  get #scanned(): ScannedState {
    return { staged: stateOf(this.#files), backing: this.#chain.layers[1] };
  }

  get #compacting(): Obstacle {
    return { severity: 'refuse', problem: new RefusedError(this.#path, 'space.compacting').problem };
  }

  get #guarded(): GuardedImage {
    return { onDisk: this.onDisk.top, staged: this.#chain.top };
  }

  #change(request: ChangeRequest, progress: Progress): Change & EditFacts {
    this.#chain.top.refuseFaults('change');
    return makeChange(request, {
      chain: this.#chain,
      onDisk: this.onDisk.top,
      scan: this.scan,
      repairLeaks: () => {
        const repair = this.#repair('leaks', progress);
        this.#chain = this.#chains.open(this.#files);
        return repair;
      },
      context: () => this.#context(progress),
      refuseCycle: () => {
        this.#chains.refuseCycle(this.#files);
      },
    });
  }

  /** What a damaged image, repaired and not saved yet, says of a cluster cannot always be read: it is not free then. */
  #refcountOnDisk(cluster: HostCluster): number {
    try {
      return this.onDisk.top.refcounts.of(cluster);
    } catch (error) {
      if (error instanceof FormatError && this.#history.repaired !== undefined) return 1;
      throw error;
    }
  }

  #repair(request: RepairRequest, progress: Progress): Repair {
    const { image, dataFile } = this.#files;
    const original = new StagedFile(image.base, this.#store);
    original.state = image.state;
    const diskSize = image.base.size;
    return repairImage({ file: image, original, dataFile, diskSize, progress }, request);
  }

  #context(progress: Progress): ChangeContext {
    // Tables that earlier looks have cached are those of now: nothing was staged since the chain was made.
    const { top, layers } = this.#chain;
    return {
      image: top,
      file: this.#files.image,
      dataFile: this.#files.dataFile,
      layers,
      disk: { refcountOf: (cluster) => this.#refcountOnDisk(cluster) },
      held: this.#history.held,
      progress,
    };
  }

  #goTo(state: StagedPair | undefined): boolean {
    if (state === undefined) return false;
    const { image, dataFile } = this.#files;
    setState(this.#files, state);
    // What a save has written need not be staged over itself.
    if (this.#history.unsaved === 0) for (const file of [image, dataFile]) file?.reset();
    this.#chain = this.#chains.open(this.#files);
    return true;
  }

  /** Of the files that staged edits are laid over, as they are on disk. */
  #fingerprints(): string[] {
    const { file, dataFile } = this.onDisk.top;
    return [file, dataFile].flatMap((each) =>
      each instanceof LocalFile ? [fingerprintOf(each.identity)] : [],
    );
  }
}
