/** The two entries of the one editor (package.json, `customEditors`), by name for every room that opens files. */
import type { Uri } from 'vscode';
import { isImageName } from '../../qcow2/imageName';

/** The default for `*.qcow2` and `*.qcow`. */
export const IMAGE_EDITOR = 'qcow2.editor';
/** Offered by "Reopen Editor With…" for every file. */
export const ANY_FILE_EDITOR = 'qcow2.editorForAnyFile';

export const VIEW_TYPES = [IMAGE_EDITOR, ANY_FILE_EDITOR] as const;

export function viewTypeFor(uri: Uri): string {
  return isImageName(uri.path) ? IMAGE_EDITOR : ANY_FILE_EDITOR;
}
