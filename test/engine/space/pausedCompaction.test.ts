/** Compaction between two of its pieces: what is refused, what is read, and how it ends there. */
import * as fs from 'node:fs';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { CancelledError } from '../../../src/qcow2/errors';
import { readGuest } from '../../../src/qcow2/image/read';
import { HostLayout } from '../../../src/qcow2/map/hostLayout';
import { type Progress, silent, toEnd } from '../../../src/qcow2/progress';
import type { Compacting } from '../../../src/qcow2/space/compact';
import { guestOffset } from '../../../src/qcow2/units';
import { mustBeClean, mustBeShort, visible } from '../../support/compaction';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';

const place = workspace();
const DISK = place.path('disk.qcow2');
const BETWEEN = place.path('between');
const MIB = 2 ** 20;
const SIZE = 32 * MIB;

afterAll(() => {
  place.remove();
});

/** Clusters are small, so that batches are: some of tables, and two of data. */
beforeEach(() => {
  for (const name of fs.readdirSync(place.folder)) fs.rmSync(place.path(name), { recursive: true });
  fs.mkdirSync(BETWEEN);
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=1k', DISK, '32M']);
  mustQemuIo(DISK, ['write -P 1 0 16M', 'write -P 2 16M 14M', 'discard 1M 12M'], {}, ['-d', 'unmap']);
});

const length = (): number => fs.statSync(DISK).size;

function on<T>(use: (opened: EditableImage) => T): T {
  const opened = EditableImage.open(DISK, { followsNames: true, scratchPath: place.path('scratch') });
  try {
    return use(opened);
  } finally {
    opened.close();
  }
}

const guest = (opened: EditableImage): Buffer => {
  const bytes = Buffer.alloc(SIZE);
  readGuest(opened.chain.layers, bytes, guestOffset(0));
  return bytes;
};

const discard = { kind: 'discard', start: guestOffset(0), length: MIB } as const;

/** Runs a compaction to the end of some of its pieces. */
function pauses(pieces: Compacting, count: number): void {
  for (let at = 0; at < count; at++) expect(pieces.next().done).toBe(false);
}

describe('between two pieces of a compaction', () => {
  it('whatever changes the image is refused in one line, and after it nothing is', () => {
    on((opened) => {
      opened.apply(discard);
      opened.save();
      const backup = place.path('backup');
      opened.backUp(backup, 'history');
      const pieces = opened.space.compact();
      pauses(pieces, 2);
      const attempts: readonly (() => unknown)[] = [
        () => opened.preview(discard),
        () => opened.apply(discard),
        () => opened.previewRepair('all'),
        () => opened.applyRepair('all'),
        () => opened.rebuildDirtyRefcounts(),
        () => opened.undo(),
        () => opened.redo(),
        () => {
          opened.save();
        },
        () => opened.backUp(place.path('another'), 'unsaved'),
        () => {
          opened.restore(backup);
        },
        () => opened.scanContents().next(),
        () => opened.space.free(),
        () => opened.space.giveBack(),
        () => opened.space.previewCompact(),
        () => opened.space.compact().next(),
      ];
      const codes = attempts.map((attempt) => {
        try {
          attempt();
          return 'done';
        } catch {
          return problemOf(attempt).code;
        }
      });
      // Nothing is to be repaired, so that nothing is refused either.
      expect(codes).toEqual(attempts.map((_, index) => (index === 4 ? 'done' : 'space.compacting')));
      expect(opened.obstacles().map(({ problem }) => problem.code)).toEqual(['space.compacting']);
      expect(opened.repairObstacles().map(({ problem }) => problem.code)).toEqual(['space.compacting']);
      expect(opened.hasChanged()).toBe(false);
      expect(toEnd(pieces).stopped).toBeUndefined();
      expect(opened.obstacles()).toEqual([]);
      opened.apply(discard);
    });
    mustBeClean(place.folder);
    mustBeShort(DISK);
  });

  it('guests read the same, tables are found, and QEMU finds nothing wrong', () => {
    on((opened) => {
      const before = guest(opened);
      let pieces = 0;
      const report = toEnd(opened.space.compact(), () => {
        // The original is locked.
        fs.copyFileSync(DISK, `${BETWEEN}/disk.qcow2`);
        mustBeClean(BETWEEN);
        // Not after each of them: what was read two batches ago leads to what is something else by now.
        if (pieces++ % 2 === 0) return;
        expect(opened.space.catchUp()).toBe(true);
        expect(opened.space.catchUp()).toBe(false);
        expect(guest(opened).equals(before)).toBe(true);
        expect(opened.onDisk.top.file.size).toBe(length());
        expect(HostLayout.of(opened.chain.top, silent).size).toBe(length());
      });
      expect(pieces).toBeGreaterThan(4);
      expect(report.stopped).toBeUndefined();
      expect(guest(opened).equals(before)).toBe(true);
    });
    mustBeShort(DISK);
  });

  it('a content scan that was begun before it ends', () => {
    on((opened) => {
      const scanning = opened.scanContents();
      scanning.next();
      const pieces = opened.space.compact();
      pauses(pieces, 1);
      expect(problemOf(() => scanning.next()).code).toBe('space.compacting');
      toEnd(pieces);
    });
  });

  it('it can be cancelled, keeps what it gained, and is finished the next time', () => {
    const before = visible(place.folder, []);
    const bloated = length();
    const original = fs.readFileSync(DISK);
    let pieces = 0;
    on((opened) => toEnd(opened.space.compact(), () => pieces++));
    const compact = length();
    for (let stop = 1; stop <= pieces; stop++) {
      fs.writeFileSync(DISK, original);
      on((opened) => {
        const compaction = opened.space.compact();
        pauses(compaction, stop);
        const last = compaction.throw(new CancelledError(DISK));
        expect(last.done).toBe(true);
        expect(last.value).toMatchObject({ changed: true, stopped: { kind: 'cancelled' } });
        expect(last.value?.after.fileSize).toBe(length());
        expect(opened.space.isCompacting).toBe(false);
        expect(opened.hasChanged()).toBe(false);
        expect(opened.obstacles()).toEqual([]);
      });
      mustBeClean(place.folder);
      expect(length()).toBeLessThanOrEqual(bloated);
      if (stop === pieces) expect(length()).toBe(compact);
      const now = visible(place.folder, []);
      expect(now.every((content, index) => Buffer.from(content).equals(Buffer.from(before[index]!)))).toBe(
        true,
      );
      on((opened) => toEnd(opened.space.compact()));
      expect(length()).toBe(compact);
    }
  });
});

it('cancelled in its first copy, it has written free clusters: what was undoable is not any more, and is not staged', () => {
  on((opened) => {
    opened.apply(discard);
    opened.save();
    let looks = 0;
    let most = Infinity;
    const progress: Progress = {
      report: () => undefined,
      checkCancelled: () => {
        if (++looks > most) throw new CancelledError(DISK);
      },
    };
    // As many looks as it takes to the end of the first copy and no further.
    const { mtimeNs } = fs.statSync(DISK, { bigint: true });
    for (most = 0; fs.statSync(DISK, { bigint: true }).mtimeNs === mtimeNs; most += 16) {
      looks = 0;
      const pieces = opened.space.compact(progress);
      try {
        const { value } = pieces.next();
        expect(value).toMatchObject({ changed: true, movedBytes: 0, stopped: { kind: 'cancelled' } });
      } catch (error) {
        expect(error).toBeInstanceOf(CancelledError);
      }
    }
    expect(opened.edits).toEqual({ undoable: 0, redoable: 0, unsaved: 0 });
    expect(opened.undo()).toBe(false);
    expect(opened.hasChanged()).toBe(false);
  });
  mustBeClean(place.folder);
  mustQemuIo(DISK, ['read -P 0 0 13M', 'read -P 1 13M 3M', 'read -P 2 16M 14M']);
});
