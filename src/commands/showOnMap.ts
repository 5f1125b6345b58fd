/** Show on Map: marks the places of a file of the guest, or of all files in a folder, on the map of its image. */
import * as vscode from 'vscode';
import type { OpenImages } from '../editor/host/openImages';
import { describe } from '../text/vscode/describe';
import { registerCommand, tellError } from '../text/vscode/tell';
import { offsetIn, textIn } from './arguments';
import { pageInSight } from './open';

/** Answers with the number of pieces that were marked. */
export function registerShowOnMap(images: OpenImages): vscode.Disposable {
  const places = Symbol('places of a file');
  return registerCommand('qcow2.contents.showOnMap', async (given?: unknown) => {
    const [image, part, path] = ['image', 'part', 'path'].map((field) => textIn(given, field));
    const file = offsetIn(given, 'id');
    if (image === undefined || part === undefined || path === undefined || file === undefined)
      return undefined;
    const page = await pageInSight(vscode.Uri.parse(image), images);
    if (page === undefined) return undefined;
    const found = await page.document.run(
      (engine, operation) => engine.guestFilePlaces(part, file, operation),
      { key: places, stopsOlder: true },
    );
    if (!found.ok) {
      if (found.problem.kind !== 'cancelled') void tellError(describe(found.problem));
      return undefined;
    }
    page.goTo({ file: { path, places: found.value } });
    return found.value.count;
  });
}
