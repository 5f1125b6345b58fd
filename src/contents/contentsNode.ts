/** What the tree "Contents" shows. */
import type { Problem } from '../worker/api';
import type { FileId, GuestEntry, GuestPart, GuestParts } from '../worker/contentsApi';
import type { GuestPlace } from './guestUri';

export type ContentsNode = DiskNode | PartNode | FileNode | NoteNode;

/** A node that files can be saved from, shown on the map and so on. */
export interface GuestNode extends GuestPlace {
  readonly id: FileId;
}

export interface DiskNode {
  readonly kind: 'disk';
  /** URI of the image. */
  readonly image: string;
  /** Absent where the disk cannot be looked into; `problem` says why. */
  readonly parts?: GuestParts;
  readonly problem?: Problem;
  readonly parent?: undefined;
}

export interface PartNode {
  readonly kind: 'part';
  readonly image: string;
  readonly part: string;
  readonly facts: GuestPart;
  readonly parent: DiskNode;
}

/** A file, a folder, or what else has a name there. */
export interface FileNode extends GuestNode {
  readonly kind: 'file';
  readonly entry: GuestEntry;
  readonly parent: PartNode | FileNode;
}

/** A line about what is above it: what is wrong, what is left out. */
export interface NoteNode {
  readonly kind: 'note';
  readonly text: string;
  readonly parent: Exclude<ContentsNode, NoteNode>;
}

/** The file or folder that a node stands for: of a part, its root. */
export function guestNode(node: ContentsNode): GuestNode | undefined {
  if (node.kind === 'file') return node;
  const root = node.kind === 'part' ? node.facts.system?.root : undefined;
  return node.kind !== 'part' || root === undefined
    ? undefined
    : { image: node.image, part: node.part, id: root, path: '/' };
}

/** The entries of a folder as the tree has them, sorted as the Explorer sorts: folders first, numbers by their values. */
export function fileNodes(parent: PartNode | FileNode, entries: readonly GuestEntry[]): FileNode[] {
  const { image, part } = parent;
  const above = parent.kind === 'part' ? '' : parent.path;
  const nodes = entries.map((entry): FileNode => ({
    kind: 'file',
    image,
    part,
    id: entry.id,
    path: `${above}/${entry.name}`,
    entry,
    parent,
  }));
  return nodes.sort((one, other) => rank(one) - rank(other) || byName(one.entry.name, other.entry.name));
}

const rank = ({ entry }: FileNode): number => (entry.type === 'folder' ? 0 : 1);

const { compare } = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

const byName = (one: string, other: string): number => compare(one, other) || (one < other ? -1 : 1);

/** What VS Code knows a node by, from one drawing of the tree to the next. */
export function nodeKey(node: ContentsNode): string {
  switch (node.kind) {
    case 'disk':
      return node.image;
    case 'part':
      return `${node.image}\n${node.part}`;
    case 'file':
      return `${node.image}\n${node.part}\n${node.path}`;
    case 'note':
      return `${nodeKey(node.parent)}\n\n${node.text}`;
  }
}
