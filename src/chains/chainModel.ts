/**
 * The images of the workspace as a forest, built from their headers; knows nothing about VS Code. There are two views:
 *
 * From the top: the roots are the images that no other image uses, and below each is its backing chain.
 * From the base: the roots are the images without a backing file, and below each are its overlays.
 */
import { basename } from 'node:path';
import type { BackingReference, IndexedImage } from '../worker/indexApi';

export type ChainNode = ImageNode | BrokenNode;

/** Most layers of a chain that are shown, as many as the engine opens. Longer chains are malicious. */
const MAX_LAYERS = 256;

export interface ImageNode {
  readonly kind: 'image';
  /** Unique within the tree: the path of nodes that leads here. */
  readonly id: string;
  readonly image: IndexedImage;
  readonly parent: ChainNode | undefined;
  /** 1 for a root. */
  readonly depth: number;
  /** The file was not found in the workspace: an image names it, or it lies beside an open image. */
  readonly isOutside: boolean;
  /** The file is known only because an image names it. */
  readonly isNamed: boolean;
}

/** A backing file that cannot be shown, and why. */
export interface BrokenNode {
  readonly kind: 'broken';
  readonly id: string;
  readonly reason: 'missing' | 'refused' | 'cycle' | 'notRead' | 'tooDeep';
  readonly reference: BackingReference;
  readonly parent: ChainNode | undefined;
}

/** What the forest is built from. */
export interface IndexedFiles {
  /** Images found in the workspace, by path. */
  readonly found: ReadonlyMap<string, IndexedImage>;
  /** Images found beside open ones that lie outside, by path. */
  readonly beside: ReadonlyMap<string, IndexedImage>;
  /** Files that only a header names, by path. Missing files are included, with their problem. */
  readonly named: ReadonlyMap<string, IndexedImage>;
}

/** An image that depends on another one. */
export interface Dependent {
  readonly image: IndexedImage;
  /** Distance: 1 if it names the other one itself. */
  readonly distance: number;
}

export class ChainModel {
  /** By path, and by device and inode: a name in a header may be a link to a file that was found under another name. */
  readonly #byIdentity = new Map<string, IndexedImage>();
  readonly #overlays = new Map<string, IndexedImage[]>();
  /** The file that an image names, if it exists; a file with several names is returned under its first one. */
  readonly #backings = new Map<IndexedImage, IndexedImage>();

  readonly #indexed: IndexedFiles;

  constructor(indexed: IndexedFiles) {
    this.#indexed = indexed;
    for (const image of this.#all()) {
      const { identity } = image;
      if (identity !== undefined && !this.#byIdentity.has(identity)) this.#byIdentity.set(identity, image);
    }
    // A relative name may lead to the file from only one of the image's own names, so all of them are tried.
    for (const alias of this.#all()) {
      const image = this.#canonical(alias);
      const backing = this.#resolve(alias);
      if (backing === undefined) continue;
      if (!this.#backings.has(image)) this.#backings.set(image, backing);
      const overlays = this.#overlays.get(backing.path) ?? [];
      if (alias === image || !overlays.includes(image)) overlays.push(image);
      this.#overlays.set(backing.path, overlays);
    }
  }

  /** Every existing file, once, whatever its names. */
  *files(): Iterable<IndexedImage> {
    for (const image of this.#all()) {
      if (image.identity === undefined) {
        if (!this.#isNamed(image)) yield image;
      } else if (this.#byIdentity.get(image.identity) === image) {
        yield image;
      }
    }
  }

  /** The tops of all chains, in the order of their names. */
  tops(): ImageNode[] {
    return this.#roots(
      (image) => this.#overlays.get(image.path) === undefined,
      (image) => listOf(this.#backingOf(image)),
    );
  }

  /** The bases of all chains, in the order of their names; a chain that is broken ends in its last known layer. */
  bases(): ImageNode[] {
    return this.#roots(
      (image) => this.#backingOf(image) === undefined,
      (image) => this.#overlays.get(image.path) ?? [],
    );
  }

  /** The backing file of a node: one layer, one broken link, or nothing. */
  below(node: ChainNode): ChainNode[] {
    if (node.kind === 'broken' || node.image.backing === undefined) return [];
    const { backing } = node.image;
    const image = this.#backingOf(node.image);
    if (image === undefined) return [this.#broken(node, backing, this.#reasonOf(backing))];
    if (isAmongAncestors(node, image)) return [this.#broken(node, backing, 'cycle')];
    if (node.depth === MAX_LAYERS) return [this.#broken(node, backing, 'tooDeep')];
    return [this.#node(image, node)];
  }

  /** The overlays of a node; a broken link of the node itself comes first. */
  above(node: ChainNode): ChainNode[] {
    if (node.kind === 'broken') return [];
    const { backing } = node.image;
    const isBrokenBase = backing !== undefined && this.#backingOf(node.image) === undefined;
    const links = isBrokenBase ? [this.#broken(node, backing, this.#reasonOf(backing))] : [];
    const overlays = (this.#overlays.get(node.image.path) ?? []).map((image) => {
      const isCycle = isAmongAncestors(node, image);
      if (!isCycle && node.depth < MAX_LAYERS) return this.#node(image, node);
      const user = { nameAsWritten: image.path, path: image.path };
      return this.#broken(node, user, isCycle ? 'cycle' : 'tooDeep');
    });
    return [...links, ...sortedByName(overlays, nameOf)];
  }

  /**
   * Images that have a file as their backing file.
   * @param path any of its names, known or not
   * @param identity device and inode; if known, they decide
   */
  overlaysOf(path: string, identity?: string): readonly IndexedImage[] {
    const image = this.#known(path, identity);
    return image === undefined ? [] : (this.#overlays.get(image.path) ?? []);
  }

  /** What depends on a file, nearest first; in a cycle, everything but the file itself. Parameters as for `overlaysOf`. */
  dependentsOf(path: string, identity?: string): readonly Dependent[] {
    const found: Dependent[] = [];
    const reached = new Set<IndexedImage>([...listOf(this.#known(path, identity))]);
    let layer = this.overlaysOf(path, identity);
    for (let distance = 1; layer.length > 0; distance++) {
      const next = layer.filter((image) => !reached.has(image));
      for (const image of next) reached.add(image);
      found.push(...sortedByName(next, (image) => image.path).map((image) => ({ image, distance })));
      layer = next.flatMap((image) => this.#overlays.get(image.path) ?? []);
    }
    return found;
  }

  /** The node of a file in the forest seen from its tops, or from its bases. */
  find(path: string, fromBase: boolean): ChainNode | undefined {
    const image = this.#known(path);
    if (image === undefined) return undefined;
    const outward = (at: IndexedImage): IndexedImage | undefined =>
      fromBase ? this.#backingOf(at) : this.#overlays.get(at.path)?.[0];
    const way = [image];
    for (let at = outward(image); at !== undefined && !way.includes(at); at = outward(at)) way.push(at);
    let node: ChainNode = this.#node(way.pop() ?? image, undefined);
    for (let next = way.pop(); next !== undefined; next = way.pop()) {
      const wanted = next;
      const children: ChainNode[] = fromBase ? this.above(node) : this.below(node);
      const child = children.find((each) => each.kind === 'image' && each.image === wanted);
      if (child === undefined) return undefined;
      node = child;
    }
    return node;
  }

  /** Whether the backing chain of a node is complete, as far as it was searched. */
  isWhole(node: ChainNode): boolean {
    if (node.kind === 'broken') return node.reason === 'notRead' || node.reason === 'tooDeep';
    const below = new Set<IndexedImage>();
    for (let at = node.image; at.backing !== undefined && below.size < MAX_LAYERS;) {
      below.add(at);
      const next = this.#backingOf(at);
      if (next === undefined) return this.#reasonOf(at.backing) === 'notRead';
      if (below.has(next)) return false;
      at = next;
    }
    return true;
  }

  /** Whether an image or anything in its tree has `text` in its path; `children` is `below` or `above`. */
  matches(node: ChainNode, text: string, children: (node: ChainNode) => ChainNode[]): boolean {
    const wanted = text.toLowerCase();
    const waiting: ChainNode[] = [node];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (nameOf(next).toLowerCase().includes(wanted)) return true;
      waiting.push(...children(next));
    }
    return false;
  }

  /** Finds a file by any of its names, or by its identity. */
  #known(path: string, identity?: string): IndexedImage | undefined {
    const named = this.#at(path);
    const known = identity ?? named?.identity;
    return known === undefined ? named : this.#byIdentity.get(known);
  }

  #at(path: string): IndexedImage | undefined {
    const { found, beside, named } = this.#indexed;
    return found.get(path) ?? beside.get(path) ?? named.get(path);
  }

  /** The entry that represents a file with several names. */
  #canonical(image: IndexedImage): IndexedImage {
    return image.identity === undefined ? image : (this.#byIdentity.get(image.identity) ?? image);
  }

  *#all(): Iterable<IndexedImage> {
    const { found, beside, named } = this.#indexed;
    yield* found.values();
    for (const image of beside.values()) if (!found.has(image.path)) yield image;
    for (const image of named.values()) {
      if (!found.has(image.path) && !beside.has(image.path)) yield image;
    }
  }

  /** The file that an image names, seen from any of the image's own names, if it exists. */
  #backingOf(image: IndexedImage): IndexedImage | undefined {
    return this.#backings.get(image);
  }

  /** The file that an image names, seen from one of the image's own names. */
  #resolve(image: IndexedImage): IndexedImage | undefined {
    const path = image.backing?.path;
    const named = path === undefined ? undefined : this.#at(path);
    return named?.identity === undefined ? undefined : this.#byIdentity.get(named.identity);
  }

  #reasonOf(backing: BackingReference): BrokenNode['reason'] {
    if (backing.problem !== undefined || backing.path === undefined) return 'refused';
    return this.#indexed.named.has(backing.path) ? 'missing' : 'notRead';
  }

  /**
   * Files with `isRoot`, and one file of each cycle, where no file is a root.
   */
  #roots(
    isRoot: (image: IndexedImage) => boolean,
    neighbours: (image: IndexedImage) => readonly IndexedImage[],
  ): ImageNode[] {
    const images = [...this.files()];
    const roots = images.filter(isRoot);
    const reached = new Set<IndexedImage>();
    for (const root of roots) reach(root, neighbours, reached);
    const inRings = images.filter((image) => !reached.has(image));
    for (const image of sortedByName(inRings, ({ path }) => path)) {
      if (reached.has(image)) continue;
      roots.push(image);
      reach(image, neighbours, reached);
    }
    return sortedByName(roots, ({ path }) => path).map((image) => this.#node(image, undefined));
  }

  #node(image: IndexedImage, parent: ImageNode | undefined): ImageNode {
    const id = `${parent?.id ?? ''}\n${image.path}`;
    const depth = (parent?.depth ?? 0) + 1;
    const isOutside = !this.#indexed.found.has(image.path);
    return { kind: 'image', id, image, parent, depth, isOutside, isNamed: this.#isNamed(image) };
  }

  /** Known only because an image names it. */
  #isNamed({ path }: IndexedImage): boolean {
    return !this.#indexed.found.has(path) && !this.#indexed.beside.has(path);
  }

  #broken(parent: ChainNode, reference: BackingReference, reason: BrokenNode['reason']): BrokenNode {
    const id = `${parent.id}\n${reason}\n${reference.nameAsWritten}`;
    return { kind: 'broken', id, reason, reference, parent };
  }
}

export function nameOf(node: ChainNode): string {
  return node.kind === 'image' ? node.image.path : (node.reference.path ?? node.reference.nameAsWritten);
}

/** The short name of a file: the last part of its path, or the whole name if it is not a path. */
export function shortNameOf(node: ChainNode): string {
  const { kind } = node;
  if (kind === 'broken' && node.reference.path === undefined) return node.reference.nameAsWritten;
  return basename(nameOf(node));
}

function reach(
  start: IndexedImage,
  neighbours: (image: IndexedImage) => readonly IndexedImage[],
  reached: Set<IndexedImage>,
): void {
  const waiting = [start];
  for (let image = waiting.pop(); image !== undefined; image = waiting.pop()) {
    if (reached.has(image)) continue;
    reached.add(image);
    waiting.push(...neighbours(image));
  }
}

function isAmongAncestors(node: ChainNode, image: IndexedImage): boolean {
  for (let at: ChainNode | undefined = node; at !== undefined; at = at.parent) {
    if (at.kind === 'image' && at.image === image) return true;
  }
  return false;
}

function listOf(image: IndexedImage | undefined): readonly IndexedImage[] {
  return image === undefined ? [] : [image];
}

/** By the name that the tree shows, then by folder. */
function sortedByName<T>(items: readonly T[], pathOf: (item: T) => string): T[] {
  // Names are split once, not at each comparison.
  const keyed = items.map((item) => ({ item, name: basename(pathOf(item)), path: pathOf(item) }));
  keyed.sort((a, b) => compare(a.name, b.name) || compare(a.path, b.path));
  return keyed.map(({ item }) => item);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
