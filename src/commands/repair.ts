/** Repair…: shows the page's dialog, which tells what a repair would do before it stages anything. */
import type * as vscode from 'vscode';
import type { OpenImages } from '../editor/host/openImages';
import { targetIn } from './arguments';
import { registerCommand } from '../text/vscode/tell';
import { pageInSight } from './open';
import { imageOf } from './target';

export function registerRepair(images: OpenImages): vscode.Disposable {
  return registerCommand('qcow2.repair', async (given?: unknown) => {
    const uri = await imageOf(targetIn(given), images);
    const page = uri === undefined ? undefined : await pageInSight(uri, images);
    await page?.document.whenRead();
    page?.goTo({ repair: true });
  });
}
