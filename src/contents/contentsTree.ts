/** The tree "Contents": the disk of one image, its partitions and volumes, their folders and files, as far as it is opened. */
import * as vscode from 'vscode';
import { describe, describeInside } from '../text/vscode/describe';
import type { GuestProblem } from '../worker/contentsApi';
import { contentsItem, contentsTooltip } from './contentsItem';
import {
  type ContentsNode,
  type DiskNode,
  type FileNode,
  fileNodes,
  guestNode,
  type PartNode,
} from './contentsNode';
import type { GuestPlace } from './guestUri';
import type { ImageSessions } from './imageSessions';

export class ContentsTree implements vscode.TreeDataProvider<ContentsNode>, vscode.Disposable {
  readonly #changeEmitter = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changeEmitter.event;
  readonly #subscription: vscode.Disposable;
  readonly #sessions: ImageSessions;
  #image: string | undefined;

  constructor(sessions: ImageSessions) {
    this.#sessions = sessions;
    this.#subscription = sessions.onDidChange((image) => {
      if (image === this.#image) this.#changeEmitter.fire(undefined);
    });
  }

  /** URI of the image that is shown. */
  get image(): string | undefined {
    return this.#image;
  }

  show(image: string | undefined): void {
    if (image === this.#image) return;
    this.#image = image;
    this.#changeEmitter.fire(undefined);
  }

  async getChildren(node?: ContentsNode): Promise<ContentsNode[]> {
    switch (node?.kind) {
      case undefined:
        return this.#image === undefined ? [] : [await this.#disk(this.#image)];
      case 'disk':
        return this.#parts(node);
      case 'part':
      case 'file':
        return this.#files(node);
      case 'note':
        return [];
    }
  }

  getTreeItem(node: ContentsNode): vscode.TreeItem {
    return contentsItem(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: ContentsNode): vscode.TreeItem {
    item.tooltip = contentsTooltip(node);
    return item;
  }

  getParent(node: ContentsNode): ContentsNode | undefined {
    return node.parent;
  }

  /** The node of a file in the image that is shown; of the part where the path is `/`. Undefined where it is not there. */
  async nodeAt({ part, path }: Pick<GuestPlace, 'part' | 'path'>): Promise<ContentsNode | undefined> {
    const [disk] = await this.getChildren();
    const parts = disk === undefined ? [] : await this.getChildren(disk);
    let found: ContentsNode | undefined = parts.find((each) => each.kind === 'part' && each.part === part);
    for (const name of path.split('/').filter((each) => each !== '')) {
      if (found === undefined) return undefined;
      const children = await this.getChildren(found);
      found = children.find((each) => each.kind === 'file' && each.entry.name === name);
    }
    return found;
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#changeEmitter.dispose();
  }

  async #disk(image: string): Promise<DiskNode> {
    const parts = await this.#sessions.ask(image, (calls, operation) => calls.guestParts(operation));
    return parts.ok
      ? { kind: 'disk', image, parts: parts.value }
      : { kind: 'disk', image, problem: parts.problem };
  }

  #parts(disk: DiskNode): ContentsNode[] {
    const { image, parts, problem } = disk;
    if (parts === undefined) return problem === undefined ? [] : [note(disk, describe(problem))];
    return [
      ...parts.parts.map((facts): PartNode => ({
        kind: 'part',
        image,
        part: facts.path,
        facts,
        parent: disk,
      })),
      ...parts.problems.map((each) => note(disk, describeInside(each))),
    ];
  }

  async #files(parent: PartNode | FileNode): Promise<ContentsNode[]> {
    const folder = guestNode(parent);
    if (folder === undefined) return [];
    const { image, part, id } = folder;
    const listing = await this.#sessions.ask(image, (calls) => calls.guestFolder(part, id));
    if (!listing.ok) return [note(parent, describe(listing.problem))];
    const { entries, problem } = listing.value;
    return [...fileNodes(parent, entries), ...problemNote(parent, problem)];
  }
}

const problemNote = (parent: PartNode | FileNode, problem: GuestProblem | undefined): ContentsNode[] =>
  problem === undefined ? [] : [note(parent, describeInside(problem))];

const note = (parent: DiskNode | PartNode | FileNode, text: string): ContentsNode => ({
  kind: 'note',
  text,
  parent,
});
