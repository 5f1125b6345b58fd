/** Check: the full check of an image, in the editor where it shows the image, else with a notification. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { WorkspaceIndex } from '../chains/workspaceIndex';
import type { Checks } from '../editor/health/checks';
import type { ImageDocument } from '../editor/model/document';
import type { OpenImages } from '../editor/host/openImages';
import type { FindingPlace } from '../editor/health/problems';
import { sourceName } from '../editor/model/source';
import { imageSource } from '../editor/host/imageSource';
import type { CheckReport } from '../worker/api';
import { isImageName } from '../qcow2/imageName';
import { healthDetail, type Health, verdictOf } from '../text/vscode/health';
import { fieldIn, offsetIn, targetIn, textIn } from './arguments';
import {
  registerCommand,
  showProgress,
  tellInformation,
  tellProblem,
  tellWarning,
} from '../text/vscode/tell';
import { withEngine } from './engineOf';
import { pageInSight } from './open';
import { imageOf, namedImage } from './target';

export function registerCheck(
  images: OpenImages,
  checks: Checks,
  index: WorkspaceIndex,
  workerScript: string,
): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand('qcow2.check', async (target?: unknown, selected?: unknown) => {
      const uri = await imageOf(targetIn(target), images);
      if (uri === undefined) return undefined;
      const report = await check(uri, images, checks, workerScript);
      for (const other of othersOf(uri, selected, index)) await check(other, images, checks, workerScript);
      return report;
    }),
    registerCommand('qcow2.showFinding', async (given?: unknown) => {
      const place = placeIn(given);
      if (place !== undefined) await showPlace(place, images);
    }),
    registerCommand('qcow2.cancelCheck', (target?: unknown) => {
      const uri = namedImage(targetIn(target), images);
      if (uri !== undefined) checks.cancel(sourceName(imageSource(uri)));
    }),
  );
}

/** Where a link in the Problems panel leads; undefined for what is no such place. */
function placeIn(given: unknown): FindingPlace | undefined {
  const uri = textIn(given, 'uri');
  if (uri === undefined || !isUri(uri)) return undefined;
  const guest = offsetIn(given, 'guest');
  if (guest !== undefined) return { uri, guest };
  const host = offsetIn(given, 'host');
  if (host !== undefined) return { uri, host };
  return fieldIn(given, 'isAboutChain') === true ? { uri, isAboutChain: true } : { uri };
}

function isUri(text: string): boolean {
  try {
    vscode.Uri.parse(text, true);
    return true;
  } catch {
    return false;
  }
}

async function showPlace(
  { uri, guest, host, isAboutChain }: FindingPlace,
  images: OpenImages,
): Promise<void> {
  const page = await pageInSight(vscode.Uri.parse(uri), images);
  if (guest !== undefined) page?.goTo({ guestOffset: guest });
  else if (host !== undefined) page?.goTo({ hostOffset: host });
  else if (isAboutChain === true) page?.goTo({ tab: 'chain' });
}

/** The Explorer passes on what else is selected in it. */
function othersOf(uri: vscode.Uri, selected: unknown, index: WorkspaceIndex): readonly vscode.Uri[] {
  if (!Array.isArray(selected)) return [];
  return selected.filter(
    (other: unknown): other is vscode.Uri =>
      other instanceof vscode.Uri &&
      (isImageName(other.path) || index.isImage(other.fsPath)) &&
      other.toString() !== uri.toString(),
  );
}

/** Answers with what was found; undefined when the check was given up or failed, which the user has been told. */
async function check(
  uri: vscode.Uri,
  images: OpenImages,
  checks: Checks,
  workerScript: string,
): Promise<CheckReport | undefined> {
  const document = images.find(uri);
  const isInSight = images.pageOf(uri)?.panel.visible === true;
  const run = (): Promise<Health> =>
    document === undefined ? checkFile(uri, checks, workerScript) : checkDocument(document, checks);
  const health = isInSight ? await run() : await withNotification(uri, checks, run);
  // Not waited for: the message stays until the user has seen it.
  if (!isInSight) void tell(uri, health);
  return health.kind === 'checked' ? health.report : undefined;
}

/** In the document's own thread, on what it shows. */
function checkDocument(document: ImageDocument, checks: Checks): Promise<Health> {
  const stopper = new Stopper();
  return checks.run(
    document.source,
    (report) =>
      document.run((engine, operation) => engine.check(operation), { report, cancel: stopper.take }),
    stopper.stop,
  );
}

/** In a thread of its own. */
function checkFile(uri: vscode.Uri, checks: Checks, workerScript: string): Promise<Health> {
  const source = new vscode.CancellationTokenSource();
  return checks.run(
    imageSource(uri),
    (report) =>
      withEngine(
        workerScript,
        uri,
        (engine) => engine.calls.check(1),
        {
          operationProgress: (_operation, done, total) => {
            report(done, total);
          },
        },
        source.token,
      ),
    () => {
      source.cancel();
    },
  );
}

/** Stops what says only later how it is stopped. */
class Stopper {
  #how: (() => void) | undefined;
  #isStopped = false;

  readonly take = (how: () => void): void => {
    this.#how = how;
    if (this.#isStopped) how();
  };

  readonly stop = (): void => {
    this.#isStopped = true;
    this.#how?.();
  };
}

function withNotification(uri: vscode.Uri, checks: Checks, run: () => Promise<Health>): Thenable<Health> {
  const name = sourceName(imageSource(uri));
  const title = vscode.l10n.t('Checking {0}', basename(uri.path));
  return showProgress(title, async (report, token) => {
    const subscriptions = [
      token.onCancellationRequested(() => {
        checks.cancel(name);
      }),
      checks.onDidChange(() => {
        const health = checks.of(name);
        if (health.kind === 'checking') report(health.done, health.total);
      }),
    ];
    try {
      return await run();
    } finally {
      for (const subscription of subscriptions) subscription.dispose();
    }
  });
}

async function tell(uri: vscode.Uri, health: Health): Promise<void> {
  const text = vscode.l10n.t('{0}: {1}', basename(uri.path), healthDetail(health));
  switch (health.kind) {
    case 'unchecked':
    case 'checking':
      return;
    case 'unsettled':
      void tellWarning(text);
      return;
    case 'failed':
      tellProblem(text, health.problem);
      return;
    case 'checked': {
      if (verdictOf(health.report) === 'clean' && health.chain.length === 0) {
        void tellInformation(text);
        return;
      }
      const show = vscode.l10n.t('Show Problems');
      if ((await tellWarning(text, show)) === show) {
        await vscode.commands.executeCommand('workbench.actions.view.problems');
      }
    }
  }
}
