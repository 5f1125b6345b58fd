/** Write Zeroes… and Discard…: shows the page's dialog, which tells what a change would do before it stages anything. */
import * as vscode from 'vscode';
import type { ChainView } from '../chains/chainView';
import type { Selection } from '../editor/model/document';
import type { FindOverlays } from '../editor/guards/guards';
import type { ChangeKind } from '../editor/page/messages';
import type { OpenImages } from '../editor/host/openImages';
import { sizeText } from '../text/sizeText';
import { targetIn, textIn } from './arguments';
import { registerCommand, tellError } from '../text/vscode/tell';
import { parseBytes, parsePlace } from '../text/byteCount';
import { pageInSight } from './open';
import { imageOf } from './target';

export function registerChangeCommands(images: OpenImages): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand('qcow2.writeZeroes', (given?: unknown) => change('writeZeroes', given, images)),
    registerCommand('qcow2.discard', (given?: unknown) => change('discard', given, images)),
  );
}

/** Who has a file as its backing file, from the index of the workspace and from the file's own folder. */
export function overlaysInWorkspace(chains: ChainView): FindOverlays {
  return async (path) => {
    const { dependents, gaps } = await chains.usageOf(path);
    const overlays = dependents.filter(({ distance }) => distance === 1);
    return { paths: overlays.map(({ image }) => image.path), gaps };
  };
}

/** @param given a target; fields `offset` and `length`, as a user would write them, fill in the dialog */
async function change(kind: ChangeKind, given: unknown, images: OpenImages): Promise<void> {
  const uri = await imageOf(targetIn(given), images);
  if (uri === undefined) return;
  const page = await pageInSight(uri, images);
  const state = await page?.document.whenRead();
  if (page === undefined || state === undefined) return;
  const offset = textIn(given, 'offset');
  const length = textIn(given, 'length');
  if (offset === undefined || length === undefined) {
    // Where it is shown already, the selection is meant.
    page.goTo({ change: { kind, range: page.document.selection } });
    return;
  }
  const { clusterSize = 1, virtualSize = 0 } = state.summary ?? {};
  const range = rangeOf(offset, length, clusterSize, virtualSize);
  if (range === undefined) {
    void tellError(
      vscode.l10n.t(
        'Offset {0}, length {1}: outside the disk, which ends at 0x{2} ({3}).',
        offset,
        length,
        virtualSize.toString(16),
        sizeText(virtualSize),
      ),
    );
    return;
  }
  page.goTo({ change: { kind, range } });
}

function rangeOf(
  offset: string,
  length: string,
  clusterSize: number,
  diskSize: number,
): Selection | undefined {
  const start = parsePlace(offset, clusterSize, diskSize);
  if (!start.ok) return undefined;
  const bytes = parseBytes(length, clusterSize);
  if (bytes === undefined || start.offset + bytes > diskSize) return undefined;
  return { start: start.offset, length: bytes };
}
