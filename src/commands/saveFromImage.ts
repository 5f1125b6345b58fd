/** Save As… of files and folders inside an image: asks where, and copies them out, each whole or not at all. */
import { basename, extname, join } from 'node:path';
import * as vscode from 'vscode';
import { type GuestNode, guestNode } from '../contents/contentsNode';
import type { ContentsView } from '../contents/contentsView';
import { guestPlace, nameOf, placeText } from '../contents/guestUri';
import type { ImageSessions } from '../contents/imageSessions';
import type { OpenImages } from '../editor/host/openImages';
import { sizeText } from '../text/sizeText';
import { describe, describeInside } from '../text/vscode/describe';
import {
  registerCommand,
  type ShownProgress,
  showProgress,
  tellError,
  tellInformation,
  tellProblem,
  tellWarning,
} from '../text/vscode/tell';
import type { Result } from '../worker/api';
import { type CopyReport, type GuestCopy, HostNames } from '../worker/contentsApi';
import { guestNodesIn } from './arguments';
import { belongsToEditor, withEngine } from './engineOf';
import { folderOf } from './target';

export const SAVE_FROM_IMAGE = 'qcow2.contents.saveAs';

export interface SaveContext {
  readonly view: ContentsView;
  readonly sessions: ImageSessions;
  readonly images: OpenImages;
  /** Path of the bundled worker. */
  readonly workerScript: string;
}

/** Something to be copied, and where to. */
interface Saving {
  readonly node: GuestNode;
  /** Absolute path on the host. */
  readonly destination: string;
}

export function registerSaveFromImage(context: SaveContext): vscode.Disposable {
  return registerCommand(SAVE_FROM_IMAGE, async (given?: unknown, selected?: unknown) => {
    const nodes = await nodesToSave(given, selected, context);
    const savings = nodes.length === 0 ? undefined : await askWhere(nodes);
    return savings === undefined ? undefined : save(savings, context);
  });
}

/** What the command was called on, is selected in the view, or is open in front. */
async function nodesToSave(
  given: unknown,
  selected: unknown,
  { view, sessions }: SaveContext,
): Promise<readonly GuestNode[]> {
  const named = guestNodesIn(given, selected);
  if (named.length > 0) return named;
  const uri = vscode.window.activeTextEditor?.document.uri;
  const place = uri && guestPlace(uri);
  if (place !== undefined) {
    const found = await sessions.ask(place.image, (calls) => calls.guestFileAt(place.part, place.path));
    if (found.ok) return [{ ...place, id: found.value.id }];
  }
  const nodes = view.selection.flatMap((node) => guestNode(node) ?? []);
  if (nodes.length === 0) {
    await vscode.commands.executeCommand('qcow2.contents.focus');
    void tellInformation(vscode.l10n.t('Select files or folders in the view Contents first.'));
  }
  return nodes;
}

/** Undefined where the user has given it up, or the place is none that can be written, which the user has been told. */
async function askWhere(nodes: readonly GuestNode[]): Promise<readonly Saving[] | undefined> {
  const [first, ...others] = nodes;
  if (first === undefined) return undefined;
  const start = folderOf(vscode.Uri.parse(first.image));
  const names = new HostNames(process.platform);
  const given = nodes.map((node) => names.give(nameToSave(node)));
  const title = vscode.l10n.t('Save from Image');
  if (others.length === 0) {
    const uri = await vscode.window.showSaveDialog({
      title,
      defaultUri: vscode.Uri.joinPath(start, given[0] ?? ''),
    });
    return uri && isLocal(uri) ? [{ node: first, destination: uri.fsPath }] : undefined;
  }
  const [folder] =
    (await vscode.window.showOpenDialog({
      title,
      openLabel: vscode.l10n.t('Save Here'),
      defaultUri: start,
      canSelectFiles: false,
      canSelectFolders: true,
    })) ?? [];
  if (folder === undefined || !isLocal(folder)) return undefined;
  return nodes.map((node, index) => ({ node, destination: join(folder.fsPath, given[index] ?? '') }));
}

function isLocal({ scheme }: vscode.Uri): boolean {
  if (scheme === 'file') return true;
  void tellError(vscode.l10n.t('Files can be saved only to a local disk.'));
  return false;
}

/** A whole file system is called by its image and part. */
function nameToSave({ image, part, path }: GuestNode): string {
  if (path !== '/') return nameOf(path);
  const file = basename(vscode.Uri.parse(image).path);
  return [basename(file, extname(file)), ...(part === '' ? [] : [part])].join('-');
}

/** Answers with what was saved, as far as it was; the user has been told. */
export async function save(savings: readonly Saving[], context: SaveContext): Promise<readonly CopyReport[]> {
  const done: [Saving, CopyReport][] = [];
  const [first] = savings;
  const title =
    savings.length === 1 && first !== undefined
      ? vscode.l10n.t('Saving {0}', placeText(first.node))
      : vscode.l10n.t('Saving {0} files and folders', savings.length);
  await showProgress(title, async (report, token) => {
    for (const [index, saving] of savings.entries()) {
      if (token.isCancellationRequested) return;
      const saved = await copy(saving, context, shareOf(report, index, savings.length), token);
      if (saved.ok) done.push([saving, saved.value]);
      else if (saved.problem.kind !== 'cancelled')
        tellProblem(
          vscode.l10n.t('Could not save {0}: {1}', placeText(saving.node), describe(saved.problem)),
          saved.problem,
        );
    }
  });
  // Not waited for: the message stays until the user has seen it.
  if (done.length > 0) void tellSaved(done);
  return done.map(([, report]) => report);
}

/** Progress of one of several, in bytes; the line says how fast it is. */
function shareOf(report: ShownProgress, index: number, count: number): (done: number, total: number) => void {
  const began = performance.now();
  return (done, total) => {
    const rate = (done * 1000) / Math.max(1, performance.now() - began);
    const text = vscode.l10n.t(
      '{0} of {1}, {2} a second',
      sizeText(done),
      sizeText(total),
      sizeText(Math.round(rate)),
    );
    report(index + (total === 0 ? 0 : done / total), count, text);
  };
}

/** In a thread of its own, since a large file keeps it busy, unless only the editor's knows the disk. */
async function copy(
  { node, destination }: Saving,
  { sessions, images, workerScript }: SaveContext,
  report: (done: number, total: number) => void,
  token: vscode.CancellationToken,
): Promise<Result<CopyReport>> {
  const { image, part, path } = node;
  // A link is saved as what it leads to.
  const found = await sessions.ask(image, (calls) => calls.guestFileAt(part, path));
  const file = found.ok ? found.value.id : node.id;
  const request: GuestCopy = { part, file, destination };
  const uri = vscode.Uri.parse(image);
  if (belongsToEditor(images.find(uri)))
    return sessions.ask(image, (calls, operation) => calls.copyGuestFile(request, operation), {
      report,
      cancel: (stop) => token.onCancellationRequested(stop),
    });
  const events = {
    operationProgress: (_: number, done: number, total: number): void => {
      report(done, total);
    },
  };
  return withEngine(workerScript, uri, ({ calls }) => calls.copyGuestFile(request, 1), events, token);
}

async function tellSaved(saved: readonly (readonly [Saving, CopyReport])[]): Promise<void> {
  const [first] = saved;
  if (first === undefined) return;
  const [{ destination }] = first;
  const reports = saved.map(([, report]) => report);
  const text = vscode.l10n.t('Saved {0}: {1}', basename(destination), savedText(reports));
  const problems = reports.flatMap((report) => report.problems);
  const uri = vscode.Uri.file(destination);
  const show = vscode.l10n.t('Show Problems');
  const reveal = vscode.l10n.t('Reveal in Explorer View');
  const isInExplorer = vscode.workspace.getWorkspaceFolder(uri) !== undefined;
  const tell = problems.length > 0 ? tellWarning : tellInformation;
  const buttons = [...(problems.length > 0 ? [show] : []), ...(isInExplorer ? [reveal] : [])];
  const answer = await tell(text, ...buttons);
  if (answer === reveal) await vscode.commands.executeCommand('revealInExplorer', uri);
  if (answer !== show) return;
  const lines = problems.map(({ path, problem }) => `${path}: ${describeInside(problem)}`);
  await vscode.window.showTextDocument(
    await vscode.workspace.openTextDocument({ content: `${lines.join('\n')}\n` }),
  );
}

/** What was saved, left out and changed; what there was nothing of is left out. */
function savedText(reports: readonly CopyReport[]): string {
  const sum = (of: (report: CopyReport) => number): number =>
    reports.reduce((all, report) => all + of(report), 0);
  const counted = (count: number, text: (count: number) => string): string[] =>
    count === 0 ? [] : [text(count)];
  return [
    vscode.l10n.t(
      'files: {0} ({1})',
      sum(({ files }) => files),
      sizeText(sum(({ bytes }) => bytes)),
    ),
    ...counted(
      sum(({ folders }) => folders),
      (count) => vscode.l10n.t('folders: {0}', count),
    ),
    ...counted(
      sum(({ links }) => links),
      (count) => vscode.l10n.t('links: {0}', count),
    ),
    ...counted(
      sum(({ notes }) => notes),
      (count) => vscode.l10n.t('links saved as notes: {0}', count),
    ),
    ...counted(
      sum(({ renamed }) => renamed),
      (count) => vscode.l10n.t('names changed: {0}', count),
    ),
    ...counted(
      sum(({ skipped }) => skipped),
      (count) => vscode.l10n.t('devices and the like left out: {0}', count),
    ),
    ...counted(
      sum(({ problems }) => problems.length),
      (count) => vscode.l10n.t('problems: {0}', count),
    ),
  ].join(', ');
}
