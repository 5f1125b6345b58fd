/** Copy Image Information: what `qemu-img info --output=json` prints, in the clipboard. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { OpenImages } from '../editor/openImages';
import type { Result } from '../worker/api';
import { describeWithFile } from '../words/words';
import { targetIn } from './arguments';
import { withEngine } from './engineOf';
import { type CommandTarget, imageOf } from './target';

export function registerCopyInformation(images: OpenImages, workerScript: string): vscode.Disposable {
  return vscode.commands.registerCommand('qcow2.copyImageInformation', (target?: unknown) =>
    copyInformation(targetIn(target), images, workerScript),
  );
}

async function copyInformation(
  target: CommandTarget,
  images: OpenImages,
  workerScript: string,
): Promise<void> {
  const uri = await imageOf(target, images);
  if (uri === undefined) return;
  const name = basename(uri.path);
  const info = await informationOf(uri, images, workerScript);
  if (!info.ok) {
    const text = describeWithFile(info.problem, uri.fsPath);
    void vscode.window.showErrorMessage(
      vscode.l10n.t('The information of {0} cannot be read: {1}', name, text),
    );
    return;
  }
  await vscode.env.clipboard.writeText(info.value);
  vscode.window.setStatusBarMessage(vscode.l10n.t('The information of {0} is in the clipboard.', name), 5000);
}

/** From the open document, else from a thread for this alone. */
function informationOf(uri: vscode.Uri, images: OpenImages, workerScript: string): Promise<Result<string>> {
  const document = images.find(uri);
  if (document !== undefined) return document.info();
  return withEngine(workerScript, uri, (engine) => engine.info());
}
