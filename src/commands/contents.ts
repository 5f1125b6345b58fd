/** Commands of the view "Contents": open a file, copy its path, find files, show the largest ones. */
import * as vscode from 'vscode';
import { type GuestNode, guestNode } from '../contents/contentsNode';
import { partName } from '../contents/contentsItem';
import type { ContentsView } from '../contents/contentsView';
import { LARGEST_OPENED, openGuestFile, tooLargeText } from '../contents/guestFiles';
import { nameOf, placeText } from '../contents/guestUri';
import type { ContentsRequest, ImageSessions } from '../contents/imageSessions';
import type { Control } from '../editor/model/operations';
import { sizeText } from '../text/sizeText';
import { describe, describeInside } from '../text/vscode/describe';
import { choose, chooseFound } from '../text/vscode/choose';
import { registerCommand, showProgress, tellError, tellInformation, tellProblem } from '../text/vscode/tell';
import type { Result } from '../worker/api';
import type { FileType, LargeFile, LargestReport } from '../worker/contentsApi';
import { guestNodesIn } from './arguments';
import { SAVE_FROM_IMAGE } from './saveFromImage';

/** Files that a search shows. */
const MOST_FOUND = 2000;
/** How many times something is begun again whose disk has changed meanwhile. */
const ATTEMPTS = 3;

export interface ContentsContext {
  readonly view: ContentsView;
  readonly sessions: ImageSessions;
}

export function registerContents(context: ContentsContext): vscode.Disposable {
  const { view } = context;
  const chosen = (given: unknown, selected?: unknown): GuestNode[] => {
    const nodes = guestNodesIn(given, selected);
    return nodes.length > 0 ? nodes : view.selection.flatMap((node) => guestNode(node) ?? []);
  };
  return vscode.Disposable.from(
    registerCommand('qcow2.contents.open', (given?: unknown) =>
      open(chosen(given)[0], context, vscode.ViewColumn.Active),
    ),
    registerCommand('qcow2.contents.openToSide', (given?: unknown) =>
      open(chosen(given)[0], context, vscode.ViewColumn.Beside),
    ),
    registerCommand('qcow2.contents.copyPath', async (given?: unknown, selected?: unknown) => {
      const nodes = chosen(given, selected);
      if (nodes.length > 0) await vscode.env.clipboard.writeText(nodes.map(placeText).join('\n'));
    }),
    registerCommand('qcow2.contents.find', () => find(context)),
    registerCommand('qcow2.contents.largest', (given?: unknown) =>
      showLargest(guestNodesIn(given)[0], context),
    ),
  );
}

async function open(
  node: GuestNode | undefined,
  { view, sessions }: ContentsContext,
  viewColumn: vscode.ViewColumn,
): Promise<void> {
  if (node === undefined) return;
  const { image, part, path } = node;
  const name = nameOf(path);
  // A link is opened as what it leads to: a folder, in the tree.
  const found = await sessions.ask(image, (calls) => calls.guestFileAt(part, path));
  if (!found.ok) {
    tellProblem(cannotOpen(name, describe(found.problem)), found.problem);
    return;
  }
  const { type, size, problem, realPath } = found.value;
  if (type === 'folder') {
    if (await view.reveal({ image, part, path: realPath }, { expand: true })) return;
    void tellInformation(vscode.l10n.t('{0} is a folder, or a link to one.', placeText(node)));
  } else if (problem !== undefined) void tellError(cannotOpen(name, describeInside(problem)));
  else if (size > LARGEST_OPENED) offerToSave(node, cannotOpen(name, tooLargeText(size)));
  else await openGuestFile(node, { viewColumn, preview: true });
}

const cannotOpen = (name: string, why: string): string => vscode.l10n.t('Cannot open {0}: {1}', name, why);

function offerToSave(node: GuestNode, text: string): void {
  const save = vscode.l10n.t('Save As…');
  // Not waited for: the message stays until the user has seen it.
  void tellError(text, save).then((answer) => {
    if (answer === save) void vscode.commands.executeCommand(SAVE_FROM_IMAGE, node);
  });
}

/** Asks again where the disk has changed meanwhile, unless the user has given it up. */
async function askStill<T>(
  sessions: ImageSessions,
  image: string,
  request: ContentsRequest<T>,
  token: vscode.CancellationToken,
  control: Control,
): Promise<Result<T>> {
  const cancel: Control['cancel'] = (stop) => token.onCancellationRequested(stop);
  for (let attempt = 1; ; attempt++) {
    const answer = await sessions.ask(image, request, { ...control, cancel });
    const isChanged = !answer.ok && answer.problem.kind === 'cancelled' && !token.isCancellationRequested;
    if (!isChanged || attempt === ATTEMPTS) return answer;
  }
}

async function find({ view, sessions }: ContentsContext): Promise<void> {
  const { image } = view;
  if (image === undefined) return;
  const chosen = await chooseFound<GuestNode>({
    title: vscode.l10n.t('Find File in Image'),
    placeHolder: vscode.l10n.t('A part of the name; with a slash in it, a part of the path'),
    button: {
      icon: 'go-to-file',
      tooltip: vscode.l10n.t('Open'),
      run: (node) => void vscode.commands.executeCommand('qcow2.contents.open', node),
    },
    find: async (text, found, token) => {
      const request = { text, most: MOST_FOUND };
      const answer = await askStill(
        sessions,
        image,
        (calls, operation) => calls.findGuestFiles(request, operation),
        token,
        {
          found: (files) => {
            found(
              files.map(({ part, path, id, type }) => ({
                label: nameOf(path),
                description: placeText({ part, path: folderOf(path) }),
                icon: iconOf(type),
                value: { image, part, path, id },
              })),
            );
          },
        },
      );
      if (!answer.ok) return describe(answer.problem);
      const { found: count, isCut, unread } = answer.value;
      if (isCut) return vscode.l10n.t('Only the first {0} are shown: type more of the name.', count);
      if (unread > 0) return vscode.l10n.t('Folders that cannot be read: {0}', unread);
      return count === 0 ? vscode.l10n.t('No file or folder has that in its name.') : undefined;
    },
  });
  if (chosen !== undefined) await view.reveal(chosen);
}

async function showLargest(node: GuestNode | undefined, { view, sessions }: ContentsContext): Promise<void> {
  const image = node?.image ?? view.image;
  const part = image === undefined ? undefined : (node?.part ?? (await choosePart(image, sessions)));
  if (image === undefined || part === undefined) return;
  const title = vscode.l10n.t('Looking for the largest files and folders');
  const answer = await showProgress(title, (report, token) =>
    askStill(sessions, image, (calls, operation) => calls.largestGuestFiles(part, operation), token, {
      report,
    }),
  );
  if (!answer.ok) {
    if (answer.problem.kind !== 'cancelled') tellProblem(describe(answer.problem), answer.problem);
    return;
  }
  const chosen = await chooseLargest(answer.value);
  if (chosen !== undefined) await view.reveal({ image, part, path: chosen.path });
}

function chooseLargest({ folders, files, total, unread }: LargestReport): Promise<LargeFile | undefined> {
  const choice = (icon: string) => (file: LargeFile) => ({
    label: nameOf(file.path),
    description: `${sizeText(file.allocated)} · ${folderOf(file.path)}`,
    icon,
    value: file,
  });
  const sum = vscode.l10n.t('{0} in all', sizeText(total));
  const missed = unread === 0 ? [] : [vscode.l10n.t('not read: {0}', unread)];
  return choose(
    [
      { heading: vscode.l10n.t('Folders, with all below them') },
      ...folders.map(choice('folder')),
      { heading: vscode.l10n.t('Files') },
      ...files.map(choice('file')),
    ],
    {
      title: vscode.l10n.t('Largest Files and Folders'),
      placeHolder: [sum, ...missed].join(' · '),
    },
  );
}

/** The only part that has files, or the one that the user chooses. */
async function choosePart(image: string, sessions: ImageSessions): Promise<string | undefined> {
  const answer = await sessions.ask(image, (calls, operation) => calls.guestParts(operation));
  if (!answer.ok) {
    tellProblem(describe(answer.problem), answer.problem);
    return undefined;
  }
  const parts = answer.value.parts.filter(({ system }) => system !== undefined);
  const [only, ...others] = parts;
  if (only === undefined) {
    void tellInformation(vscode.l10n.t('The disk has no file system that can be looked into.'));
    return undefined;
  }
  if (others.length === 0) return only.path;
  return choose(
    parts.map((part) => ({
      label: partName(part),
      description: `${part.system?.kind ?? ''} · ${sizeText(part.size)}`,
      value: part.path,
    })),
    { title: vscode.l10n.t('Choose File System') },
  );
}

const folderOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

const iconOf = (type: FileType): string =>
  type === 'folder' ? 'folder' : type === 'link' ? 'file-symlink-file' : 'file';
