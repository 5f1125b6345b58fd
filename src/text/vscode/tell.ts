/**
 * The one way to tell the user something: notifications, questions, progress, and commands whose failure VS Code would
 * show. All text goes through `plain` here, so callers pass names from files as they are. Lists to choose from are in
 * choose.ts, trees, tooltips, problems and the status bar in items.ts; the linter forbids VS Code's own calls elsewhere.
 */
import * as vscode from 'vscode';
import type { Problem, ProgressReport } from '../../worker/api';
import { log } from '../log';
import { showLog } from './logChannel';
import { plain, plainParagraphs } from '../plain';

/** A way on, offered as a button. */
export type Button = string;

/** Answers with the button that was pressed; undefined where the message was closed. */
export function tellInformation(text: string, ...buttons: Button[]): Thenable<Button | undefined> {
  return pressed(vscode.window.showInformationMessage(plain(text), ...buttons.map(plainButton)));
}

/** As `tellInformation`. */
export function tellWarning(text: string, ...buttons: Button[]): Thenable<Button | undefined> {
  return pressed(vscode.window.showWarningMessage(plain(text), ...buttons.map(plainButton)));
}

/** As `tellInformation`. */
export function tellError(text: string, ...buttons: Button[]): Thenable<Button | undefined> {
  return pressed(vscode.window.showErrorMessage(plain(text), ...buttons.map(plainButton)));
}

/** Tells of a problem as an error, with the way to the log where it is a fault of this program. */
export function tellProblem(text: string, problem: Problem): void {
  if (isInternalFault(problem)) tellFault(text);
  else void tellError(text);
}

/** Tells of a fault of this program; the log has the rest. */
export function tellFault(text: string): void {
  const show = vscode.l10n.t('Show Log');
  void tellError(text, show).then((answer) => {
    if (answer === show) showLog();
  });
}

/** Whether a problem is a fault of this program, and neither the image's nor the system's. */
export const isInternalFault = ({ code }: Problem): boolean =>
  code === 'engine.fault' || code === 'thread.ended';

export interface Question {
  /** Paragraphs below the question. */
  readonly detail?: readonly string[];
  /** The answers; the first one is the default. */
  readonly buttons: readonly [Button, ...Button[]];
  /** The one of them that stands for closing the dialog; without one there is a Cancel button. */
  readonly closing?: Button;
}

/** Asks in a modal dialog. Answers with the button that was pressed; undefined where it was cancelled. */
export function ask(
  question: string,
  { detail = [], buttons, closing }: Question,
): Thenable<Button | undefined> {
  const options = { modal: true, detail: plainParagraphs(detail) };
  const items = buttons.map((button) => ({ ...plainButton(button), isCloseAffordance: button === closing }));
  return pressed(vscode.window.showWarningMessage(plain(question), options, ...items));
}

/** How far something is, in numbers, and in a line if there is one. */
export type ShownProgress = (...progress: [...Parameters<ProgressReport>, text?: string]) => void;

/**
 * Milliseconds that something may take before its progress is shown. VS Code keeps notifications back where several come
 * within 800 ms, and that of what ends at once would be in the way of the one that says what was done.
 */
const UNTOLD = 300;

/** Shows a notification with a bar and a Cancel button as long as `run` runs, where that is more than a moment. */
export async function showProgress<T>(
  title: string,
  run: (report: ShownProgress, token: vscode.CancellationToken) => Thenable<T>,
): Promise<T> {
  const source = new vscode.CancellationTokenSource();
  let latest: Parameters<ShownProgress> | undefined;
  let show: ShownProgress = (...progress) => {
    latest = progress;
  };
  const running = Promise.resolve(
    run((...progress) => {
      show(...progress);
    }, source.token),
  );
  const moment = new Promise<false>((resolve) => {
    setTimeout(() => {
      resolve(false);
    }, UNTOLD);
  });
  try {
    const hasEnded = await Promise.race([running.then(() => true), moment]);
    if (hasEnded) return await running;
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: plain(title),
      cancellable: true,
    };
    return await vscode.window.withProgress(options, (progress, token) => {
      token.onCancellationRequested(() => {
        source.cancel();
      });
      show = shownIn(progress);
      if (latest !== undefined) show(...latest);
      return running;
    });
  } finally {
    source.dispose();
  }
}

function shownIn(progress: vscode.Progress<{ message?: string; increment?: number }>): ShownProgress {
  let shown = 0;
  return (done, total, text) => {
    const percent = total === 0 ? 0 : Math.min(100, (done / total) * 100);
    const increment = Math.max(0, percent - shown);
    if (increment === 0 && text === undefined) return;
    progress.report({ increment, ...(text === undefined ? {} : { message: plain(text) }) });
    shown += increment;
  };
}

/** Shows the bar of a view as long as `run` runs. */
export function showViewProgress<T>(viewId: string, run: () => Thenable<T>): Thenable<T> {
  return vscode.window.withProgress({ location: { viewId } }, run);
}

/** A line in the status bar. @param milliseconds how long it stays */
export function tellInStatusBar(text: string, milliseconds: number): void {
  vscode.window.setStatusBarMessage(plain(text), milliseconds);
}

/**
 * Registers a command. VS Code would show the message of an error that it throws as it is: what escapes here is a fault
 * of this program, told and logged as one, and ends in a CancellationError, of which VS Code says nothing.
 */
export function registerCommand(id: string, run: (...args: never[]) => unknown): vscode.Disposable {
  return vscode.commands.registerCommand(id, (...args: never[]) =>
    guarded(id, () => Promise.resolve(run(...args))),
  );
}

/**
 * Runs what VS Code has asked for. What escapes is told and logged as a fault of this program. @param doing for the log
 * @throws CancellationError alone
 */
export async function guarded<T>(doing: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toldFault(doing, error);
  }
}

/**
 * Tells why VS Code does not get what it asked for; answers with what to throw. VS Code would show the message of an
 * error as it is, behind the raw name of the file; of a CancellationError it says nothing.
 * @param problem where there is one: a cancellation is not told
 */
export function told(text: string, problem?: Problem): vscode.CancellationError {
  if (problem === undefined) void tellError(text);
  else if (problem.kind !== 'cancelled') tellProblem(text, problem);
  return new vscode.CancellationError();
}

/** Logs and tells a fault of this program; answers with what to throw to VS Code in its place. */
function toldFault(doing: string, error: unknown): vscode.CancellationError {
  if (error instanceof vscode.CancellationError) return error;
  log.fault(doing, error);
  const message = error instanceof Error ? error.message : String(error);
  tellFault(vscode.l10n.t('Internal error: {value}', { value: message }));
  return new vscode.CancellationError();
}

interface PlainButton extends vscode.MessageItem {
  readonly button: Button;
}

const plainButton = (button: Button): PlainButton => ({ title: plain(button), button });

const pressed = (answer: Thenable<PlainButton | undefined>): Thenable<Button | undefined> =>
  answer.then((item) => item?.button);
