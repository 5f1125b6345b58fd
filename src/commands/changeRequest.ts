/** Changes of the guest's disk between page and engine: the request, its name, and what is worth saying before it. */
import * as vscode from 'vscode';
import type { Amount, ChangeRequest, ChangeTally, ImageSummary, ZeroPolicy } from '../worker/api';
import { sizeText } from '../text/sizeText';
import { listed } from '../text/printable';
import type { ImageDocument } from '../editor/model/document';
import type { Notice, PageChange } from '../editor/page/messages';
import { guestOffset } from '../qcow2/units';

export const uriOf = ({ source }: ImageDocument): vscode.Uri =>
  source.kind === 'path' ? vscode.Uri.file(source.path) : vscode.Uri.parse(source.uri);

/** @param image whose folder's settings count */
export function requestOf(change: PageChange, image: vscode.Uri): ChangeRequest {
  const { kind, start, length } = change;
  if (kind === 'discard') return { kind, start: guestOffset(start), length };
  const { unmap, thorough } = change;
  return {
    kind,
    start: guestOffset(start),
    length,
    options: { unmap, thorough, fallback: true, policy: unmapPolicy(image) },
  };
}

/** What the settings of an image's folder leave where something is given up. */
export function unmapPolicy(image: vscode.Uri): ZeroPolicy {
  const policy = vscode.workspace.getConfiguration('qcow2', image).get<string>('unmapPolicy');
  return policy === 'zero-flag' ? 'zero-flag' : 'unallocate';
}

/** The edit's name in the list of what can be undone: "Write zeroes 64 MiB at 1 GiB (unmap)". */
export function labelOf(change: PageChange): string {
  const length = sizeText(change.length);
  const start = sizeText(change.start);
  if (change.kind === 'discard') return vscode.l10n.t('Discard {0} at {1}', length, start);
  return change.unmap
    ? vscode.l10n.t('Write zeroes {0} at {1} (unmap)', length, start)
    : vscode.l10n.t('Write zeroes {0} at {1}', length, start);
}

/** Whether the image uses less of its file after the change. */
export const makesRoom = ({ freedBytes, allocatedBytes }: ChangeTally): boolean =>
  freedBytes > allocatedBytes;

/** What the user should know before the change is staged. */
export function notesOf(tally: ChangeTally, summary: ImageSummary | undefined): Notice[] {
  if (!tally.changed) return [];
  const notes: Notice[] = [];
  const add = (severity: Notice['severity'], text: string): void => {
    notes.push({ severity, text });
  };
  if (tally.becameUnallocated.bytes > 0 && summary?.backingName === undefined) {
    add(
      'warning',
      vscode.l10n.t(
        'A backing file added later with `qemu-img rebase -u` would show through the unallocated clusters.',
      ),
    );
  }
  if ((summary?.snapshots ?? 0) > 0) {
    add('info', vscode.l10n.t('Clusters shared with snapshots are kept.'));
  }
  if (makesRoom(tally)) {
    add('info', vscode.l10n.t('The file is not shorter yet: see Shrink…, Compact… and Reclaim Free Space….'));
  }
  if (tally.rawBytesZeroed > 0) {
    add(
      'warning',
      vscode.l10n.t('{0} of the raw external data file are also zeroed.', sizeText(tally.rawBytesZeroed)),
    );
  }
  if (tally.bitmapsMarked.length > 0) {
    add('info', vscode.l10n.t('Updated dirty bitmaps: {0}', listed(tally.bitmapsMarked)));
  }
  if (tally.autoclearBitsCleared.length > 0) {
    add(
      'warning',
      vscode.l10n.t('Unknown autoclear feature bits are cleared: {0}', tally.autoclearBitsCleared.join(', ')),
    );
  }
  return [...notes, ...notDiscarded(tally)];
}

function notDiscarded({ notDiscarded: { partialCluster, version2Backing } }: ChangeTally): Notice[] {
  const note = ({ bytes }: Amount, text: (size: string) => string): Notice[] =>
    bytes === 0 ? [] : [{ severity: 'info', text: text(sizeText(bytes)) }];
  return [
    ...note(partialCluster, (size) =>
      vscode.l10n.t('{0} are not discarded: only whole clusters can be discarded.', size),
    ),
    ...note(version2Backing, (size) =>
      vscode.l10n.t(
        '{0} are not discarded: in version 2 the backing file would show through. Use Write Zeroes instead.',
        size,
      ),
    ),
  ];
}
