/** What the check finds, in the display language: what, where, what is there, what should be, and what repairs it. */
import * as vscode from 'vscode';
import type { Claim, Finding, Structure } from '../../worker/api';
import { describe } from './describe';

/** In one sentence or two; where a check counts it more often than it is told, with how often. */
export function findingText(finding: Finding): string {
  const { times, clusters = 1 } = finding;
  const counted = times === clusters ? undefined : vscode.l10n.t('Counted {0} times.', times);
  const parts = [whatIsWrong(finding), repairText(finding), counted];
  return parts
    .filter((part) => part !== undefined)
    .reduce((text, part) => vscode.l10n.t('{0} {1}', text, part));
}

/** Where a reference is from: "L2 entry at 0x50008 for guest offset 0x10000". */
function entryPlace({ at, guest, snapshot }: Finding): string {
  const place = hexOf(at ?? 0);
  if (snapshot !== undefined) {
    return guest === undefined
      ? vscode.l10n.t('the entry at {0} of snapshot #{1}', place, snapshot + 1)
      : vscode.l10n.t(
          'the entry at {0} of snapshot #{1}, for guest offset {2}',
          place,
          snapshot + 1,
          hexOf(guest),
        );
  }
  return guest === undefined
    ? vscode.l10n.t('the entry at {0}', place)
    : vscode.l10n.t('the entry at {0}, for guest offset {1}', place, hexOf(guest));
}

/** "Host cluster at 0x50000", or "3 host clusters from 0x50000 on". */
function clusterPlace({ host, clusters = 1 }: Finding): string {
  return clusters === 1
    ? vscode.l10n.t('Host cluster at {0}', hexOf(host ?? 0))
    : vscode.l10n.t('{0} host clusters from {1}', clusters, hexOf(host ?? 0));
}

function whatIsWrong(finding: Finding): string {
  const found = valueOf(finding.found);
  const expected = valueOf(finding.expected);
  const entry = entryPlace(finding);
  const cluster = clusterPlace(finding);
  switch (finding.kind) {
    case 'refcountTooHigh':
      return vscode.l10n.t('{0}: refcount {1}, references {2}. Space is leaked.', cluster, found, expected);
    case 'refcountTooLow':
      return vscode.l10n.t(
        '{0}: refcount {1}, references {2}. Data may be overwritten.',
        cluster,
        found,
        expected,
      );
    case 'refcountOverflow':
      return vscode.l10n.t('{0}: more references than a refcount can hold ({1}).', cluster, expected);
    case 'refcountUnreadable':
      return vscode.l10n.t('{0}: refcount not readable, references {1}.', cluster, expected);
    case 'refcountBlockReserved':
      return vscode.l10n.t('Refcount table: {0} is {1}; its reserved bits are set.', entry, found);
    case 'refcountBlockMisaligned':
      return vscode.l10n.t(
        'Refcount table: {0} is {1}; the offset is not a multiple of the cluster size.',
        entry,
        found,
      );
    case 'refcountBlockBeyondFile':
      return vscode.l10n.t('Refcount table: {0} points beyond the end of the file ({1}).', entry, found);
    case 'refcountBlockShared':
      return vscode.l10n.t(
        'Refcount block at {0}: {1} references instead of one.',
        hexOf(finding.host ?? 0),
        found,
      );
    case 'beyondFile':
      return vscode.l10n.t(
        'Beyond the end of the file at {2}: {0} at host offset {1}, referenced by {3}.',
        structureText(finding.structure ?? 'data'),
        hexOf(finding.host ?? 0),
        hexOfValue(finding.expected),
        entry,
      );
    case 'l1Reserved':
      return vscode.l10n.t('L1 table: {0} is {1}; its reserved bits are set.', entry, found);
    case 'l1Misaligned':
      return vscode.l10n.t(
        'L1 table: {0} is {1}; the offset is not a multiple of the cluster size.',
        entry,
        found,
      );
    case 'l1Copied':
      return vscode.l10n.t(
        'L1 table: {0} is {1}, but the refcount of the L2 table is {2}: COPIED is wrong.',
        entry,
        found,
        expected,
      );
    case 'l2Reserved':
      return vscode.l10n.t('L2 table: {0} is {1}; its reserved bits are set.', entry, found);
    case 'l2Copied':
      return vscode.l10n.t(
        'L2 table: COPIED is {1} in {0}, but the refcount of the cluster is {2}.',
        entry,
        found,
        expected,
      );
    case 'dataMisaligned':
      return vscode.l10n.t(
        'L2 table: {0} is {1}; the offset is not a multiple of the cluster size.',
        entry,
        found,
      );
    case 'preallocatedMisaligned':
      return vscode.l10n.t(
        'L2 table: {0} is {1}; the offset of the zero cluster is not a multiple of the cluster size.',
        entry,
        found,
      );
    case 'compressedCopied':
      return vscode.l10n.t('L2 table: {0} is {1}; a compressed cluster has COPIED set.', entry, found);
    case 'compressedInDataFile':
      return vscode.l10n.t(
        'L2 table: {0} is {1}; there are no compressed clusters with an external data file.',
        entry,
        found,
      );
    case 'compressedSubclusters':
      return vscode.l10n.t('L2 table: {0} is {1}; a compressed cluster has subclusters.', entry, found);
    case 'subclustersBoth':
      return vscode.l10n.t('L2 table: {0} is {1}; subclusters are both allocated and zero.', entry, found);
    case 'subclustersUnallocated':
      return vscode.l10n.t(
        'L2 table: {0} is {1}; subclusters are allocated, but not their cluster.',
        entry,
        found,
      );
    case 'snapshotL1Misaligned':
      return vscode.l10n.t(
        'Snapshot #{0}: the offset {1} of its L1 table is not a multiple of the cluster size.',
        snapshotNumber(finding),
        hexOfValue(finding.found),
      );
    case 'snapshotL1TooLarge':
      return vscode.l10n.t(
        'Snapshot #{0}: its L1 table has {1} entries; at most {2} are allowed.',
        snapshotNumber(finding),
        found,
        expected,
      );
    case 'snapshotIncomplete':
      return vscode.l10n.t(
        'Snapshot #{0}: the size of its disk or of its VM state is missing.',
        snapshotNumber(finding),
      );
    case 'snapshotExtraData':
      return vscode.l10n.t(
        'Snapshot #{0}: it has {1} bytes of extra data; at most {2} are allowed.',
        snapshotNumber(finding),
        found,
        expected,
      );
    case 'snapshotsTooMany':
      return vscode.l10n.t('There are {0} snapshots; at most {1} are allowed.', found, expected);
    case 'snapshotTableTooBig':
      return vscode.l10n.t(
        'Only {1} of {0} snapshots fit into the largest allowed table of {2} bytes.',
        found,
        expected,
        finding.size ?? 0,
      );
    case 'snapshotsWithDataFile':
      return vscode.l10n.t(
        'There are {0} snapshots, which images with an external data file cannot have.',
        found,
      );
    case 'unreadable':
      return finding.problem === undefined ? '' : describe(finding.problem);
    case 'bitmapEntry':
      return vscode.l10n.t(
        'Bitmap table: {0} is {1}, which is not a valid bitmap cluster offset.',
        entry,
        found,
      );
    case 'zeroFlagInVersion2':
      return vscode.l10n.t('L2 table: {0} is {1}; version 2 has no zero flag.', entry, found);
    case 'zeroFlagReserved':
      return vscode.l10n.t('L2 table: {0} is {1}; with subclusters the zero flag is reserved.', entry, found);
    case 'dataFileOffset':
      return vscode.l10n.t(
        'L2 table: {0} is {1}; in the external data file it must be at {2}.',
        entry,
        found,
        expected,
      );
    case 'overlap':
      return vscode.l10n.t(
        '{0}: used twice, by {1}.',
        cluster,
        (finding.claims ?? []).map(claimText).join(vscode.l10n.t(', and by ')),
      );
  }
}

const snapshotNumber = ({ snapshot = 0 }: Finding): number => snapshot + 1;

/** "data of guest offset 0x10000", "L1 table of snapshot #1". */
export function claimText({ structure, guest, snapshot }: Claim): string {
  const name = structureText(structure);
  if (snapshot !== undefined) {
    return guest === undefined
      ? vscode.l10n.t('{0} of snapshot #{1}', name, snapshot + 1)
      : vscode.l10n.t('{0} of snapshot #{1}, guest offset {2}', name, snapshot + 1, hexOf(guest));
  }
  return guest === undefined ? name : vscode.l10n.t('{0} of guest offset {1}', name, hexOf(guest));
}

export function structureText(structure: Structure): string {
  switch (structure) {
    case 'header':
      return vscode.l10n.t('header');
    case 'L1 table':
      return vscode.l10n.t('L1 table');
    case 'L2 table':
      return vscode.l10n.t('L2 table');
    case 'snapshot table':
      return vscode.l10n.t('snapshot table');
    case 'refcount table':
      return vscode.l10n.t('refcount table');
    case 'refcount block':
      return vscode.l10n.t('refcount block');
    case 'encryption header':
      return vscode.l10n.t('encryption header');
    case 'bitmap directory':
      return vscode.l10n.t('bitmap directory');
    case 'bitmap table':
      return vscode.l10n.t('bitmap table');
    case 'bitmap data':
      return vscode.l10n.t('bitmap data');
    case 'data':
      return vscode.l10n.t('data');
    case 'compressed data':
      return vscode.l10n.t('compressed data');
  }
}

function repairText({ repair }: Finding): string | undefined {
  switch (repair) {
    case 'leaks':
      return vscode.l10n.t('Fixed by Repair Leaks.');
    case 'all':
      return vscode.l10n.t('Fixed by Repair Everything.');
    case 'rebuild':
      return vscode.l10n.t('Repair Everything rebuilds the refcounts.');
    case 'none':
      return undefined;
  }
}

export const hexOf = (offset: number): string => `0x${offset.toString(16)}`;

const hexOfValue = (value: number | string | undefined): string =>
  typeof value === 'number' ? hexOf(value) : (value ?? '');

const valueOf = (value: number | string | undefined): string => String(value ?? '');
