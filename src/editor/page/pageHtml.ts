/** The page's frame: policy, styles' nonce, translations, and the one script. The script draws its content. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { PageStrings } from './messages';

/** Where the page may load from: the bundles. */
export function pageResources(extension: vscode.Uri): vscode.Uri[] {
  return [vscode.Uri.joinPath(extension, 'dist')];
}

export function pageHtml(webview: vscode.Webview, extension: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64url');
  const script = webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'webview.js')).toString();
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource}`,
  ].join('; ');
  // `defer`: the toolkit reads its colours when the window has loaded, and must be there by then.
  return `<!DOCTYPE html>
<html lang="${escapeHtml(vscode.env.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<title>QCOW2 Editor</title>
<script type="application/json" id="l10n" nonce="${nonce}">${inScript(pageStrings())}</script>
<script defer nonce="${nonce}" src="${escapeHtml(script)}"></script>
</head>
<body></body>
</html>`;
}

/** The translations of VS Code's bundle for this extension; it has the host's sentences too, which do no harm. */
function pageStrings(): PageStrings {
  return vscode.l10n.bundle ?? {};
}

/** JSON that cannot end the element it stands in. */
function inScript(value: PageStrings): string {
  return JSON.stringify(value).replace(/</g, '\\u003c');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
