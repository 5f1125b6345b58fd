/** Copy Image Information: what `qemu-img info --output=json` prints, in the clipboard. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { OpenImages } from '../editor/host/openImages';
import type { Result } from '../worker/api';
import { describeWithFile } from '../text/vscode/describe';
import { targetIn } from './arguments';
import { registerCommand, tellInStatusBar, tellProblem } from '../text/vscode/tell';
import { withEngine } from './engineOf';
import { type CommandTarget, imageOf } from './target';

export function registerCopyInformation(images: OpenImages, workerScript: string): vscode.Disposable {
  return registerCommand('qcow2.copyImageInformation', (target?: unknown) =>
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
    tellProblem(vscode.l10n.t('The information of {0} cannot be read: {1}', name, text), info.problem);
    return;
  }
  await vscode.env.clipboard.writeText(info.value);
  tellInStatusBar(vscode.l10n.t('The information of {0} was copied.', name), 5000);
}

/** From the open document, else from a thread for this alone. */
function informationOf(uri: vscode.Uri, images: OpenImages, workerScript: string): Promise<Result<string>> {
  const document = images.find(uri);
  if (document !== undefined) return document.ask((engine) => engine.info());
  return withEngine(workerScript, uri, (engine) => engine.calls.info());
}
