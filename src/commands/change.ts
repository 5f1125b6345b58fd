/** Write Zeroes… and Discard…: the page's dialog for a person, the same change at once for a program. */
import * as vscode from 'vscode';
import type { ChainView } from '../chains/chainView';
import { type FindUsers, guardsOf } from '../editor/editability';
import type { ChangeKind, PageChange } from '../editor/messages';
import type { OpenImages } from '../editor/openImages';
import { stageChange } from '../editor/stage';
import type { ImageDocument, Selection } from '../editor/document';
import type { ChangeTally } from '../worker/api';
import { sizeText } from '../text/sizeText';
import { registerCommand, tellError } from '../words/tell';
import { parseLength, parseOffset } from './offset';
import { pageInSight } from './open';
import { type CommandTarget, imageOf } from './target';

/** What the two commands may be called with by a program. */
export interface ChangeArguments {
  readonly uri?: vscode.Uri;
  /** As a person would write them. With both, no dialog is shown. */
  readonly offset?: string;
  readonly length?: string;
  /** Default true. */
  readonly unmap?: boolean;
  readonly thorough?: boolean;
  /** Answers the guards' questions with yes. */
  readonly confirmed?: boolean;
}

export function registerChangeCommands(images: OpenImages, findUsers: FindUsers): vscode.Disposable {
  const command =
    (kind: ChangeKind) =>
    (given?: CommandTarget | ChangeArguments): Promise<ChangeTally | undefined> =>
      change(kind, given, images, findUsers);
  return vscode.Disposable.from(
    registerCommand('qcow2.writeZeroes', command('writeZeroes')),
    registerCommand('qcow2.discard', command('discard')),
  );
}

/** Who has a file as its backing file, from the index of the workspace and from the file's own folder. */
export function usersInWorkspace(chains: ChainView): FindUsers {
  return async (path) => {
    const { dependents, gaps } = await chains.usageOf(path);
    const users = dependents.filter(({ distance }) => distance === 1);
    return { paths: users.map(({ image }) => image.path), gaps };
  };
}

/** Answers with what was staged, where it was asked for by a program. */
async function change(
  kind: ChangeKind,
  given: CommandTarget | ChangeArguments,
  images: OpenImages,
  findUsers: FindUsers,
): Promise<ChangeTally | undefined> {
  const isForProgram = isArguments(given);
  const uri = await imageOf(isForProgram ? given.uri : given, images);
  if (uri === undefined) return undefined;
  const page = await pageInSight(uri, images);
  const state = await page?.document.whenRead();
  if (page === undefined || state === undefined) return undefined;
  if (!isForProgram || given.offset === undefined || given.length === undefined) {
    // Where it is shown already, the selection is what the person means.
    page.goTo({ change: { kind, range: page.document.selection } });
    return undefined;
  }
  const { clusterSize = 1, virtualSize = 0 } = state.summary ?? {};
  const range = rangeOf(given.offset, given.length, clusterSize, virtualSize);
  if (range === undefined) {
    void tellError(
      vscode.l10n.t(
        'Offset {0} and length {1} are no range of the disk, which ends at 0x{2} ({3}).',
        given.offset,
        given.length,
        virtualSize.toString(16),
        sizeText(virtualSize),
      ),
    );
    return undefined;
  }
  const { unmap = true, thorough = false, confirmed = false } = given;
  const wanted: PageChange = kind === 'discard' ? { kind, ...range } : { kind, ...range, unmap, thorough };
  return stageForProgram(page.document, wanted, confirmed, findUsers);
}

const isArguments = (given: CommandTarget | ChangeArguments): given is ChangeArguments =>
  given !== undefined && !(given instanceof vscode.Uri) && !('kind' in given);

function rangeOf(
  offset: string,
  length: string,
  clusterSize: number,
  diskSize: number,
): Selection | undefined {
  const start = parseOffset(offset, clusterSize, diskSize);
  if (!start.ok) return undefined;
  const bytes = parseLength(length, clusterSize);
  if (bytes === undefined || start.guestOffset + bytes > diskSize) return undefined;
  return { start: start.guestOffset, length: bytes };
}

async function stageForProgram(
  document: ImageDocument,
  wanted: PageChange,
  confirmsAll: boolean,
  findUsers: FindUsers,
): Promise<ChangeTally | undefined> {
  const { questions } = confirmsAll ? await guardsOf(document, findUsers) : { questions: [] };
  const ids = questions.map(({ id }) => id);
  const staged = await stageChange(document, wanted, ids, findUsers);
  if (staged.ok) return staged.value.tally;
  void tellError(staged.text);
  return undefined;
}
