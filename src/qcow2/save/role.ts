/**
 * What a changed sector is, which determines when a save writes it and how a rollback takes it back. The numbers are stored
 * in journals: they must not change.
 */

/** The unit of a disk's own atomicity, and so of everything in a save. */
export const SECTOR = 512;

/** The largest stretch that is handled at a time, in bytes: memory stays bounded. */
export const CHUNK = 64 * 1024;

export const Role = {
  /** The first sector of the header: its fields belong to several groups. */
  header: 1,
  /** A cluster that nothing on disk refers to. */
  fresh: 2,
  /** A refcount block, in place. */
  block: 3,
  /** A new refcount block in place of another one: until the end it holds the other one's counts, too. */
  movedBlock: 4,
  /** The refcount table, in place. */
  table: 5,
  /** A moved refcount table, in new clusters: until the end it holds the old one's entries, too. */
  movedTable: 6,
  /** A refcount table that a smaller one takes the place of: until then it gets the new one's additions. */
  formerTable: 7,
  /** Dirty bitmaps: directory, tables, bits. */
  bitmap: 8,
  /** Guest data in place. */
  data: 9,
  /** L1 and L2 tables, the snapshot table. */
  tree: 10,
  /** What the image on disk shows, and the staged one does not. */
  hidden: 11,
  /** What the file loses at its end, after all else. */
  cut: 12,
  /**
   * Of the header's other sectors (extensions, the backing file's name) those that the new header needs: they are there
   * before the first sector points to them. The others are `hidden`: the header on disk may need them until then.
   */
  headerTail: 13,
  /**
   * A refcount block that a new one takes the place of: until the end it holds the new one's counts, too. The entries of
   * the refcount table that move do so one by one: the block that an entry leads to may be counted in another one.
   */
  formerBlock: 14,
} as const;
export type Role = (typeof Role)[keyof typeof Role];

/** The groups of a save, in order; each is flushed before the next begins. groupContent.ts says which roles belong to which. */
export const Group = {
  /** (a) `corrupt` is set, autoclear bits that go are cleared. */
  mark: 0,
  /** (b) New clusters; refcounts that rise. */
  raise: 1,
  /** (c) Additions to the refcount table; the pointer to a larger one. */
  extend: 2,
  /** (d) */
  bitmaps: 3,
  /** (e) */
  data: 4,
  /** (f) */
  tree: 5,
  /** (g) Refcount table entries and pointers that give up coverage. */
  drop: 6,
  /** (h) Refcounts that fall. */
  lower: 7,
  /** What nothing refers to any more. */
  hidden: 8,
  /** (i) `corrupt` is cleared. */
  commit: 9,
} as const;
export type Group = (typeof Group)[keyof typeof Group];

/** In the same order. */
export const GROUP_NAMES = [
  'mark',
  'raise',
  'extend',
  'bitmaps',
  'data',
  'tree',
  'drop',
  'lower',
  'hidden',
  'commit',
] as const satisfies readonly (keyof typeof Group)[];
