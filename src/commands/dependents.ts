/** What depends on an image: Show Dependent Images…, and Show in Backing Chains. */
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import type { ChainView } from '../chains/chainView';
import type { OpenImages } from '../editor/host/openImages';
import { targetIn } from './arguments';
import { choose } from '../text/vscode/choose';
import { gapTexts } from '../text/vscode/gapText';
import { registerCommand, tellInformation } from '../text/vscode/tell';
import { show } from './open';
import { type CommandTarget, imageOf } from './target';

export function registerDependents(images: OpenImages, chains: ChainView): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand('qcow2.showDependents', (target?: unknown) =>
      showDependents(targetIn(target), images, chains),
    ),
    registerCommand('qcow2.showInChains', (target?: unknown) =>
      showInChains(targetIn(target), images, chains),
    ),
  );
}

/** Lists them, nearest first; the chosen one is opened. Answers with their paths. */
async function showDependents(
  target: CommandTarget,
  images: OpenImages,
  chains: ChainView,
): Promise<readonly string[]> {
  const uri = await imageOf(target, images);
  if (uri === undefined) return [];
  const name = basename(uri.fsPath);
  const { dependents, gaps } = await chains.usageOf(uri.fsPath);
  const reasons = gapTexts(gaps).join('; ');
  if (dependents.length === 0) {
    const none =
      gaps.length === 0
        ? vscode.l10n.t('No image of the workspace depends on {0}.', name)
        : vscode.l10n.t('No image was found that depends on {0}, but {1}.', name, reasons);
    void tellInformation(vscode.workspace.isTrusted ? none : restrictedText(name));
    return [];
  }
  const items = dependents.map(({ image: { path }, distance }) => ({
    label: basename(path),
    description:
      distance === 1
        ? vscode.l10n.t('uses it as its backing file')
        : vscode.l10n.t('{0} steps above it', distance),
    detail: vscode.workspace.asRelativePath(dirname(path)),
    value: path,
  }));
  const title = vscode.l10n.t('Images That Depend on {0}', name);
  const hint = vscode.l10n.t('Changing {0} changes these images; select one to open it', name);
  const placeHolder = gaps.length === 0 ? hint : vscode.l10n.t('There may be more: {0}.', reasons);
  void choose(items, { title, placeHolder }).then((path) =>
    path === undefined ? undefined : show(vscode.Uri.file(path)),
  );
  return items.map(({ value }) => value);
}

const restrictedText = (name: string): string =>
  vscode.l10n.t(
    'Images that depend on {0} are unknown: Restricted Mode does not follow names in images.',
    name,
  );

async function showInChains(target: CommandTarget, images: OpenImages, chains: ChainView): Promise<boolean> {
  const uri = await imageOf(target, images);
  if (uri === undefined) return false;
  if (await chains.reveal(uri.fsPath)) return true;
  const name = basename(uri.fsPath);
  void tellInformation(vscode.l10n.t('{0} is not among the images of the workspace.', name));
  return false;
}
