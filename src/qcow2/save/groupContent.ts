/**
 * The content of a sector after each group, computed from its content before and after the save. Groups hold
 * fields, not sectors: a sector with fields of several groups is written again in each, the later fields still old.
 */
import { headerField } from '../format/headerFields';
import { CHUNK, Group, Role } from './role';

/** The groups in which sectors of a role are written, ascending. */
export const GROUPS_OF: Readonly<Record<Role, readonly Group[]>> = {
  [Role.header]: [Group.mark, Group.extend, Group.tree, Group.drop, Group.commit],
  [Role.fresh]: [Group.raise],
  [Role.block]: [Group.raise, Group.lower],
  [Role.movedBlock]: [Group.raise, Group.lower],
  [Role.table]: [Group.extend, Group.drop],
  [Role.movedTable]: [Group.raise, Group.drop],
  [Role.formerTable]: [Group.extend, Group.hidden],
  [Role.bitmap]: [Group.bitmaps],
  [Role.data]: [Group.data],
  [Role.tree]: [Group.tree],
  [Role.hidden]: [Group.hidden],
  [Role.cut]: [],
  [Role.headerTail]: [Group.data],
  [Role.formerBlock]: [Group.raise, Group.hidden],
};

/** Roles whose first content in a save a rollback cannot work out and finds in the journal. */
export const hasPeak = (role: Role): boolean =>
  role === Role.movedBlock ||
  role === Role.movedTable ||
  role === Role.formerTable ||
  role === Role.formerBlock;

/** What is fixed for the whole save. */
export interface SaveShape {
  readonly version: 2 | 3;
  /** Width of a refcount. */
  readonly refcountBits: number;
  /** When the header's pointer to the refcount table changes, if it does. */
  readonly pointer: typeof Group.extend | typeof Group.drop;
}

/** What a stretch of sectors of one role holds; all arrays have the same length. */
export interface SectorContents {
  readonly role: Role;
  /** Before the group. */
  readonly before: Uint8Array;
  /** After the save. */
  readonly final: Uint8Array;
  /** Moved blocks: the counts of the other block. Moved tables: the entries of the other table. */
  readonly other: Uint8Array | undefined;
}

/** The content after `group`, which is one of the role's. */
export function contentAfter(group: Group, stretch: SectorContents, shape: SaveShape): Uint8Array {
  const { role, before, final, other = before } = stretch;
  switch (role) {
    case Role.header:
      return headerAfter(group, before, final, shape);
    case Role.block:
    case Role.movedBlock:
      return group === Group.raise ? larger(other, final, shape.refcountBits) : final;
    case Role.formerBlock:
      return group === Group.raise ? larger(before, other, shape.refcountBits) : final;
    case Role.table:
      return group === Group.extend ? united(before, final) : final;
    case Role.movedTable:
      return group === Group.raise ? united(other, final) : final;
    case Role.formerTable:
      return group === Group.extend ? united(before, other) : final;
    default:
      return final;
  }
}

const POINTER_START = headerField('refcount_table_offset').offset;
const POINTER_END = headerField('refcount_table_clusters').offset + 4;
/** The byte with `dirty` (bit 0) and `corrupt` (bit 1). */
const MARK = headerField('incompatible_features').offset + 7;
const DIRTY = 1;
const CORRUPT = 2;
const AUTOCLEAR = headerField('autoclear_features').offset;

/** Whether QEMU refuses to write the image. */
export const isMarked = (header: Uint8Array): boolean => (header[MARK]! & CORRUPT) !== 0;

// Copies below are made by `new Uint8Array`: `slice` of a Buffer would be the Buffer's own memory.

function headerAfter(group: Group, before: Uint8Array, final: Uint8Array, shape: SaveShape): Uint8Array {
  switch (group) {
    case Group.mark:
      return shape.version === 3 ? withMark(before, final) : before;
    case Group.extend:
    case Group.drop:
      return group === shape.pointer ? withPointer(before, final) : before;
    case Group.tree:
      return withRest(before, final, shape.version);
    default:
      return final;
  }
}

/**
 * The header's first sector on its way to `target`, which is what it shall be after the save or what it was before:
 * marked, with the autoclear bits that it has on both ends, dirty if it is on either.
 */
export function withMark(header: Uint8Array, target: Uint8Array): Uint8Array {
  const marked = new Uint8Array(header);
  marked[MARK]! |= CORRUPT | (target[MARK]! & DIRTY);
  for (let at = AUTOCLEAR; at < AUTOCLEAR + 8; at++) marked[at]! &= target[at]!;
  return marked;
}

/** With the target's place and length of the refcount table. */
export function withPointer(header: Uint8Array, target: Uint8Array): Uint8Array {
  const changed = new Uint8Array(header);
  changed.set(target.subarray(POINTER_START, POINTER_END), POINTER_START);
  return changed;
}

/** With all of the target but that, and but the marks. */
export function withRest(header: Uint8Array, target: Uint8Array, version: 2 | 3): Uint8Array {
  const changed = withPointer(target, header);
  if (version === 2) return changed;
  const marks = CORRUPT | DIRTY;
  changed[MARK] = (target[MARK]! & ~marks) | (header[MARK]! & marks);
  changed.set(header.subarray(AUTOCLEAR, AUTOCLEAR + 8), AUTOCLEAR);
  return changed;
}

/** Entries of `over`; where it has none, those of `under`. Entries are 8 bytes. */
export function united(under: Uint8Array, over: Uint8Array): Uint8Array {
  const result = new Uint8Array(over);
  for (let at = 0; at < result.length; at += 8) {
    let isZero = true;
    for (let byte = at; byte < at + 8; byte++) isZero &&= result[byte] === 0;
    if (isZero) result.set(under.subarray(at, at + 8), at);
  }
  return result;
}

/**
 * The larger one of each pair of refcounts.
 * @param one @param other whole words of 64 bits
 */
export function larger(one: Uint8Array, other: Uint8Array, bits: number): Uint8Array {
  // Whole blocks that become free, or were, are the rule.
  if (isZero(other)) return one;
  if (isZero(one)) return other;
  const result = new Uint8Array(one);
  const [words, others] = [wordsOf(result), wordsOf(other)];
  for (let at = 0; at < words.length; at += 2) {
    const [low, high] = [words[at]!, words[at + 1]!];
    const [otherLow, otherHigh] = [others[at]!, others[at + 1]!];
    // So are whole stretches of them: either is nothing, or they are the same.
    if ((otherLow | otherHigh) === 0 || (low === otherLow && high === otherHigh)) continue;
    if ((low | high) === 0) {
      words[at] = otherLow;
      words[at + 1] = otherHigh;
    } else if (bits < 8) enlargeInBytes(result, other, bits, at * 4);
    else enlargeBytes(result, other, bits / 8, at * 4);
  }
  return result;
}

const ZEROES = new Uint8Array(CHUNK);

const isZero = (bytes: Uint8Array): boolean => Buffer.compare(bytes, ZEROES.subarray(0, bytes.length)) === 0;

/** Words in whatever order this machine has: they are only compared. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Int32Array(buffer, byteOffset, length / 4);
}

/** Of the eight bytes from `start` on. */
function enlargeBytes(result: Uint8Array, other: Uint8Array, width: number, start: number): void {
  for (let at = start; at < start + 8; at += width) {
    // Big-endian: the first byte that differs decides.
    let byte = at;
    while (byte < at + width && result[byte] === other[byte]) byte++;
    if (byte < at + width && result[byte]! < other[byte]!) result.set(other.subarray(at, at + width), at);
  }
}

/** The same where several refcounts are in a byte. */
function enlargeInBytes(result: Uint8Array, other: Uint8Array, bits: number, start: number): void {
  const field = (1 << bits) - 1;
  for (let at = start; at < start + 8; at++) {
    if (result[at] === other[at]) continue;
    let byte = 0;
    for (let mask = field; mask < 0x100; mask <<= bits) {
      byte |= Math.max(result[at]! & mask, other[at]! & mask);
    }
    result[at] = byte;
  }
}
