/** Who owns a journal, and whether it may be used: locks that end with the saver (S3), and files that only have its name. */
import * as fs from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openChain, type Chain } from '../../../src/qcow2/chain/openChain';
import { formerFiles } from '../../../src/qcow2/edit/interrupted';
import { refuseSource } from '../../../src/qcow2/edit/shrink';
import { readGuest } from '../../../src/qcow2/image/read';
import type { Disk, MutableFile } from '../../../src/qcow2/save/disk';
import { localDisk } from '../../../src/qcow2/save/localDisk';
import { createJournal, removeJournal } from '../../../src/qcow2/save/journalFile';
import { recover, type RecoverOptions } from '../../../src/qcow2/save/recover';
import { nameThread } from '../../../src/qcow2/save/writer';
import { makeSaverToKill, type SaverToKill } from '../../faults/saverToKill';
import { run } from '../../support/process';
import { StoppedSaver } from '../../support/stoppedSaver';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';
import { guestOffset, hostOffset } from '../../../src/qcow2/units';

const place = workspace();
const image = place.path('image.qcow2');
const journal = `${image}-journal`;
/** A disk call at which the save has changed a part of the image. */
const HALF_WAY = 12;

let saver: SaverToKill;
const stopped: StoppedSaver[] = [];

const stop = async (saving: Promise<StoppedSaver>): Promise<StoppedSaver> => {
  const found = await saving;
  stopped.push(found);
  return found;
};

beforeAll(async () => {
  saver = await makeSaverToKill(place);
});
beforeEach(() => {
  fs.rmSync(journal, { force: true, recursive: true });
  fs.copyFileSync(saver.before, image);
});
afterEach(async () => {
  for (const each of stopped.splice(0)) await each.end();
  vi.unstubAllEnvs();
  nameThread(0, () => false);
});
afterAll(() => {
  place.remove();
});

const kill = (): void => {
  run('node', [saver.program, image, saver.after, String(HALF_WAY)]);
  expect(fs.existsSync(journal)).toBe(true);
};

const refusal = (options?: RecoverOptions): unknown => problemOf(() => recover(image, localDisk, options));
const isAsBefore = (): boolean => fs.readFileSync(image).equals(fs.readFileSync(saver.before));
const open = (): Chain => openChain(image, { followsNames: true, former: formerFiles });

// Without native calls process and thread decide.
describe.each(['', 'off'])('a journal whose saver runs (QCOW2_NATIVE=%s)', (native) => {
  beforeEach(() => {
    vi.stubEnv('QCOW2_NATIVE', native);
  });

  it('is left alone, and recovered at once when its process is gone', async () => {
    const saving = await stop(StoppedSaver.process(saver, image, HALF_WAY));
    expect(refusal()).toMatchObject({ code: 'recover.running', value: saving.number });
    expect(refusal({ discard: true })).toMatchObject({ code: 'recover.running' });
    await saving.end();
    expect(recover(image, localDisk)).toBe('rolledBack');
    expect(isAsBefore()).toBe(true);
  });

  it('is left alone, and recovered at once when its thread is gone and its process lives on', async () => {
    const living = new Set<number>();
    nameThread(0, (thread) => living.has(thread));
    const saving = await stop(StoppedSaver.thread(saver, image, HALF_WAY));
    living.add(saving.number);
    expect(refusal()).toMatchObject({ code: 'recover.running', value: process.pid });
    living.clear();
    await saving.end();
    expect(recover(image, localDisk)).toBe('rolledBack');
    expect(isAsBefore()).toBe(true);
  });

  it('is not what an overlay may leave its data to', async () => {
    const overlay = place.path('overlay.qcow2');
    const named = ['-u', '-b', 'image.qcow2', '-F', 'qcow2'];
    run('qemu-img', ['create', '-f', 'qcow2', ...named, overlay, '4M']);
    const saving = await stop(StoppedSaver.process(saver, image, HALF_WAY));
    const chain = openChain(overlay, { followsNames: true, former: formerFiles });
    try {
      expect(
        problemOf(() => {
          refuseSource(chain, 'sameAsBacking');
        }),
      ).toMatchObject({
        code: 'journal.exists',
        file: image,
      });
    } finally {
      chain.close();
      fs.rmSync(overlay);
      await saving.end();
    }
  });

  it('is shown as being saved, at every moment, and the image as it was before', async () => {
    const guest = guestOf(openChain(saver.before, { followsNames: true }));
    for (const call of [2, 3, 5, HALF_WAY, 20]) {
      const saving = await stop(StoppedSaver.process(saver, image, call));
      const chain = open();
      const [note] = chain.view.layers[0]!.notes;
      expect(note).toMatchObject({ code: 'journal.saving', value: saving.number });
      expect({ call, isOld: guestOf(chain).equals(guest) }).toEqual({ call, isOld: true });
      await saving.end();
      recover(image, localDisk);
    }
  });

  it('shows the image as it was before to those who read on when the save is done', async () => {
    const saving = await stop(StoppedSaver.process(saver, image, HALF_WAY));
    const chain = open();
    const guest = guestOf(openChain(saver.before, { followsNames: true }));
    await saving.end();
    // As the save would have gone on.
    recover(image, localDisk);
    expect(chain.isIntact()).toBe(true);
    run('node', [saver.program, image, saver.after]);
    expect(chain.isIntact()).toBe(false);
    fs.copyFileSync(saver.before, image);
    expect(guestOf(chain).equals(guest)).toBe(true);
  });
});

it('a lock decides, whatever the numbers say: those of the dead are given out again', async () => {
  kill();
  const alive = diskOn({ isRunning: () => true });
  expect(recover(image, alive)).toBe('rolledBack');
  await stop(StoppedSaver.process(saver, image, HALF_WAY));
  const dead = diskOn({ isRunning: () => false });
  expect(problemOf(() => recover(image, dead))).toMatchObject({ code: 'recover.running' });
});

it('S3: only one recovery runs at a time', () => {
  kill();
  const first = localDisk.openForChange(journal);
  expect(first.claim()).toBe('taken');
  expect(refusal()).toMatchObject({ code: 'recover.running' });
  first.close();
  expect(recover(image, localDisk)).toBe('rolledBack');
});

describe('a journal that was just made', () => {
  it('is left to its saver, which claims it within a moment', () => {
    fs.writeFileSync(journal, '');
    let made: MutableFile | undefined;
    const disk = diskOn({
      pause: () => {
        fs.rmSync(journal);
        made = createJournal(image, localDisk).file;
        made.write(new Uint8Array(8), hostOffset(0));
      },
    });
    expect(problemOf(() => recover(image, disk))).toMatchObject({ code: 'recover.running' });
    removeJournal(localDisk, made!);
    made!.close();
  });

  it('is made again where a recovery was faster than its saver', () => {
    let isFirst = true;
    const disk = diskOn({
      createExclusive: (name) => {
        const file = localDisk.createExclusive(name);
        if (isFirst) expect(recover(image, diskOn({ pause: () => undefined }))).toBe('untouched');
        isFirst = false;
        return file;
      },
    });
    const { file, writer } = createJournal(image, disk);
    expect(writer.isLocked).toBe(true);
    expect(localDisk.identify(journal)?.inode).toBe(file.identity.inode);
    expect(refusal()).toMatchObject({ code: 'recover.running' });
    file.close();
  });
});

describe.skipIf(process.geteuid?.() !== 0)('a journal that is easier to write than its image', () => {
  it.each([
    { words: 'belongs to another user', image: [0, 0, 0o644], journal: [1000, 1000, 0o600] },
    { words: 'is of another user than the image', image: [1001, 1001, 0o644], journal: [1000, 1000, 0o600] },
    { words: 'all may write, but not the image', image: [0, 0, 0o644], journal: [0, 0, 0o602] },
    { words: 'a group may write, but not the image', image: [0, 0, 0o644], journal: [0, 0, 0o620] },
    { words: 'another group may write', image: [0, 5, 0o664], journal: [0, 6, 0o660] },
  ])('$words: it is not used, and can be discarded', ({ image: of, journal: ofJournal }) => {
    kill();
    give(image, of);
    give(journal, ofJournal);
    const now = fs.readFileSync(image);
    expect(refusal()).toMatchObject({ code: 'journal.access' });
    const chain = open();
    expect(chain.view.layers[0]!.notes).toMatchObject([{ code: 'journal.access' }]);
    chain.close();
    expect(fs.readFileSync(image).equals(now)).toBe(true);
    expect(recover(image, localDisk, { discard: true })).toBe('discarded');
    expect(fs.readFileSync(image).equals(now)).toBe(true);
  });

  it.each([
    { words: 'yours', image: [1000, 1000, 0o644], journal: [0, 0, 0o600] },
    { words: 'the image’s owner’s', image: [1000, 1000, 0o600], journal: [1000, 1000, 0o644] },
    { words: 'one that all may write, as the image', image: [0, 0, 0o666], journal: [0, 0, 0o666] },
    { words: 'one that its group may write, as the image', image: [0, 5, 0o664], journal: [0, 5, 0o660] },
  ])('is not $words', ({ image: of, journal: ofJournal }) => {
    kill();
    give(image, of);
    give(journal, ofJournal);
    expect(recover(image, localDisk)).toBe('rolledBack');
  });
});

describe('what only has the name of a journal', () => {
  it.each([
    [
      'a file of something else',
      () => {
        fs.writeFileSync(journal, 'Monday: bought milk\n');
      },
      'journal.foreign',
    ],
    [
      'a raw disk',
      () => {
        fs.writeFileSync(journal, Buffer.concat([Buffer.alloc(600), Buffer.alloc(600, 7)]));
      },
      'journal.foreign',
    ],
    [
      'a journal whose seal is broken',
      () => {
        fs.writeFileSync(journal, Buffer.from('qcow2-journal 2\n'.padEnd(2048, '?')));
      },
      'journal.broken',
    ],
  ])('%s is named, kept, and can be discarded', (_, make, code) => {
    make();
    const content = fs.readFileSync(journal);
    expect(refusal()).toMatchObject({ code, file: journal });
    const chain = open();
    expect(chain.view.layers[0]!.notes[0]!.code).toBe(code === 'journal.foreign' ? code : 'journal.notShown');
    chain.close();
    expect(fs.readFileSync(journal).equals(content)).toBe(true);
    expect(recover(image, localDisk, { discard: true })).toBe('discarded');
    expect(isAsBefore()).toBe(true);
  });

  it.each([
    [
      'a FIFO',
      () => {
        run('mkfifo', [journal]);
      },
    ],
    [
      'a directory',
      () => {
        fs.mkdirSync(journal);
      },
    ],
    [
      'a character device',
      () => {
        run('mknod', [journal, 'c', '1', '3']);
      },
    ],
    [
      'a symbolic link',
      () => {
        fs.symlinkSync(saver.after, journal);
      },
    ],
    [
      'a symbolic link',
      () => {
        fs.symlinkSync(place.path('nowhere'), journal);
      },
    ],
  ])('%s is named and left alone, by discarding too', (what, make) => {
    make();
    if (fs.lstatSync(journal, { throwIfNoEntry: false }) === undefined) return;
    for (const discard of [false, true]) {
      expect(refusal({ discard })).toMatchObject({ code: 'journal.irregular', what, file: journal });
    }
    const chain = open();
    expect(chain.view.layers[0]!.notes).toMatchObject([{ code: 'journal.irregular', what }]);
    chain.close();
    expect(fs.lstatSync(journal, { throwIfNoEntry: false })).toBeDefined();
    expect(isAsBefore()).toBe(true);
  });
});

function give(file: string, [owner = 0, group = 0, mode = 0]: readonly number[]): void {
  fs.chownSync(file, owner, group);
  fs.chmodSync(file, mode);
}

function guestOf(chain: Chain): Buffer {
  const bytes = Buffer.alloc(chain.top.size);
  readGuest(chain.layers, bytes, guestOffset(0));
  return bytes;
}

/** The local disk with some of its calls replaced. */
const diskOn = (calls: Partial<Disk>): Disk => ({
  ...localDisk,
  writer: localDisk.writer,
  user: localDisk.user,
  ...calls,
});
