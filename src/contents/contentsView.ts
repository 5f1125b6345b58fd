/** The view that shows the tree "Contents": of the image in front, or of the one whose file is in front. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { OpenImages } from '../editor/host/openImages';
import { log } from '../text/log';
import { nameInView } from '../text/vscode/items';
import type { ContentsNode } from './contentsNode';
import { ContentsTree } from './contentsTree';
import { guestPlace, type GuestPlace } from './guestUri';
import type { ImageSessions } from './imageSessions';

const VIEW = 'qcow2.contents';
/** How many times the view is asked to reveal a file. */
const REVEALS = 3;

export class ContentsView implements vscode.Disposable {
  readonly tree: ContentsTree;
  readonly #images: OpenImages;
  readonly #sessions: ImageSessions;
  readonly #view: vscode.TreeView<ContentsNode>;
  readonly #subscriptions: readonly vscode.Disposable[];
  #following: vscode.Disposable | undefined;
  #last: string | undefined;

  /** Asks for nothing until the view is shown. */
  constructor(images: OpenImages, sessions: ImageSessions) {
    this.#images = images;
    this.#sessions = sessions;
    this.tree = new ContentsTree(sessions);
    this.#view = vscode.window.createTreeView(VIEW, {
      treeDataProvider: this.tree,
      showCollapseAll: true,
      canSelectMany: true,
    });
    const update = (): void => {
      this.#update();
    };
    this.#subscriptions = [
      images.onDidChangeActive(update),
      images.onDidChangeDocuments(update),
      vscode.window.tabGroups.onDidChangeTabs(update),
      vscode.window.tabGroups.onDidChangeTabGroups(update),
      this.#view.onDidChangeVisibility(update),
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        sessions.readAgain();
      }),
    ];
    this.#update();
  }

  /** URI of the image that the view is about, shown or not. */
  get image(): string | undefined {
    return this.#last;
  }

  get selection(): readonly ContentsNode[] {
    return this.#view.selection;
  }

  /**
   * Selects a file, or a part by the path `/`.
   * @param expand whether a folder is opened
   * @returns false where the image that is shown does not have it
   */
  async reveal(place: GuestPlace, { expand = false } = {}): Promise<boolean> {
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    this.#show(place.image, true);
    // VS Code rejects if the tree changes while it searches for the node.
    for (let attempt = 0; attempt < REVEALS; attempt++) {
      const node = await this.tree.nodeAt(place);
      if (node === undefined) return false;
      try {
        await this.#view.reveal(node, { select: true, focus: true, expand });
        return true;
      } catch (error) {
        log.warn(`The tree does not show a file: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return false;
  }

  dispose(): void {
    this.#following?.dispose();
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#view.dispose();
    this.tree.dispose();
  }

  #update(): void {
    // Nothing is read for a view that is not seen.
    this.#show(this.#inFront(), this.#view.visible);
  }

  /** @param isSeen whether the tree is to be drawn now */
  #show(image: string | undefined, isSeen: boolean): void {
    if (image !== this.#last) {
      this.#last = image;
      void vscode.commands.executeCommand('setContext', 'qcow2.contents.hasImage', image !== undefined);
      nameInView(this.#view, image === undefined ? '' : basename(vscode.Uri.parse(image).path));
    }
    if (!isSeen || this.tree.image === image) return;
    this.#following?.dispose();
    this.#following = image === undefined ? undefined : this.#sessions.follow(image);
    this.tree.show(image);
  }

  /** While another editor has the focus, the image that had it last, as long as it is open. */
  #inFront(): string | undefined {
    const active = this.#images.active?.uri;
    if (active !== undefined) return active.toString();
    const tabs = vscode.window.tabGroups;
    const front = placeOf(tabs.activeTabGroup.activeTab);
    if (front !== undefined) return front.image;
    const open = new Set([
      ...this.#images.entries().map(([uri]) => uri.toString()),
      ...tabs.all.flatMap((group) => group.tabs.flatMap((tab) => placeOf(tab)?.image ?? [])),
    ]);
    if (this.#last !== undefined && open.has(this.#last)) return this.#last;
    return this.#images.recent()[0]?.toString() ?? [...open][0];
  }
}

/** The file inside an image that a tab shows. */
function placeOf(tab: vscode.Tab | undefined): GuestPlace | undefined {
  const { input } = tab ?? {};
  const isOfFile =
    input instanceof vscode.TabInputText ||
    input instanceof vscode.TabInputCustom ||
    input instanceof vscode.TabInputNotebook;
  return isOfFile ? guestPlace(input.uri) : undefined;
}
