/** What the user is told about another backing file: the question, what it means, and the edit's name. */
import * as vscode from 'vscode';
import { sizeText } from '../text/sizeText';
import type { Rebased } from '../worker/api';

/** The edit's name in the list of what can be undone. */
export function rebaseLabel(name: string | undefined): string {
  return name === undefined
    ? vscode.l10n.t('Remove backing file')
    : vscode.l10n.t('Change backing file to {0}', name);
}

export function rebaseQuestion(image: string, { before, after }: Rebased): string {
  if (after === undefined) {
    return vscode.l10n.t('Remove the backing file {0} from {1}?', before?.name ?? '', image);
  }
  return before === undefined
    ? vscode.l10n.t('Make {0} ({1}) the backing file of {2}?', after.name, after.format ?? '?', image)
    : vscode.l10n.t(
        'Change the backing file of {0} from {1} to {2} ({3})?',
        image,
        before.name,
        after.name,
        after.format ?? '?',
      );
}

/** Bytes of the two disks, as far as they are known. */
export interface RebaseSizes {
  readonly backing: number | undefined;
  readonly disk: number | undefined;
}

/** A sentence a line. */
export function rebaseDetail({ before, after, showsThrough }: Rebased, sizes: RebaseSizes): string[] {
  const clusters = String(showsThrough.clusters);
  const size = sizeText(showsThrough.bytes);
  const lines: string[] = [];
  if (after === undefined) {
    lines.push(vscode.l10n.t('{0} unallocated clusters ({1}) will read as zero.', clusters, size));
  } else {
    lines.push(
      vscode.l10n.t('{0} unallocated clusters ({1}) will show the data of the new file.', clusters, size),
    );
    lines.push(
      before === undefined
        ? vscode.l10n.t(
            'They read as zero now. This includes clusters that Write Zeroes and Discard left unallocated.',
          )
        : vscode.l10n.t(
            'Choose only a file with the same content as the current one. The content is not compared; different content corrupts the disk.',
          ),
    );
    lines.push(...sizeLines(sizes));
  }
  lines.push(
    vscode.l10n.t(
      'Only the image header changes, as with `qemu-img rebase -u`. The change is staged and can be undone.',
    ),
  );
  return lines;
}

/** Where the two differ, what that means. */
function sizeLines({ backing, disk }: RebaseSizes): string[] {
  if (backing === undefined || disk === undefined || backing === disk) return [];
  const [ofBacking, ofDisk] = [sizeText(backing), sizeText(disk)];
  return [
    backing < disk
      ? vscode.l10n.t(
          'The new file is smaller than the disk ({0} instead of {1}): beyond its end, unallocated clusters read as zero.',
          ofBacking,
          ofDisk,
        )
      : vscode.l10n.t(
          'The new file is larger than the disk ({0} instead of {1}): the part beyond the end of the disk is ignored.',
          ofBacking,
          ofDisk,
        ),
  ];
}
