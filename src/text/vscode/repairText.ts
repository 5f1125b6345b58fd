/** What a repair does and what is lost by it, in the display language. */
import * as vscode from 'vscode';
import type { RepairActionKind, RepairExample, RepairLoss, RepairMode } from '../../worker/api';
import { hexOf, structureText } from './findingText';
import { sizeText } from '../sizeText';

/** The edit's name in the list of what can be undone. */
export function repairLabel(mode: RepairMode): string {
  return mode === 'leaks' ? vscode.l10n.t('Repair leaks') : vscode.l10n.t('Repair everything');
}

export function actionText(kind: RepairActionKind): string {
  switch (kind) {
    case 'refcountLowered':
      return vscode.l10n.t('Lower refcounts and free the space');
    case 'refcountRaised':
      return vscode.l10n.t('Raise refcounts to the number of references');
    case 'refcountsRebuilt':
      return vscode.l10n.t('Rebuild the refcount table and blocks');
    case 'copiedFlag':
      return vscode.l10n.t('Correct COPIED flags');
    case 'l1EntryCleared':
      return vscode.l10n.t('Clear invalid L1 entries');
    case 'entryUnallocated':
      return vscode.l10n.t('Clear invalid L2 entries; their clusters become unallocated');
    case 'entryZeroed':
      return vscode.l10n.t('Remove invalid host offsets from zero clusters');
    case 'reservedBitsCleared':
      return vscode.l10n.t('Clear reserved bits');
    case 'compressedCut':
      return vscode.l10n.t('Shorten compressed clusters to the end of the file');
    case 'dataFileOffsetMended':
      return vscode.l10n.t('Correct offsets in the external data file');
    case 'subclustersMended':
      return vscode.l10n.t('Correct subcluster bitmaps');
    case 'dataCopied':
      return vscode.l10n.t('Copy data out of clusters that are used twice');
    case 'structureCopied':
      return vscode.l10n.t('Move tables out of clusters that are used twice');
    case 'snapshotCompleted':
      return vscode.l10n.t('Add missing fields to snapshots');
    case 'snapshotExtraDataCut':
      return vscode.l10n.t('Truncate extra data of snapshots to the allowed length');
    case 'snapshotRemoved':
      return vscode.l10n.t('Remove invalid snapshots');
    case 'bitmapEntryDirty':
      return vscode.l10n.t('Mark unreadable parts of bitmaps as dirty');
    case 'dirtyCleared':
      return vscode.l10n.t('Clear the dirty bit');
    case 'corruptCleared':
      return vscode.l10n.t('Clear the corrupt bit');
  }
}

/** One of the places: "0x50000 (data), guest offset 0x10000: 0 → 1". */
export function exampleText({
  at,
  host,
  clusters = 1,
  guest,
  snapshot,
  structure,
  found,
  becomes,
}: RepairExample): string {
  const place = host ?? at;
  const parts = [
    ...(place === undefined ? [] : [hexOf(place)]),
    ...(clusters === 1 ? [] : [vscode.l10n.t('{0} clusters', clusters)]),
    ...(structure === undefined ? [] : [structureText(structure)]),
    ...(guest === undefined ? [] : [vscode.l10n.t('guest offset {0}', hexOf(guest))]),
    ...(snapshot === undefined ? [] : [vscode.l10n.t('snapshot #{0}', snapshot + 1)]),
  ];
  const change = becomes === undefined ? '' : `: ${String(found ?? '?')} → ${String(becomes)}`;
  return `${parts.join(', ')}${change}`;
}

export function lossText({ guest, length, snapshot, wasReadable, reads }: RepairLoss): string {
  const place =
    snapshot === undefined
      ? vscode.l10n.t('{0} at guest offset {1}', sizeText(length), hexOf(guest))
      : vscode.l10n.t(
          '{0} at guest offset {1} in snapshot #{2}',
          sizeText(length),
          hexOf(guest),
          snapshot + 1,
        );
  const before = wasReadable
    ? vscode.l10n.t('was readable before')
    : vscode.l10n.t('was not readable before');
  return reads === 'backing'
    ? vscode.l10n.t('{0}: reads from the backing file; {1}', place, before)
    : vscode.l10n.t('{0}: reads as zero; {1}', place, before);
}
