/** The tree view "Backing Chains": the images of the workspace as chains, from the top or from the base. */
import * as vscode from 'vscode';
import { TimeSlices } from './timeSlices';
import { chainItem, chainTooltip } from './chainItem';
import type { Health } from '../text/vscode/health';
import { ChainModel, type ChainNode } from './chainModel';
import type { WorkspaceIndex } from './workspaceIndex';

/** With more chains than this they start collapsed: VS Code asks for the layers of each expanded one at once. */
const UNFOLDED_CHAINS = 200;

/** What checks have found in this window, by the image's path. */
export interface HealthSource {
  readonly onDidChange: vscode.Event<string>;
  of(path: string): Health;
}

export class ChainTree implements vscode.TreeDataProvider<ChainNode>, vscode.Disposable {
  readonly #changeEmitter = new vscode.EventEmitter<ChainNode[] | undefined>();
  readonly #subscriptions: readonly vscode.Disposable[];
  /** The health shown for each image, except those never checked. */
  readonly #shownHealth = new Map<string, Health['kind']>();
  #model: ChainModel | undefined;
  #roots: ChainNode[] = [];
  /** The nodes that VS Code has of each image, by path. */
  readonly #shownNodes = new Map<string, Set<ChainNode>>();
  readonly #timeSlices = new TimeSlices();
  #text = '';
  /** Requests for the roots that the index has not answered yet. */
  #waiting = 0;
  #isTurnedRound = false;
  readonly onDidChangeTreeData = this.#changeEmitter.event;

  readonly #index: WorkspaceIndex;
  readonly #health: HealthSource;

  constructor(index: WorkspaceIndex, health: HealthSource) {
    this.#index = index;
    this.#health = health;
    this.#subscriptions = [
      index.onDidChange(() => {
        this.#model = undefined;
        // Pending requests get the current state. VS Code would drop half of an answer if it were told of a change meanwhile.
        if (this.#waiting === 0) this.#drawAgain();
      }),
      health.onDidChange((path) => {
        this.#healthChanged(path);
      }),
    ];
  }

  /** Text that a path of the chain must contain; empty shows all chains. */
  get filter(): string {
    return this.#text;
  }

  set filter(text: string) {
    this.#text = text;
    this.#drawAgain();
  }

  /** True: from the base to its overlays. False: from the top to the base. */
  get fromBase(): boolean {
    return this.#isTurnedRound;
  }

  set fromBase(isTurnedRound: boolean) {
    this.#isTurnedRound = isTurnedRound;
    this.#drawAgain();
  }

  /** Starts the index when the tree is first shown. */
  async getChildren(node?: ChainNode): Promise<ChainNode[]> {
    if (node !== undefined) return this.#layersNextTo(node);
    this.#waiting++;
    await this.#index.firstLook();
    this.#waiting--;
    await this.#timeSlices.turn();
    const model = this.currentModel();
    await this.#timeSlices.turn();
    const roots = this.#isTurnedRound ? model.bases() : model.tops();
    this.#roots = this.#text === '' ? roots : await this.#matching(model, roots);
    return this.#roots;
  }

  async getTreeItem(node: ChainNode): Promise<vscode.TreeItem> {
    await this.#timeSlices.turn();
    if (node.kind === 'image') {
      const { path } = node.image;
      this.#shownNodes.set(path, (this.#shownNodes.get(path) ?? new Set()).add(node));
    }
    return this.itemOf(node);
  }

  /** The item of a node as of now. */
  itemOf(node: ChainNode): vscode.TreeItem {
    return chainItem(node, this.#foldingOf(node), {
      isWhole: this.currentModel().isWhole(node),
      isNew: node.kind === 'image' && this.#index.isNew(node.image.path),
      health: this.#healthOf(node),
    });
  }

  /** The node of a file in the view that is shown now. */
  nodeOf(path: string): ChainNode | undefined {
    return this.currentModel().find(path, this.#isTurnedRound);
  }

  /** Whether the filter admits the chain of a node. */
  shows(node: ChainNode): boolean {
    let root = node;
    while (root.parent !== undefined) root = root.parent;
    return this.#text === '' || this.currentModel().matches(root, this.#text, (at) => this.#layersNextTo(at));
  }

  resolveTreeItem(item: vscode.TreeItem, node: ChainNode): vscode.TreeItem {
    const overlays = node.kind === 'image' ? this.currentModel().overlaysOf(node.image.path) : [];
    item.tooltip = chainTooltip(node, this.#healthOf(node), overlays);
    return item;
  }

  getParent(node: ChainNode): ChainNode | undefined {
    return node.parent;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changeEmitter.dispose();
  }

  /** Redraws the whole tree. */
  #drawAgain(): void {
    this.#shownNodes.clear();
    this.#changeEmitter.fire(undefined);
  }

  /** Redraws only the nodes of this image, since others may be clicked meanwhile. The progress of a check is not shown here. */
  #healthChanged(path: string): void {
    const { kind } = this.#health.of(path);
    if (this.#shownHealth.get(path) === kind && kind === 'checking') return;
    this.#shownHealth.set(path, kind);
    const nodes = this.#shownNodes.get(path);
    if (nodes !== undefined) this.#changeEmitter.fire([...nodes]);
  }

  #healthOf(node: ChainNode): Health {
    return node.kind === 'image' ? this.#health.of(node.image.path) : { kind: 'unchecked' };
  }

  async #matching(model: ChainModel, roots: readonly ChainNode[]): Promise<ChainNode[]> {
    const text = this.#text;
    const isTurnedRound = this.#isTurnedRound;
    const next = (at: ChainNode): ChainNode[] => (isTurnedRound ? model.above(at) : model.below(at));
    const found: ChainNode[] = [];
    for (const root of roots) {
      await this.#timeSlices.turn();
      if (model.matches(root, text, next)) found.push(root);
    }
    return found;
  }

  /** The chains of the workspace as of now. */
  currentModel(): ChainModel {
    this.#model ??= new ChainModel(this.#index.files);
    return this.#model;
  }

  #layersNextTo(node: ChainNode): ChainNode[] {
    const model = this.currentModel();
    return this.#isTurnedRound ? model.above(node) : model.below(node);
  }

  #foldingOf(node: ChainNode): vscode.TreeItemCollapsibleState {
    if (this.#layersNextTo(node).length === 0) return vscode.TreeItemCollapsibleState.None;
    return this.#roots.length <= UNFOLDED_CHAINS
      ? vscode.TreeItemCollapsibleState.Expanded
      : vscode.TreeItemCollapsibleState.Collapsed;
  }
}
