/**
 * Files that an association brings although they are no qcow2 images: `*.img` stands for raw disks, too. They are left
 * to the default editor.
 */
import * as vscode from 'vscode';
import { isOtherFormat } from '../../qcow2/errors';
import { log } from '../../text/log';
import { isAssociated } from './associations';
import type { CustomImageDocument } from './customDocument';

/** Whether a document is one of those; chosen for once (Reopen Editor With…), a file is shown for what it is. */
export async function isForeign({ uri, model }: CustomImageDocument): Promise<boolean> {
  if (uri.scheme !== 'file' || !isAssociated(uri)) return false;
  const { problem, raw } = await model.whenRead();
  return raw !== undefined || (problem !== undefined && isOtherFormat(problem));
}

/** Opens the file in the default editor, in the place of the panel. Never rejects. */
export async function leaveToDefault(uri: vscode.Uri, panel: vscode.WebviewPanel): Promise<void> {
  const { viewColumn, active } = panel;
  const options = { preserveFocus: !active, ...(viewColumn === undefined ? {} : { viewColumn }) };
  try {
    await vscode.commands.executeCommand('vscode.openWith', uri, 'default', options);
    panel.dispose();
  } catch (error) {
    log.fault('Opening a file in the default editor', error);
  }
}
