/**
 * Compact…: moves clusters from the end of the image file to free ones before it, and makes the file shorter. It can be
 * cancelled after each batch, and keeps what it gained.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../editor/model/document';
import { sizeText } from '../text/sizeText';
import { compactionText } from '../text/vscode/compactionText';
import { describeWithFile } from '../text/vscode/describe';
import { tellInformation, tellWarning } from '../text/vscode/tell';
import type { Compacted, CompactPreview } from '../worker/api';
import type { FileChange } from './changeFile';

/** Of the compaction of a document. */
const COMPACTION = Symbol('compaction');

/** Ends the compaction of a document after the batch that is under way. */
export function stopCompaction(document: ImageDocument): void {
  document.stop(COMPACTION);
}

export const COMPACT: FileChange<CompactPreview, Compacted> = {
  command: 'qcow2.compact',
  titles: (name) => ({
    preview: vscode.l10n.t('Looking how short {0} can be', name),
    run: vscode.l10n.t('Compacting {0}', name),
  }),
  preview: (document, cancel) => document.edit(({ space }) => space.compactPreview(cancel)),
  run: (document, { report, cancel }) =>
    document.edit(({ space }) =>
      space.compact({
        key: COMPACTION,
        report: (done, total) => {
          report(done, total, space.compaction === undefined ? undefined : compactionText(space.compaction));
        },
        cancel,
      }),
    ),
  question: (name, { fileSize, newFileSize, moveBytes, leakedBytes, roomBytes }) => {
    if (newFileSize >= fileSize) {
      tellNothingToGain(name);
      return undefined;
    }
    const sizes = [sizeText(fileSize), sizeText(newFileSize)] as const;
    const changes = [
      vscode.l10n.t('The file shrinks from {0} to about {1}.', ...sizes),
      ...(moveBytes === 0 ? [] : [vscode.l10n.t('{0} are moved within the file.', sizeText(moveBytes))]),
      ...(leakedBytes === 0
        ? []
        : [vscode.l10n.t('Leaks of {0} are repaired first.', sizeText(leakedBytes))]),
    ];
    const room = vscode.l10n.t(
      'Up to {0} of free space are needed while it runs. You can cancel it: what is gained until then stays.',
      sizeText(roomBytes),
    );
    return {
      text: vscode.l10n.t('Compact {0}?', name),
      detail: [changes.join(' '), ...(roomBytes === 0 ? [] : [room])],
      yes: vscode.l10n.t('Compact'),
    };
  },
  tellDone: (uri, { changed, before, after, stopped }) => {
    const name = basename(uri.path);
    if (!changed) {
      tellNothingToGain(name);
      return;
    }
    const sizes = [sizeText(before.fileSize), sizeText(after.fileSize)] as const;
    if (stopped === undefined) {
      void tellInformation(vscode.l10n.t('Compacted {0}: it was {1} long and is now {2}.', name, ...sizes));
    } else if (stopped.kind === 'cancelled') {
      void tellInformation(
        vscode.l10n.t('The compaction of {0} was cancelled: it was {1} long and is now {2}.', name, ...sizes),
      );
    } else {
      const why = describeWithFile(stopped, uri.fsPath);
      void tellWarning(
        vscode.l10n.t(
          'The compaction of {0} stopped: it was {1} long and is now {2}. {3}',
          name,
          ...sizes,
          why,
        ),
      );
    }
  },
};

function tellNothingToGain(name: string): void {
  void tellInformation(vscode.l10n.t('{0} is as short as compaction can make it.', name));
}
