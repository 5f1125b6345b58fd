/** What a repair does and what is lost by it, in the display language. */
import * as vscode from 'vscode';
import type { RepairActionKind, RepairExample, RepairLoss, RepairMode } from '../../worker/api';
import { hexOf, structureText } from './findingText';
import { sizeText } from '../sizeText';

/** The edit's name in the list of what can be undone. */
export function repairLabel(mode: RepairMode): string {
  return mode === 'leaks' ? vscode.l10n.t('Repair: leaks') : vscode.l10n.t('Repair: everything');
}

export function actionText(kind: RepairActionKind): string {
  switch (kind) {
    case 'refcountLowered':
      return vscode.l10n.t('Refcounts are lowered: the space becomes free');
    case 'refcountRaised':
      return vscode.l10n.t('Refcounts are raised to the references');
    case 'refcountsRebuilt':
      return vscode.l10n.t('Refcount table and blocks are made anew');
    case 'copiedFlag':
      return vscode.l10n.t('COPIED flags are made what the refcounts say');
    case 'l1EntryCleared':
      return vscode.l10n.t('L1 entries that cannot be kept are cleared');
    case 'entryUnallocated':
      return vscode.l10n.t('L2 entries that cannot be kept become unallocated');
    case 'entryZeroed':
      return vscode.l10n.t('Zero clusters give up a place that they cannot keep');
    case 'reservedBitsCleared':
      return vscode.l10n.t('Reserved bits are cleared');
    case 'compressedCut':
      return vscode.l10n.t('Compressed clusters end where the file ends');
    case 'dataFileOffsetMended':
      return vscode.l10n.t('Offsets in the external data file are made those of the guest');
    case 'subclustersMended':
      return vscode.l10n.t('Subclusters are made consistent');
    case 'dataCopied':
      return vscode.l10n.t('Data that something else used too is copied to clusters of its own');
    case 'structureCopied':
      return vscode.l10n.t('Tables that something else used too are moved to clusters of their own');
    case 'snapshotCompleted':
      return vscode.l10n.t('Snapshots get the fields that they lack');
    case 'snapshotExtraDataCut':
      return vscode.l10n.t('Extra data of snapshots is cut to what is allowed');
    case 'snapshotRemoved':
      return vscode.l10n.t('Snapshots that cannot be kept are removed');
    case 'bitmapEntryDirty':
      return vscode.l10n.t('Bitmaps mark as dirty what they no longer know');
    case 'dirtyCleared':
      return vscode.l10n.t('The mark "dirty" is taken off');
    case 'corruptCleared':
      return vscode.l10n.t('The mark "corrupt" is taken off');
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
      ? vscode.l10n.t('{0} from guest offset {1} on', sizeText(length), hexOf(guest))
      : vscode.l10n.t(
          '{0} from guest offset {1} on, in snapshot #{2}',
          sizeText(length),
          hexOf(guest),
          snapshot + 1,
        );
  const before = wasReadable
    ? vscode.l10n.t('could be read before')
    : vscode.l10n.t('could not be read before');
  return reads === 'backing'
    ? vscode.l10n.t('{0}: what the backing file has shows through; {1}', place, before)
    : vscode.l10n.t('{0}: reads as zero; {1}', place, before);
}
