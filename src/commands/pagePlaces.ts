/** Repair…, Shrink… and Show Space: show a dialog or a tab of the page. The dialogs tell what they would do first. */
import * as vscode from 'vscode';
import type { OpenImages } from '../editor/host/openImages';
import type { Navigation } from '../editor/host/page';
import { targetIn } from './arguments';
import { registerCommand } from '../text/vscode/tell';
import { pageInSight } from './open';
import { imageOf } from './target';

const PLACES: Readonly<Record<string, Navigation>> = {
  'qcow2.repair': { repair: true },
  'qcow2.shrink': { shrink: true },
  'qcow2.showSpace': { tab: 'space' },
};

export function registerPagePlaces(images: OpenImages): vscode.Disposable {
  const commands = Object.entries(PLACES).map(([id, navigation]) =>
    registerCommand(id, async (given?: unknown) => {
      const uri = await imageOf(targetIn(given), images);
      const page = uri === undefined ? undefined : await pageInSight(uri, images);
      await page?.document.whenRead();
      page?.goTo(navigation);
    }),
  );
  return vscode.Disposable.from(...commands);
}
