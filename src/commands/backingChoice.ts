/** The question for another backing file: images that are known already, any other file, or none at all. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { backingCandidates } from '../chains/backingCandidates';
import type { ChainView } from '../chains/chainView';
import type { Page } from '../editor/host/page';
import type { ChangeRequest } from '../worker/api';
import type { IndexedImage } from '../worker/indexApi';
import { choose, SEPARATOR } from '../text/vscode/choose';
import { sizeText } from '../text/sizeText';
import { describe } from '../text/vscode/describe';
import { backingNames } from './backingName';

export type Rebase = ChangeRequest & { readonly kind: 'rebase' };

/** What was chosen, and the size of its disk in bytes where there is one. */
export interface BackingChoice {
  readonly request: Rebase;
  readonly size?: number;
}

/** Why a file cannot be chosen, in the display language. */
export interface Unusable {
  readonly text: string;
}

/**
 * Asks for a file, and how to name it.
 * @param asksForFile the file dialog at once, without the list of what is known
 * @returns undefined where the user has cancelled
 */
export async function askForBacking(
  page: Page,
  chains: ChainView,
  asksForFile: boolean,
): Promise<BackingChoice | Unusable | undefined> {
  const image = page.uri.fsPath;
  const before = page.document.state?.summary?.backingName;
  const known = asksForFile ? [] : await knownImages(page, chains);
  let path: string | undefined;
  if (asksForFile || (known.length === 0 && before === undefined)) {
    path = await askForFile(image);
  } else {
    const chosen = await askForKnown(known, before);
    if (chosen === 'remove') return { request: { kind: 'rebase' } };
    path = chosen === 'choose' ? await askForFile(image) : chosen?.path;
  }
  if (path === undefined) return undefined;
  const found = await chains.index.look(path);
  if (found.format === 'unknown' || (found.format === 'qcow2' && found.problem !== undefined)) {
    return found.problem === undefined ? undefined : { text: describe(found.problem) };
  }
  const name = await askForName(image, path);
  if (name === undefined) return undefined;
  return {
    request: { kind: 'rebase', backing: { name, format: found.format } },
    size: found.summary?.virtualSize ?? found.fileSize,
  };
}

/** Images of the workspace, and around this one, that may be its backing file. */
async function knownImages(page: Page, chains: ChainView): Promise<readonly IndexedImage[]> {
  const image = page.uri.fsPath;
  const current = page.document.state?.chain?.layers.find(({ depth }) => depth === 1)?.path;
  const [{ model }, own, below] = await Promise.all([
    chains.usageOf(image),
    chains.index.look(image),
    current === undefined ? undefined : chains.index.look(current),
  ]);
  return backingCandidates(model, own, below);
}

function askForKnown(
  known: readonly IndexedImage[],
  before: string | undefined,
): Promise<IndexedImage | 'choose' | 'remove' | undefined> {
  const images = known.map((image) => ({
    label: basename(image.path),
    description: `${image.format} · ${sizeText(image.summary?.virtualSize ?? image.fileSize)}`,
    detail: vscode.workspace.asRelativePath(dirname(image.path)),
    icon: 'layers',
    value: image,
  }));
  const others = [
    { label: vscode.l10n.t('Choose File…'), icon: 'folder-opened', value: 'choose' } as const,
    ...(before === undefined
      ? []
      : [{ label: vscode.l10n.t('Remove Backing File'), icon: 'close', value: 'remove' } as const]),
  ];
  return choose<IndexedImage | 'choose' | 'remove'>(
    images.length === 0 ? others : [...images, SEPARATOR, ...others],
    {
      title: vscode.l10n.t('Change Backing File'),
      placeHolder:
        before === undefined
          ? vscode.l10n.t('The image has no backing file now')
          : vscode.l10n.t('The image now names {0}', before),
      // A page that asks by one of its buttons may take the focus again a moment later.
      ignoreFocusOut: true,
    },
  );
}

async function askForFile(image: string): Promise<string | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: vscode.l10n.t('Choose Backing File'),
    openLabel: vscode.l10n.t('Choose'),
    defaultUri: vscode.Uri.file(dirname(image)),
  });
  return chosen?.[0]?.fsPath;
}

async function askForName(image: string, backing: string): Promise<string | undefined> {
  const [from, to] = await Promise.all([inRealFolder(image), inRealFolder(backing)]);
  const { relative, belongTogether } = backingNames(from, to);
  if (relative === undefined) return backing;
  const choices = [
    { label: relative, description: vscode.l10n.t('relative: both can be moved together'), value: relative },
    {
      label: backing,
      description: vscode.l10n.t('absolute: the image can be moved on its own'),
      value: backing,
    },
  ];
  return choose(belongTogether ? choices : choices.reverse(), {
    title: vscode.l10n.t('Name in the Image'),
    placeHolder: vscode.l10n.t('How the image refers to the file'),
    // The dialog before it gives the focus back late, and would close it.
    ignoreFocusOut: true,
  });
}

async function inRealFolder(path: string): Promise<string> {
  try {
    return join(await realpath(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
