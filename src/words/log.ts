/**
 * The log channel "QCOW2 Editor": what was opened, saved and recovered, and every internal fault with its stack. File
 * names and sizes may stand in it, content of a file or a disk never.
 */
import * as vscode from 'vscode';
import { printable } from '../text/printable';

let channel: vscode.LogOutputChannel | undefined;

/** Call once, before anything is logged; what is logged without a channel is dropped. */
export function openLog(): vscode.Disposable {
  const opened = vscode.window.createOutputChannel('QCOW2 Editor', { log: true });
  channel = opened;
  return new vscode.Disposable(() => {
    channel = undefined;
    opened.dispose();
  });
}

/** Brings the channel into sight. */
export function showLog(): void {
  channel?.show();
}

export const log = {
  info: (text: string): void => channel?.info(printable(text)),
  warn: (text: string): void => channel?.warn(printable(text)),
  /** @param doing what was being done; the error's stack follows it */
  fault: (doing: string, error: unknown): void => channel?.error(`${printable(doing)}\n${stackOf(error)}`),
};

/** A line a call, and those of its causes. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error));
  const cause = error.cause === undefined ? '' : `\nCaused by: ${stackOf(error.cause)}`;
  return (error.stack ?? `${error.name}: ${error.message}`).split('\n').map(printable).join('\n') + cause;
}
