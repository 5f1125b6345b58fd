/** The view that shows the tree: its filter, its direction, and the message above the tree. */
import * as vscode from 'vscode';
import { ChainTree, type HealthSource } from './chainTree';
import type { ChainNode } from './chainModel';
import { type Usage, UsageSearch } from './usage';
import { sayInView } from '../text/vscode/items';
import { log } from '../text/log';
import { showViewProgress } from '../text/vscode/tell';
import { WorkspaceIndex } from './workspaceIndex';

const VIEW = 'qcow2.chains';
/** How many times the view is asked to reveal an image. */
const REVEALS = 3;

export class ChainView implements vscode.Disposable {
  readonly index: WorkspaceIndex;
  readonly tree: ChainTree;
  readonly #usage: UsageSearch;
  readonly #view: vscode.TreeView<ChainNode>;
  readonly #indexSubscription: vscode.Disposable;

  /** Costs nothing until the view is shown or the index is started. */
  constructor(workerScript: string, health: HealthSource) {
    this.index = new WorkspaceIndex(workerScript);
    this.tree = new ChainTree(this.index, health);
    this.#usage = new UsageSearch(workerScript, this.index, () => this.tree.currentModel());
    this.#view = vscode.window.createTreeView(VIEW, { treeDataProvider: this.tree, showCollapseAll: true });
    this.#indexSubscription = this.index.onDidChange(() => {
      this.#say();
    });
  }

  get filter(): string {
    return this.tree.filter;
  }

  setFilter(text: string): void {
    this.tree.filter = text.trim();
    void vscode.commands.executeCommand('setContext', 'qcow2.chains.isFiltered', this.filter !== '');
    this.#say();
  }

  /** From the base to its overlays, or from the top to its base. */
  setFromBase(fromBase: boolean): void {
    this.tree.fromBase = fromBase;
    void vscode.commands.executeCommand('setContext', 'qcow2.chains.fromBase', fromBase);
  }

  /** The node that a command acts on: its argument, or the selection. */
  chosen(node: ChainNode | undefined): ChainNode | undefined {
    return node ?? this.#view.selection[0];
  }

  /** Everything that depends on a file, directly or through others, in the workspace and around the file. */
  usageOf(path: string): Promise<Usage> {
    return this.#usage.of(path);
  }

  /** Selects an image in the view, clearing a filter that hides it. @returns false if the view does not have it */
  async reveal(path: string): Promise<boolean> {
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    await this.index.start();
    // VS Code rejects if the tree changes while it searches for the node.
    for (let attempt = 0; attempt < REVEALS; attempt++) {
      await this.index.whenSettled();
      const node = this.tree.nodeOf(path);
      if (node === undefined) return false;
      if (!this.tree.shows(node)) this.setFilter('');
      try {
        await this.#view.reveal(node, { select: true, focus: true, expand: true });
        return true;
      } catch (error) {
        log.warn(`The tree does not show ${path}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return false;
  }

  async refresh(): Promise<void> {
    await showViewProgress(VIEW, () => this.index.refresh());
  }

  dispose(): void {
    this.#indexSubscription.dispose();
    this.#view.dispose();
    this.tree.dispose();
    this.#usage.dispose();
    this.index.dispose();
  }

  #say(): void {
    const lines = [
      ...(this.filter === '' ? [] : [vscode.l10n.t('Filter: {0}', this.filter)]),
      ...(this.index.hasMore
        ? [vscode.l10n.t('There are more images than `qcow2.index.maxFiles` allows; some are not shown.')]
        : []),
    ];
    sayInView(this.#view, lines);
  }
}
