/**
 * What is staged over a file, page by page: a tree whose branches are never changed once a state refers to them, so
 * that a state of the file is one reference, and going back to it costs nothing. A branch of which all pages are
 * filled with the same word is held as that fill: a terabyte of zeroes is a handful of branches.
 */
import type { Fill } from './fill';
import type { Page } from './pageStore';

/** What is staged for a page. */
export type Content = Fill | Page;
/** `undefined`: nothing is staged there. */
export type PageTree = Content | Branch | undefined;

const SLOT_BITS = 9;
const SLOTS = 1 << SLOT_BITS;
/** The root's: its tree spans 2^45 pages, more than a file of 2^53 bytes has. */
const ROOT_LEVEL = 4;

class Branch {
  constructor(
    readonly slots: PageTree[],
    /** Who may still change it in place. */
    readonly owner: object,
  ) {}
}

/** Pages of a branch's slot. */
const slotSpan = (level: number): number => SLOTS ** level;

/**
 * The tree with `content` at the pages from `first` to before `end`. Branches that belong to `owner` are changed in
 * place.
 * @param content a `Page` only where the range is one page
 */
export function withContent(
  tree: PageTree,
  owner: object,
  first: number,
  end: number,
  content: Content | undefined,
): PageTree {
  return replaced(tree, ROOT_LEVEL, 0, owner, first, end, content);
}

/** @param base first page of the tree, which is one slot of a branch of `level` + 1 */
function replaced(
  tree: PageTree,
  level: number,
  base: number,
  owner: object,
  first: number,
  end: number,
  content: Content | undefined,
): PageTree {
  const span = slotSpan(level);
  if (first <= base && end >= base + span * SLOTS) return content;
  const branch = ownBranch(tree, owner);
  const from = Math.max(0, Math.floor((first - base) / span));
  const to = Math.min(SLOTS, Math.ceil((end - base) / span));
  for (let slot = from; slot < to; slot++) {
    const at = base + slot * span;
    branch.slots[slot] =
      first <= at && end >= at + span
        ? content
        : replaced(branch.slots[slot], level - 1, at, owner, first, end, content);
  }
  return branch;
}

function ownBranch(tree: PageTree, owner: object): Branch {
  if (!(tree instanceof Branch)) return new Branch(new Array<PageTree>(SLOTS).fill(tree), owner);
  return tree.owner === owner ? tree : new Branch(tree.slots.slice(), owner);
}

/** What is staged for one page. */
export function contentAt(tree: PageTree, page: number): Content | undefined {
  let node = tree;
  for (let level = ROOT_LEVEL; node instanceof Branch; level--) {
    node = node.slots[Math.floor(page / slotSpan(level)) % SLOTS];
  }
  return node;
}

/**
 * Told of a stretch of pages with the same fill, of one page of bytes, or of a stretch where nothing is staged.
 * Return `false` to stop.
 */
export type ContentVisitor = (
  first: number,
  count: number,
  content: Content | undefined,
) => boolean | undefined;

/** Visits the pages from `first` to before `end`, ascending and without gaps. */
export function forEachContent(tree: PageTree, first: number, end: number, visit: ContentVisitor): void {
  walk(tree, ROOT_LEVEL, 0, first, end, visit);
}

/** @returns false once the visitor asked to stop */

function walk(
  tree: PageTree,
  level: number,
  base: number,
  first: number,
  end: number,
  visit: ContentVisitor,
): boolean {
  const span = slotSpan(level);
  if (!(tree instanceof Branch)) {
    const from = Math.max(first, base);
    const to = Math.min(end, base + span * SLOTS);
    return from >= to || visit(from, to - from, tree) !== false;
  }
  const from = Math.max(0, Math.floor((first - base) / span));
  const to = Math.min(SLOTS, Math.ceil((end - base) / span));
  for (let slot = from; slot < to;) {
    const child = tree.slots[slot];
    if (child instanceof Branch) {
      if (!walk(child, level - 1, base + slot * span, first, end, visit)) return false;
      slot++;
      continue;
    }
    // Equal neighbours make one stretch.
    let next = slot + 1;
    while (next < to && tree.slots[next] === child) next++;
    const start = Math.max(first, base + slot * span);
    const stop = Math.min(end, base + next * span);
    if (start < stop && visit(start, stop - start, child) === false) return false;
    slot = next;
  }
  return true;
}

/** What `over` stages, and below it what `under` does. */
export function merged(over: PageTree, under: PageTree, owner: object): PageTree {
  if (over === undefined) return under;
  if (under === undefined || !(over instanceof Branch)) return over;
  const below = under;
  const slots = over.slots.map((slot, index) =>
    merged(slot, below instanceof Branch ? below.slots[index] : below, owner),
  );
  return new Branch(slots, owner);
}

/** Visits the pages at which `now` stages something else than `before`, ascending, with what it does. */
export function forEachChanged(before: PageTree, now: PageTree, visit: ContentVisitor): void {
  walkChanged(before, now, ROOT_LEVEL, 0, visit);
}

/** Shared branches are not looked into: that two states differ little makes comparing them cheap. */
function walkChanged(
  before: PageTree,
  now: PageTree,
  level: number,
  base: number,
  visit: ContentVisitor,
): void {
  if (before === now) return;
  const span = slotSpan(level);
  if (!(now instanceof Branch) && !(before instanceof Branch)) {
    visit(base, span * SLOTS, now);
    return;
  }
  for (let slot = 0; slot < SLOTS; slot++) {
    const was = before instanceof Branch ? before.slots[slot] : before;
    const is = now instanceof Branch ? now.slots[slot] : now;
    if (was === is) continue;
    const at = base + slot * span;
    if (was instanceof Branch || is instanceof Branch) walkChanged(was, is, level - 1, at, visit);
    else visit(at, span, is);
  }
}
