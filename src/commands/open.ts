/** Commands that bring an image into sight: Open Image, Show Backing Chain, Go to Offset, Reload Image. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { discardAndRead } from '../editor/host/outsideChange';
import type { OpenImages } from '../editor/host/openImages';
import type { Page } from '../editor/host/page';
import { viewTypeFor } from '../editor/host/viewTypes';
import { sizeText } from '../text/sizeText';
import { describe } from '../text/vscode/describe';
import { targetIn, textIn } from './arguments';
import { askForText } from '../text/vscode/choose';
import { ask, registerCommand, tellError } from '../text/vscode/tell';
import { parsePlace, type Place } from '../text/byteCount';
import { type CommandTarget, chooseFile, imageOf, namedImage } from './target';

export function registerOpenCommands(images: OpenImages): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand('qcow2.openImage', (target?: unknown) => openImage(targetIn(target), images)),
    registerCommand('qcow2.showBackingChain', (target?: unknown) =>
      showBackingChain(targetIn(target), images),
    ),
    registerCommand('qcow2.goToOffset', (given?: unknown) => goToOffset(given, images)),
    registerCommand('qcow2.retry', (target?: unknown) => readAgain(targetIn(target), images)),
  );
}

/** Without an argument it always asks: the active editor's image is open already. */
async function openImage(target: CommandTarget, images: OpenImages): Promise<vscode.Uri | undefined> {
  const uri = target === undefined ? await chooseFile() : namedImage(target, images);
  if (uri !== undefined) await show(uri);
  return uri;
}

/** Opens the image, or brings its editor to the front. */
export async function show(uri: vscode.Uri, column = vscode.ViewColumn.Active): Promise<void> {
  await vscode.commands.executeCommand('vscode.openWith', uri, viewTypeFor(uri), column);
}

/** The page on an image, in sight; undefined where VS Code could not open it. */
export async function pageInSight(uri: vscode.Uri, images: OpenImages): Promise<Page | undefined> {
  const page = images.pageOf(uri);
  if (page === undefined) await show(uri);
  else if (!page.panel.visible) page.panel.reveal();
  return page ?? images.pageOf(uri);
}

async function showBackingChain(target: CommandTarget, images: OpenImages): Promise<void> {
  const uri = await imageOf(target, images);
  if (uri === undefined) return;
  (await pageInSight(uri, images))?.goTo({ tab: 'chain' });
}

/**
 * Answers with the guest offset that it went to.
 * @param given a target; a field `offset` has the place as a user would write it
 */
async function goToOffset(given: unknown, images: OpenImages): Promise<number | undefined> {
  const image = await imageOf(targetIn(given), images);
  const offset = textIn(given, 'offset');
  if (image === undefined) return undefined;
  const page = await pageInSight(image, images);
  const state = await page?.document.whenRead();
  if (page === undefined || state === undefined) return undefined;
  const disk = state.summary ?? state.raw;
  if (disk === undefined) {
    const text = state.problem === undefined ? vscode.l10n.t('No image is open') : describe(state.problem);
    void tellError(text);
    return undefined;
  }
  const { clusterSize, virtualSize } = disk;
  const text = offset ?? (await askForOffset(clusterSize, virtualSize));
  if (text === undefined) return undefined;
  const parsed = parsePlace(text, clusterSize, virtualSize);
  if (!parsed.ok) {
    void tellError(offsetProblem(parsed.reason, virtualSize));
    return undefined;
  }
  page.goTo({ guestOffset: parsed.offset });
  return parsed.offset;
}

function askForOffset(clusterSize: number, virtualSize: number): Thenable<string | undefined> {
  return askForText({
    title: vscode.l10n.t('Go to Offset'),
    prompt: vscode.l10n.t('Guest offset (0x1f0000, 64 KiB, 1.5G) or cluster number (#12)'),
    placeHolder: '0x0',
    validate: (text) => {
      const parsed = parsePlace(text, clusterSize, virtualSize);
      return parsed.ok || parsed.reason === 'empty' ? undefined : offsetProblem(parsed.reason, virtualSize);
    },
  });
}

function offsetProblem(reason: (Place & { ok: false })['reason'], virtualSize: number): string {
  return reason !== 'beyondEnd'
    ? vscode.l10n.t('Not a valid offset. Enter 0x1f0000, 64 KiB, 1.5G, or #12 for a cluster number')
    : vscode.l10n.t(
        'Beyond the end of the disk at 0x{0} ({1})',
        virtualSize.toString(16),
        sizeText(virtualSize),
      );
}

async function readAgain(target: CommandTarget, images: OpenImages): Promise<void> {
  const uri = namedImage(target, images);
  const document = uri === undefined ? undefined : images.find(uri);
  if (uri === undefined || document === undefined) return;
  if (!document.hasUnsaved || document.awaitsRevival) await document.readAgain();
  else if (await confirmDiscard(uri)) await discardAndRead(uri, document);
}

async function confirmDiscard(uri: vscode.Uri): Promise<boolean> {
  const discard = vscode.l10n.t('Discard Edits');
  const question = vscode.l10n.t('Discard the staged edits of {0} and reload it?', basename(uri.path));
  const detail = [vscode.l10n.t('They cannot be restored.')];
  return (await ask(question, { detail, buttons: [discard] })) === discard;
}
