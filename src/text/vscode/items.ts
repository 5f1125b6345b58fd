/** What stands in VS Code's own views: tree items, tooltips, problems, the status bar; through `plain` (tell.ts). */
import * as vscode from 'vscode';
import { plain, plainMarkdown } from '../plain';

export interface TreeEntry extends Omit<
  vscode.TreeItem,
  'label' | 'description' | 'tooltip' | 'accessibilityInformation' | 'checkboxState'
> {
  readonly label: string;
  readonly description: string;
  readonly collapsibleState: vscode.TreeItemCollapsibleState;
}

/** A tree item that is read out as it is shown. */
export function treeItem({ label, description, collapsibleState, ...rest }: TreeEntry): vscode.TreeItem {
  const item = new vscode.TreeItem(plain(label), collapsibleState);
  const words = { description: plain(description) };
  const accessibilityInformation = { label: `${plain(label)}, ${words.description}` };
  return Object.assign(item, rest, words, { accessibilityInformation });
}

/** A tooltip of two columns. */
export function tooltipTable(rows: readonly (readonly [string, string])[]): vscode.MarkdownString {
  const lines = rows.map(([name, value]) => `| ${plainMarkdown(name)} | ${plainMarkdown(value)} |\n`);
  return new vscode.MarkdownString(`| | |\n|---|---|\n${lines.join('')}`);
}

/** What a view says beside its title. */
export function nameInView(view: vscode.TreeView<unknown>, text: string): void {
  view.description = plain(text);
}

/** What a view says above its tree: VS Code makes links of `[text](command:…)` there, too. */
export function sayInView(view: vscode.TreeView<unknown>, lines: readonly string[]): void {
  view.message = lines.map(plain).join('\n');
}

/** What VS Code says of the changes to a terminal's environment. */
export function describeEnvironment(
  variables: vscode.EnvironmentVariableCollection,
  description: string,
): void {
  variables.description = plain(description);
}

/** Where a click on a problem's code leads. */
export interface DiagnosticLink {
  readonly title: string;
  readonly target: vscode.Uri;
}

/** A problem of a file that has no lines. */
export function diagnostic(
  text: string,
  severity: vscode.DiagnosticSeverity,
  link?: DiagnosticLink,
): vscode.Diagnostic {
  const found = new vscode.Diagnostic(new vscode.Range(0, 0, 0, 0), plain(text), severity);
  found.source = 'qcow2';
  if (link !== undefined) found.code = { value: plain(link.title), target: link.target };
  return found;
}

/** An entry of the status bar. */
export class StatusEntry implements vscode.Disposable {
  readonly #item: vscode.StatusBarItem;

  /** @param name in the menu that hides it */
  constructor(id: string, name: string, command: string) {
    this.#item = vscode.window.createStatusBarItem(id, vscode.StatusBarAlignment.Right, 100);
    this.#item.name = name;
    this.#item.command = command;
  }

  /** @param tooltip lines, which are read out as well */
  show(
    parts: readonly { readonly icon?: string; readonly text: string }[],
    tooltip: readonly string[],
  ): void {
    const shown = parts.map(({ icon, text }) =>
      icon === undefined ? plain(text) : `$(${icon}) ${plain(text)}`,
    );
    this.#item.text = shown.join(' · ');
    this.#item.tooltip = tooltip.map(plain).join('\n');
    this.#item.accessibilityInformation = { label: this.#item.tooltip };
    this.#item.show();
  }

  hide(): void {
    this.#item.hide();
  }

  dispose(): void {
    this.#item.dispose();
  }
}
