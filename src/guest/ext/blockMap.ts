/** Block maps: 12 direct blocks, then one indirect, one double and one triple indirect ("Direct/Indirect Block Addressing"). */
import type { Inode } from './inode';
import type { Run, Visits } from './runs';
import type { Volume } from './volume';

const DIRECT = 12;
const LEVELS = 3;

/**
 * Runs in ascending order; joining them is left to the caller, holes in maps may be told or left out.
 * @param end block of the file that is not wanted any more
 */
export function* mapRuns(
  volume: Volume,
  inode: Inode,
  first: number,
  end: number,
  visits: Visits,
): Generator<Run> {
  const view = new DataView(inode.block.buffer, inode.block.byteOffset, inode.block.length);
  yield* pointedTo(volume, view, inode.blockOffset, { at: 0, count: DIRECT, first, end });
  const perBlock = volume.superblock.blockSize / 4;
  let at = DIRECT;
  for (let level = 1; level <= LEVELS && at < end; level++) {
    const covered = perBlock ** level;
    const pointer = view.getUint32(4 * (DIRECT + level - 1), true);
    const place = { pointer, offset: inode.blockOffset + 4 * (DIRECT + level - 1) };
    if (at + covered > first && pointer !== 0)
      yield* below(volume, place, level, { at, count: covered, first, end }, visits);
    at += covered;
  }
}

/** Blocks of the file that a part of the map covers, and those that are wanted. */
interface Span {
  readonly at: number;
  readonly count: number;
  readonly first: number;
  readonly end: number;
}

interface Place {
  readonly pointer: number;
  /** Of the pointer on the device. */
  readonly offset: number;
}

/** What is below an indirect block. @param level 1 where it points to blocks of the file */
function* below(
  volume: Volume,
  { pointer, offset }: Place,
  level: number,
  span: Span,
  visits: Visits,
): Generator<Run> {
  volume.expectBlocks(pointer, 1, 'indirect block', offset);
  visits.enter(volume, pointer, 'indirect block');
  const bytes = volume.readBlock(pointer, 'indirect block');
  const view = new DataView(bytes.buffer);
  const start = volume.offsetOf(pointer);
  if (level === 1) {
    yield* pointedTo(volume, view, start, span);
    return;
  }
  const covered = span.count / (bytes.length / 4);
  let index = Math.max(0, Math.floor((span.first - span.at) / covered));
  for (; index < bytes.length / 4; index++) {
    const at = span.at + index * covered;
    if (at >= span.end) return;
    const next = view.getUint32(4 * index, true);
    const place = { pointer: next, offset: start + 4 * index };
    if (next !== 0) yield* below(volume, place, level - 1, { ...span, at, count: covered }, visits);
  }
}

/** Runs of blocks that a row of pointers names. */
function* pointedTo(volume: Volume, view: DataView, offset: number, span: Span): Generator<Run> {
  let index = Math.max(0, span.first - span.at);
  const end = Math.min(span.count, span.end - span.at);
  while (index < end) {
    const block = view.getUint32(4 * index, true);
    let count = 1;
    if (block === 0) {
      index++;
      continue;
    }
    while (index + count < end && view.getUint32(4 * (index + count), true) === block + count) count++;
    volume.expectBlocks(block, count, 'block pointer', offset + 4 * index);
    yield { at: span.at + index, count, block, isUnwritten: false };
    index += count;
  }
}
