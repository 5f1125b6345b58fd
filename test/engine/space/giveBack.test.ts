/** Giving free space back: QEMU reads the same, less storage is used, and earlier edits cannot be undone. */
import * as fs from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChangeRequest } from '../../../src/qcow2/edit/changeRequest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { CancelledError, type Problem } from '../../../src/qcow2/errors';
import type { Progress } from '../../../src/qcow2/progress';
import { Holder } from '../../support/holder';
import { mustQemuImg, mustQemuIo, qemuImg } from '../../support/qemu';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';
import { guestOffset } from '../../../src/qcow2/units';

const place = workspace();
const DISK = place.path('disk.qcow2');
const MIB = 2 ** 20;

afterAll(() => {
  place.remove();
});

const open = (path = DISK): EditableImage =>
  EditableImage.open(path, { followsNames: true, scratchPath: place.path('scratch') });

/** Opens an image for as long as `use` runs. */
function on<T>(use: (image: EditableImage) => T, path = DISK): T {
  const image = open(path);
  try {
    return use(image);
  } finally {
    image.close();
  }
}

const zero = (start: number, length: number): ChangeRequest => ({
  kind: 'writeZeroes',
  start: guestOffset(start),
  length,
  options: { unmap: true, fallback: true, policy: 'unallocate', thorough: false },
});

const create = (options: string, size = '64M'): void => {
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', options, DISK, size]);
};

/** What QEMU reads of the disk, or of a snapshot. */
function judged(extra: readonly string[] = []): Buffer {
  mustQemuImg(['convert', ...extra, '-f', 'qcow2', '-O', 'raw', DISK, place.path('judge.raw')]);
  return fs.readFileSync(place.path('judge.raw'));
}

const stored = (path = DISK): number => fs.statSync(path).blocks * 512;
const length = (path = DISK): number => fs.statSync(path).size;

/** A third of what there is in the middle is freed, and what lies last. */
beforeEach(() => {
  create('cluster_size=64k');
  mustQemuIo(DISK, ['write -P 1 0 12M', 'write -P 2 20M 4M']);
  on((image) => {
    image.apply(zero(2 * MIB, 6 * MIB));
    image.apply(zero(22 * MIB, 2 * MIB));
    image.save({ keepsUndo: false });
  });
});

describe('free space', () => {
  it('is measured before anything is done: what lies in free clusters, and what is left of the file', () => {
    const before = fs.readFileSync(DISK);
    const space = on((image) => image.space.free());
    expect(space).toMatchObject({ freeBytes: 8 * MIB, storedBytes: 8 * MIB, isUpperBound: false });
    expect(space.fileSize - space.newFileSize).toBe(2 * MIB);
    expect(space).toMatchObject({ fileSize: length(), allocatedBytes: stored() });
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });

  it('goes back to the file system; the image reads the same and is clean', () => {
    const guest = judged();
    const before = { fileSize: length(), allocatedBytes: stored() };
    const { newFileSize } = on((image) => image.space.free());
    const report = on((image) => image.space.giveBack());
    expect(report).toEqual({
      changed: true,
      canMakeHoles: true,
      holeBytes: 6 * MIB,
      before,
      after: { fileSize: length(), allocatedBytes: stored() },
    });
    expect(length()).toBe(newFileSize);
    expect(before.allocatedBytes - stored()).toBeGreaterThanOrEqual(8 * MIB - 65536);
    expect(judged().equals(guest)).toBe(true);
    expect(qemuImg(['check', DISK]).status).toBe(0);
    expect(fs.existsSync(`${DISK}-journal`)).toBe(false);
    mustQemuIo(DISK, ['write -P 7 2M 6M', 'read -P 7 2M 6M', 'read -P 1 0 2M', 'read -P 1 8M 4M']);
  });

  it('is nothing where it was given back before', () => {
    on((image) => image.space.giveBack());
    const size = stored();
    expect(on((image) => image.space.free())).toMatchObject({ freeBytes: 6 * MIB, storedBytes: 0 });
    on((image) => image.space.giveBack());
    expect(stored()).toBe(size);
  });

  it('leaves an image alone in which all is in use', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 1M']);
    // QEMU has made it longer than it uses.
    on((image) => image.space.giveBack());
    const before = fs.statSync(DISK, { bigint: true });
    expect(on((image) => image.space.giveBack()).changed).toBe(false);
    expect(fs.statSync(DISK, { bigint: true }).mtimeNs).toBe(before.mtimeNs);
  });

  it('is what no snapshot uses', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 4M']);
    mustQemuImg(['snapshot', '-c', 'kept', DISK]);
    mustQemuIo(DISK, ['write -P 2 2M 4M']);
    on((image) => {
      image.apply(zero(0, 64 * MIB));
      image.save({ keepsUndo: false });
    });
    const kept = judged(['-l', 'kept']);
    const before = stored();
    on((image) => image.space.giveBack());
    expect(before - stored()).toBeGreaterThanOrEqual(4 * MIB - 65536);
    expect(judged(['-l', 'kept']).equals(kept)).toBe(true);
    expect(kept.subarray(0, 4 * MIB).every((byte) => byte === 1)).toBe(true);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });

  it('is not what is leaked: a repair says first what is free', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 1M']);
    const clean = length();
    // A cluster behind all, with a refcount and without a reference.
    const file = fs.openSync(DISK, 'r+');
    fs.ftruncateSync(file, clean + 65536);
    fs.writeSync(file, Buffer.from([0, 1]), 0, 2, 2 * 65536 + (clean / 65536) * 2);
    fs.closeSync(file);
    expect(qemuImg(['check', DISK]).status).toBe(3);
    on((image) => image.space.giveBack());
    expect(length()).toBe(clean + 65536);
    on((image) => {
      image.applyRepair('leaks');
      image.save({ keepsUndo: false });
      image.space.giveBack();
    });
    expect(length()).toBe(clean);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });

  it('goes back in whole blocks of the file system where clusters are smaller', () => {
    create('cluster_size=512');
    mustQemuIo(DISK, ['write -P 1 0 1M']);
    on((image) => {
      image.apply(zero(512, 64 * 1024));
      image.apply(zero(512 * 1024, 512));
      image.save({ keepsUndo: false });
    });
    const guest = judged();
    const before = stored();
    const { holeBytes } = on((image) => image.space.giveBack());
    expect(holeBytes % 4096).toBe(0);
    expect(before - stored()).toBeGreaterThanOrEqual(56 * 1024);
    expect(judged().equals(guest)).toBe(true);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });

  it('is left in an external data file, and that is said', () => {
    create(`data_file=${place.path('data.raw')}`);
    mustQemuIo(DISK, ['write -P 1 0 4M']);
    on((image) => {
      image.apply(zero(0, 2 * MIB));
      image.save({ keepsUndo: false });
    });
    const data = fs.readFileSync(place.path('data.raw'));
    const guest = judged();
    expect(on((image) => image.space.free()).dataFile).toBe(place.path('data.raw'));
    expect(on((image) => image.space.giveBack()).dataFile).toBe(place.path('data.raw'));
    expect(fs.readFileSync(place.path('data.raw')).equals(data)).toBe(true);
    expect(judged().equals(guest)).toBe(true);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });
});

describe('what was undoable', () => {
  it('is dropped where something was given back, and the image is edited on', () => {
    on((image) => {
      image.apply(zero(0, MIB));
      image.save();
      expect(image.edits).toEqual({ undoable: 1, redoable: 0, unsaved: 0 });
      expect(image.space.giveBack().changed).toBe(true);
      expect(image.edits).toEqual({ undoable: 0, redoable: 0, unsaved: 0 });
      expect(image.undo()).toBe(false);
      expect(image.hasChanged()).toBe(false);
      image.apply({ kind: 'write', start: guestOffset(0), bytes: new Uint8Array(3 * MIB).fill(5) });
      image.save();
      image.undo();
      image.save();
    });
    mustQemuIo(DISK, [
      'read -P 0 0 1M',
      'read -P 1 1M 1M',
      'read -P 0 2M 6M',
      'read -P 1 8M 4M',
      'read -P 2 20M 2M',
    ]);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });

  it('stays where there was nothing to give back', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 1M']);
    on((image) => image.space.giveBack());
    on((image) => {
      image.apply({ kind: 'write', start: guestOffset(0), bytes: new Uint8Array(4096).fill(5) });
      image.save();
      expect(image.space.giveBack().changed).toBe(false);
      expect(image.undo()).toBe(true);
    });
  });
});

describe('giving space back is refused, and nothing is changed,', () => {
  const refused = (prepare: () => void): Problem => {
    prepare();
    const before = fs.readFileSync(DISK);
    const problem = on((image) => problemOf(() => image.space.giveBack()));
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
    expect(fs.readdirSync(place.folder).filter((name) => name.endsWith('-journal'))).toEqual([]);
    return problem;
  };
  const patch = (offset: number, byte: number): void => {
    const file = fs.openSync(DISK, 'r+');
    fs.writeSync(file, Buffer.from([byte]), 0, 1, offset);
    fs.closeSync(file);
  };

  it('while something is staged, or undone past the save', () => {
    on((image) => {
      image.apply(zero(0, MIB));
      expect(problemOf(() => image.space.giveBack()).code).toBe('space.unsaved');
      expect(problemOf(() => image.space.free()).code).toBe('space.unsaved');
      image.save();
      image.undo();
      expect(problemOf(() => image.space.giveBack()).code).toBe('space.unsaved');
      expect(image.edits.undoable + image.edits.redoable).toBe(1);
    });
  });

  it('where the image is damaged', () => {
    // The refcount of the header's cluster.
    expect(
      refused(() => {
        patch(2 * 65536 + 1, 0);
      }).code,
    ).toBe('guard.unsound');
  });

  it('where it is marked as corrupt, or was not closed properly', () => {
    expect(
      refused(() => {
        patch(79, 2);
      }).code,
    ).toBe('guard.corrupt');
    expect(
      refused(() => {
        patch(79, 1);
      }).code,
    ).toBe('guard.dirty');
  });

  it('while QEMU has it open, even for reading', async () => {
    const holder = await Holder.open(DISK, '-r');
    try {
      expect(refused(() => undefined).code).toBe('lock.held');
    } finally {
      await holder.end();
    }
  });

  it('while another program saves it', () => {
    const image = open();
    fs.writeFileSync(`${DISK}-journal`, '');
    expect(problemOf(() => image.space.giveBack()).code).toBe('journal.exists');
    fs.rmSync(`${DISK}-journal`);
    image.close();
  });

  it('where another program has changed it since it was opened', () => {
    const image = open();
    mustQemuIo(DISK, ['write -P 3 2M 64k']);
    expect(problemOf(() => image.space.giveBack()).code).toBe('guard.changed');
    image.close();
    mustQemuIo(DISK, ['read -P 3 2M 64k']);
  });
});

describe('where holes cannot be made', () => {
  afterEach(() => {
    delete process.env['QCOW2_NATIVE'];
  });

  it('the end is cut off all the same, and what could come back is an upper bound', () => {
    const guest = judged();
    const before = length();
    process.env['QCOW2_NATIVE'] = 'off';
    expect(on((image) => image.space.free())).toMatchObject({
      storedBytes: 2 * MIB,
      isUpperBound: true,
      canMakeHoles: false,
    });
    expect(on((image) => image.space.giveBack())).toMatchObject({
      changed: true,
      canMakeHoles: false,
      holeBytes: 0,
    });
    expect(before - length()).toBe(2 * MIB);
    expect(judged().equals(guest)).toBe(true);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });
});

describe('stopped by a person', () => {
  /** Cancels after so many looks at the flag. */
  const stopper = (looks: number): Progress => {
    let left = looks;
    return {
      report: () => undefined,
      checkCancelled: () => {
        if (left-- <= 0) throw new CancelledError(DISK);
      },
    };
  };

  it('before it has begun it changes nothing; later it says how far it came', () => {
    create('cluster_size=64k');
    mustQemuIo(DISK, ['write -P 1 0 32M']);
    on((image) => {
      for (let start = 0; start < 32 * MIB; start += 2 * MIB) image.apply(zero(start, MIB));
      image.save({ keepsUndo: false });
    });
    const guest = judged();
    const before = fs.readFileSync(DISK);
    let reports = 0;
    for (let looks = 0; looks < 200; looks++) {
      on((image) => {
        image.apply({ kind: 'write', start: guestOffset(63 * MIB), bytes: new Uint8Array(1) });
        image.undo();
        let report;
        try {
          report = image.space.giveBack(stopper(looks));
        } catch (error) {
          if (!(error instanceof CancelledError)) throw error;
          expect(fs.readFileSync(DISK).equals(before) || reports > 0).toBe(true);
          return;
        }
        if (report.stopped === undefined) looks = 200;
        else {
          reports++;
          expect(report).toMatchObject({ changed: true, stopped: { kind: 'cancelled' } });
          expect(image.edits).toEqual({ undoable: 0, redoable: 0, unsaved: 0 });
        }
      });
      expect(fs.existsSync(`${DISK}-journal`)).toBe(false);
    }
    expect(reports).toBeGreaterThan(5);
    expect(judged().equals(guest)).toBe(true);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });
});
