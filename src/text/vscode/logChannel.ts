/** The log channel "QCOW2 Editor" in VS Code's output panel. */
import * as vscode from 'vscode';
import { log, logTo } from '../log';

let channel: vscode.LogOutputChannel | undefined;

/** Call once, before anything is logged. Its first line says which versions these are. */
export function openLog({ extension }: vscode.ExtensionContext): vscode.Disposable {
  const opened = vscode.window.createOutputChannel('QCOW2 Editor', { log: true });
  channel = opened;
  const end = logTo(opened);
  const { version } = extension.packageJSON as { readonly version: string };
  const { remoteName = 'none' } = vscode.env;
  log.info(
    `QCOW2 Editor ${version}, VS Code ${vscode.version}, Node ${process.versions.node}, ` +
      `${process.platform} ${process.arch}, remote: ${remoteName}`,
  );
  return new vscode.Disposable(() => {
    end();
    channel = undefined;
    opened.dispose();
  });
}

/** Brings the channel into sight. */
export function showLog(): void {
  channel?.show();
}
