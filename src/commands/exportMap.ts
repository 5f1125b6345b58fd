/** Export Map: asks for the form and the place, streams the map there, and opens it if it is small. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ImageDocument } from '../editor/model/document';
import type { Cancel } from '../editor/model/operations';
import type { OpenImages } from '../editor/host/openImages';
import { replaceGuards, type ReplaceContext } from '../editor/guards/replaceGuards';
import type { ExportedExtents, MapForm, MapRequest, Problem, Result } from '../worker/api';
import { sizeText } from '../text/sizeText';
import { describeWithFile } from '../text/vscode/describe';
import { targetIn, textIn } from './arguments';
import { type Choice, choose } from '../text/vscode/choose';
import { registerCommand, showProgress, tellError, tellInformation, tellProblem } from '../text/vscode/tell';
import { belongsToEditor, withEngine } from './engineOf';
import { folderOf, imageOf } from './target';

export interface ExportedMap {
  readonly destination: vscode.Uri;
  readonly form: MapForm;
  readonly extents: number;
  readonly bytes: number;
}

export interface ExportContext extends ReplaceContext {
  readonly images: OpenImages;
  /** Path of the bundled worker. */
  readonly workerScript: string;
}

const EXTENSIONS: Readonly<Record<MapForm, string>> = { json: 'json', csv: 'csv', text: 'txt' };

export function registerExportMap(context: ExportContext): vscode.Disposable {
  return registerCommand('qcow2.exportMap', async (given?: unknown) => {
    const uri = await imageOf(targetIn(given), context.images);
    if (uri === undefined) return undefined;
    const form = formIn(given) ?? (await askForForm());
    const destination = form === undefined ? undefined : await askForDestination(uri, form);
    if (form === undefined || destination === undefined) return undefined;
    return exportMap(uri, form, destination, context);
  });
}

/** The form that a field `form` gives. */
function formIn(given: unknown): MapForm | undefined {
  const form = textIn(given, 'form');
  return form === 'json' || form === 'csv' || form === 'text' ? form : undefined;
}

/** Answers with what was written; undefined when it was given up or failed, which the user has been told. */
export async function exportMap(
  uri: vscode.Uri,
  form: MapForm,
  destination: vscode.Uri,
  context: ExportContext,
): Promise<ExportedMap | undefined> {
  const refusal = await refusalOf(destination, context);
  if (refusal !== undefined) {
    void tellError(refusal);
    return undefined;
  }
  const request = { form, destination: destination.fsPath };
  const written = await exportWithProgress(uri, request, context.images.find(uri), context.workerScript);
  if (!written.ok) {
    tellFailure(uri, written.problem);
    return undefined;
  }
  const exported = { destination, form, ...written.value };
  // Not waited for: the message stays until the user has seen it.
  void tellSuccess(exported);
  return exported;
}

/** Why a map cannot be written there. It is no image: what others stand on, or have edits of, is not to become one. */
async function refusalOf(destination: vscode.Uri, context: ReplaceContext): Promise<string | undefined> {
  if (destination.scheme !== 'file') {
    return vscode.l10n.t('Maps can be exported only to a local disk.');
  }
  const { refusals, questions } = await replaceGuards(destination, context);
  return refusals[0] ?? questions[0]?.text;
}

function askForForm(): Promise<MapForm | undefined> {
  const forms: Choice<MapForm>[] = [
    { value: 'json', label: 'JSON', detail: vscode.l10n.t('As `qemu-img map --output=json` prints it') },
    { value: 'csv', label: 'CSV', detail: vscode.l10n.t('One row per extent, for spreadsheets') },
    {
      value: 'text',
      label: vscode.l10n.t('Text'),
      detail: vscode.l10n.t('As `qemu-img map` prints it: data only'),
    },
  ];
  const title = vscode.l10n.t('Export Map');
  return choose(forms, { title, placeHolder: vscode.l10n.t('Map format') });
}

function askForDestination(image: vscode.Uri, form: MapForm): Thenable<vscode.Uri | undefined> {
  const extension = EXTENSIONS[form];
  const name = `${basename(image.path)}.map.${extension}`;
  return vscode.window.showSaveDialog({
    title: vscode.l10n.t('Export Map'),
    defaultUri: vscode.Uri.joinPath(folderOf(image), name),
    filters: { [form.toUpperCase()]: [extension], [vscode.l10n.t('All files')]: ['*'] },
  });
}

/**
 * The map of what the editor shows. In a thread of its own, since a map of millions of extents keeps it busy, and the
 * editor's must stay free to answer, unless only that one knows the disk.
 */
function exportWithProgress(
  uri: vscode.Uri,
  request: MapRequest,
  document: ImageDocument | undefined,
  workerScript: string,
): Thenable<Result<ExportedExtents>> {
  const title = vscode.l10n.t('Exporting the map of {0}', basename(uri.path));
  return showProgress(title, (report, token) => {
    if (belongsToEditor(document)) {
      const cancel: Cancel = (stop) => token.onCancellationRequested(stop);
      return document.run((engine, operation) => engine.exportMap(request, operation), { report, cancel });
    }
    return withEngine(
      workerScript,
      uri,
      (engine) => engine.calls.exportMap(request, 1),
      {
        operationProgress: (_operation, done, total) => {
          report(done, total);
        },
      },
      token,
    );
  });
}

function tellFailure(image: vscode.Uri, problem: Problem): void {
  if (problem.kind === 'cancelled') return;
  const text = describeWithFile(problem, image.fsPath);
  tellProblem(vscode.l10n.t('Could not export the map of {0}: {1}', basename(image.path), text), problem);
}

async function tellSuccess({ destination, extents, bytes }: ExportedMap): Promise<void> {
  const opensUpTo =
    vscode.workspace.getConfiguration('qcow2', destination).get('exportMap.openUpTo', 5) * 1024 * 1024;
  if (bytes <= opensUpTo) {
    await vscode.window.showTextDocument(destination, { preview: true });
    return;
  }
  const isInExplorer = vscode.workspace.getWorkspaceFolder(destination) !== undefined;
  const reveal = vscode.l10n.t('Reveal in Explorer View');
  const name = basename(destination.path);
  const text = vscode.l10n.t('Exported {0} extents to {1} ({2}).', extents, name, sizeText(bytes));
  if ((await tellInformation(text, ...(isInExplorer ? [reveal] : []))) === reveal) {
    await vscode.commands.executeCommand('revealInExplorer', destination);
  }
}
