/** Reclaim Free Space…: gives the clusters that an image does not use back to the file system. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { sizeText } from '../text/sizeText';
import { describeWithFile } from '../text/vscode/describe';
import { tellInformation, tellWarning } from '../text/vscode/tell';
import type { FreeSpace, GivenBack } from '../worker/api';
import type { FileChange } from './changeFile';

export const GIVE_BACK: FileChange<FreeSpace, GivenBack> = {
  command: 'qcow2.giveBack',
  titles: (name) => ({
    preview: vscode.l10n.t('Looking for free space in {0}', name),
    run: vscode.l10n.t('Reclaiming free space of {0}', name),
  }),
  preview: (document, cancel) => document.edit(({ space }) => space.freeSpace(cancel)),
  run: (document, control) => document.edit(({ space }) => space.giveBack(control)),
  question: (name, space) => {
    const { storedBytes, fileSize, newFileSize } = space;
    if (storedBytes === 0 && newFileSize === fileSize) {
      const nothing = vscode.l10n.t('{0} has no free space to reclaim.', name);
      void tellInformation([nothing, ...whatStays(space)].join(' '));
      return undefined;
    }
    return {
      text: vscode.l10n.t('Reclaim the free space of {0}?', name),
      detail: [...spaceText(space), ...whatStays(space)],
      yes: vscode.l10n.t('Reclaim'),
    };
  },
  tellDone: (uri, given) => {
    const back = sizeText(Math.max(0, given.before.allocatedBytes - given.after.allocatedBytes));
    const left = sizeText(given.after.allocatedBytes);
    const text = [
      vscode.l10n.t('Reclaimed {1} of {0}; the file now takes {2}.', basename(uri.path), back, left),
      ...whatStays(given),
    ].join(' ');
    const trouble = given.stopped ?? given.leftover;
    if (trouble === undefined && given.canMakeHoles) {
      void tellInformation(text);
      return;
    }
    const why = trouble === undefined ? [] : [describeWithFile(trouble, uri.fsPath)];
    void tellWarning([text, ...why].join(' '));
  },
};

function spaceText({ storedBytes, isUpperBound, fileSize, newFileSize }: FreeSpace): string[] {
  const size = sizeText(storedBytes);
  const stored = isUpperBound
    ? vscode.l10n.t('Up to {0} can be reclaimed.', size)
    : vscode.l10n.t('{0} can be reclaimed.', size);
  const sizes = [sizeText(fileSize - newFileSize), sizeText(newFileSize)] as const;
  return [
    ...(storedBytes === 0 ? [] : [stored]),
    ...(fileSize === newFileSize ? [] : [vscode.l10n.t('The file shrinks by {0} to {1}.', ...sizes)]),
  ];
}

function whatStays({ canMakeHoles, dataFile }: FreeSpace | GivenBack): string[] {
  return [
    ...(canMakeHoles
      ? []
      : [
          vscode.l10n.t('The file system does not support holes: only the end of the file can be truncated.'),
        ]),
    ...(dataFile === undefined
      ? []
      : [
          vscode.l10n.t(
            'The external data file {0} is not changed: it has no record of unused space.',
            dataFile,
          ),
        ]),
  ];
}
