/**
 * Repair: an image that the check finds sound afterwards, as far as that can be had, and that reads as before, except
 * where the report says so.
 *
 * References come first, refcounts last: what refers to clusters is repaired until every cluster has the users it may
 * have, and then the refcounts are made what that says. In order:
 *
 *   structures    The snapshot table; tables that lie on one another, or past the file's end, are moved apart. Blocks of
 *                 refcounts that cannot stay are taken out of their table.
 *   L1 entries    Those that lead nowhere are cleared; an L2 table that something else uses, too, is copied.
 *   L2 entries    Each by itself: reserved bits, alignment, the file's end, subclusters.
 *   bitmaps       An entry that cannot be kept says that all of its range is dirty.
 *   data          What lies on a structure, or on other data of its layer, is copied to a cluster of its own.
 *   refcounts     Lowered, raised, or rebuilt.
 *   flags         COPIED as the refcounts say; `dirty` and `corrupt` go once the check finds the image sound, and never
 *                 before.
 *
 * Every copy is of what was there before the repair, and lies behind the end of the file: nothing that a damaged image
 * says of free clusters is believed.
 */
import { clearUnknownAutoclear } from '../change/autoclear';
import { ClusterBits } from '../clusterSet';
import { checkImage, countImage, reportOn, type CountedImage } from '../check/checkImage';
import { isSound, type CheckReport } from '../check/checkReport';
import type { DiskRefcounts } from '../check/diskRefcounts';
import { isPartMissing } from '../check/missing';
import { RefusedError } from '../errors';
import { headerField } from '../format/headerFields';
import { Qcow2Image } from '../image/qcow2Image';
import type { Progress } from '../progress';
import { hostOffset } from '../units';
import { repairBitmapEntries } from './bitmapEntries';
import { repairCopiedFlags } from './copiedFlags';
import { repairL1Entries } from './l1Entries';
import { repairL2Entries } from './l2Entries';
import { RefcountRepairer } from './refcounts';
import type { RepairMode, RepairReport, RepairRequest } from './report';
import { separateSharedData } from './sharedData';
import { repairStructures } from './structures';
import { RepairWork, type RepairContext } from './work';
import { phased } from './phases';

export interface Repair {
  readonly report: RepairReport;
  /** Host clusters whose refcount fell to 0: undo needs them. */
  readonly freed: ClusterBits;
  /** The image needed no more than leaks repaired. */
  readonly wasSound: boolean;
}

/** Passes over the image, at most. */
const PHASES = 9;

/**
 * Repairs the image in `context.file`; what fails half-way leaves it between two states.
 * @throws FormatError where the file cannot grow as it must, FileError, UnsupportedError, CancelledError
 */
export function repairImage(given: RepairContext, request: RepairRequest): Repair {
  const progress = phased(given.progress, PHASES);
  const context = { ...given, progress };
  const image = Qcow2Image.open(context.file, { dataFile: context.dataFile });
  // Leaks are no reason to touch a snapshot table that cannot be read as it is.
  image.refuseFaults(request === 'leaks' ? 'check' : 'repair');
  refuseWithoutTables(image);
  const found = lookAt(image, progress, request !== 'all');
  const { before } = found;
  const mode = modeFor(request, found, image);
  const work = new RepairWork(context, image, found.known);
  const freed = mode === 'all' ? repairAll(work, found, image) : repairLeaks(work, found);
  const hasChanged = work.log.actions.length > 0;
  const after = hasChanged ? checkImage(work.open(), progress) : before;
  if (after.checkErrors + after.corruptions + after.defects === 0) clearMarks(work);
  const { actions, losses, lossCount, lostBytes } = work.log;
  const changed = actions.length > 0;
  if (changed) clearUnknownAutoclear(work.file, work.header().features);
  progress.finish();
  const report = { file: before.file, mode, changed, actions, losses, lossCount, lostBytes, before, after };
  return { report, freed, wasSound: isSound(before) && !work.hasFaults };
}

/**
 * Without its L1 table nothing of the disk is left, and all clusters pass for leaked. A repair would make the loss final.
 * @throws RefusedError `repair.l1TableMissing`
 */
function refuseWithoutTables({ file, header }: Qcow2Image): void {
  const { l1TableOffset, l1Size, clusterSize } = header;
  // As QEMU has it, for which a file may end within its last cluster.
  const end = Math.ceil(file.size / 512) * 512;
  if (l1Size === 0 || l1TableOffset + l1Size * 8 - end < clusterSize) return;
  throw new RefusedError(file.name, 'repair.l1TableMissing', { offset: l1TableOffset, limit: file.size });
}

function modeFor(request: RepairRequest, { before }: Found, image: Qcow2Image): RepairMode {
  if (request !== 'present') return request;
  return isPartMissing(image, before) ? 'leaks' : 'all';
}

/** The image as the repair finds it. */
interface Found {
  readonly before: CheckReport;
  /** Clusters that the image knows. */
  readonly known: number;
  readonly disk: DiskRefcounts;
  /** What was counted; not kept where references are going to change, since it is as big as the image has clusters. */
  readonly counted: CountedImage | undefined;
}

function lookAt(image: Qcow2Image, progress: Progress, keepsCounts: boolean): Found {
  const counted = countImage(image, progress);
  const before = reportOn(counted, progress);
  const { disk, counter } = counted;
  return { before, known: counter.knownClusters, disk, counted: keepsCounts ? counted : undefined };
}

function repairLeaks(work: RepairWork, { before, disk, counted }: Found): ClusterBits {
  // As QEMU has it: where refcounts have to be rebuilt, nothing can be said of leaks. It clears the dirty bit then,
  // which this does not: that is for the next one who opens the image to repair it.
  if (before.needsRebuild || counted === undefined) return new ClusterBits();
  const repairer = new RefcountRepairer(work, counted, disk);
  if (before.leaks > 0) repairer.lower();
  const { corruptions, checkErrors, byKind, findings } = before;
  const flags = (byKind.l1Copied ?? 0) + (byKind.l2Copied ?? 0);
  // Refcounts are right now, and nothing else is wrong with them: so the flags can be made what they say. Fields that a
  // snapshot's entry lacks have nothing to do with that.
  const others = corruptions - flags - (byKind.snapshotIncomplete ?? 0);
  if (others + checkErrors === 0 && (flags > 0 || before.leaks > 0)) {
    const overlaps = findings.filter(({ kind }) => kind === 'overlap');
    repairCopiedFlags(work, new Set(overlaps.map(({ host = 0 }) => host / work.clusterSize)));
  }
  return repairer.freed;
}

function repairAll(work: RepairWork, { before, disk }: Found, image: Qcow2Image): ClusterBits {
  const needsRepair = !isSound(before) || work.hasFaults;
  if (!needsRepair && before.leaks === 0) return new ClusterBits();
  if (needsRepair) repairReferences(work, image);
  const repairer = new RefcountRepairer(work, countImage(work.open(), work.progress), disk);
  repairer.repair();
  repairCopiedFlags(work);
  return repairer.freed;
}

function repairReferences(work: RepairWork, image: Qcow2Image): void {
  const taken = repairStructures(work, image);
  repairL1Entries(work, taken);
  repairL2Entries(work);
  repairBitmapEntries(work, countImage(work.open(), work.progress));
  separateSharedData(work, taken, countImage(work.open(), work.progress));
}

const DIRTY = 1;
const CORRUPT = 2;

function clearMarks(work: RepairWork): void {
  const { version, features } = work.header();
  if (version === 2 || (!features.dirty && !features.corrupt)) return;
  // The last byte of the field.
  const at = hostOffset(headerField('incompatible_features').offset + 7);
  work.changeByte(at, (byte) => byte & ~(DIRTY | CORRUPT));
  if (features.dirty) work.log.did('dirtyCleared', { at });
  if (features.corrupt) work.log.did('corruptCleared', { at });
}
