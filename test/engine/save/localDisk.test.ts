/** Saves of real files: what they keep, what they refuse, and what is left when the program is killed (promise A). */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { readGuest } from '../../../src/qcow2/image/read';
import { openLocalFile } from '../../../src/qcow2/io/localFile';
import { PageStore } from '../../../src/qcow2/io/pageStore';
import { StagedFile } from '../../../src/qcow2/io/stagedFile';
import { CancelledError } from '../../../src/qcow2/errors';
import { JournalReader } from '../../../src/qcow2/save/journalReader';
import { journaledView } from '../../../src/qcow2/save/journaledView';
import { localDisk } from '../../../src/qcow2/save/localDisk';
import { recover } from '../../../src/qcow2/save/recover';
import { save, type SaveOptions } from '../../../src/qcow2/save/save';
import { makeSaverToKill } from '../../faults/saverToKill';
import { stage } from '../../faults/scenarios';
import { SimulatedDisk } from '../../faults/simulatedDisk';
import { run } from '../../support/process';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';
import { guestOffset, hostOffset } from '../../../src/qcow2/units';

const place = workspace();
afterAll(() => {
  place.remove();
});

let before: string;
let after: string;
let saver: string;

beforeAll(async () => {
  ({ before, after, program: saver } = await makeSaverToKill(place));
});

/** A fresh copy of the image in a folder of its own. */
function copy(name: string): string {
  const folder = place.path(name);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  const file = path.join(folder, 'image.qcow2');
  fs.copyFileSync(before, file);
  return file;
}

function staged(file: string): StagedFile {
  const image = new StagedFile(openLocalFile(file), new PageStore(place.path('scratch')));
  stage(image, fs.readFileSync(before), fs.readFileSync(after));
  return image;
}

function saveTo(file: string, options?: SaveOptions): ReturnType<typeof save> {
  const image = staged(file);
  try {
    return save({ image }, localDisk, options);
  } finally {
    image.close();
  }
}

const guestOf = (file: string): Buffer => {
  const raw = place.path('guest.raw');
  mustQemuImg(['convert', '-O', 'raw', file, raw]);
  return fs.readFileSync(raw);
};

describe('a save of a real file', () => {
  it('makes it what was staged, in place, and leaves no journal', () => {
    const file = copy('plain');
    fs.chmodSync(file, 0o640);
    const { ino } = fs.statSync(file);
    const report = saveTo(file);
    expect(report.bytes).toBeGreaterThan(64 * 1024);
    expect(report.groups).toHaveProperty('tree');
    expect(guestOf(file).equals(guestOf(after))).toBe(true);
    expect(qemuImg(['check', file]).status).toBe(0);
    expect(fs.statSync(file).ino).toBe(ino);
    expect(fs.statSync(file).mode & 0o777).toBe(0o640);
    expect(fs.readdirSync(path.dirname(file))).toEqual(['image.qcow2']);
  });

  it('writes through a symbolic link, with the journal beside what it leads to', () => {
    const file = copy('linked');
    const link = place.path('link.qcow2');
    fs.rmSync(link, { force: true });
    fs.symlinkSync(file, link);
    let seen: string[] = [];
    saveTo(link, {
      lock: () => {
        seen = fs.readdirSync(path.dirname(file));
        return { release: () => undefined };
      },
    });
    expect(seen).toContain('image.qcow2-journal');
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    expect(guestOf(file).equals(guestOf(after))).toBe(true);
  });

  it('makes the journal readable for its owner alone', () => {
    const file = copy('mode');
    let mode = 0;
    saveTo(file, {
      lock: () => {
        mode = fs.statSync(`${file}-journal`).mode & 0o777;
        return { release: () => undefined };
      },
    });
    expect(mode).toBe(0o600);
  });

  it('refuses a file with several names', () => {
    const file = copy('hard');
    fs.linkSync(file, `${file}.other`);
    expect(problemOf(() => saveTo(file))).toMatchObject({ code: 'save.hardLinks', value: 2 });
    expect(fs.readFileSync(file).equals(fs.readFileSync(before))).toBe(true);
  });

  it('refuses a file that another program has changed, before and after the journal is created', () => {
    const file = copy('changed');
    const image = staged(file);
    fs.appendFileSync(file, 'x');
    expect(problemOf(() => save({ image }, localDisk))).toMatchObject({ code: 'save.changedOutside' });
    image.close();
    const other = copy('changed');
    const lock = (): { release(): void } => {
      fs.appendFileSync(other, 'x');
      return { release: () => undefined };
    };
    expect(problemOf(() => saveTo(other, { lock }))).toMatchObject({ code: 'save.changedOutside' });
    expect(fs.readdirSync(path.dirname(other))).toEqual(['image.qcow2']);
  });

  it('sees a change that left size and time as they were', () => {
    const disk = new SimulatedDisk(new Map([['/image', new Uint8Array(fs.readFileSync(before))]]));
    const image = new StagedFile(disk.open('/image'), new PageStore(place.path('scratch')));
    stage(image, fs.readFileSync(before), fs.readFileSync(after));
    image.fill(hostOffset(2048), 8, 1, 1);
    // In the header's page, which the save writes.
    disk.content('/image')[2000]! ^= 1;
    const changed = disk.state.get('/image');
    expect(problemOf(() => save({ image }, disk))).toMatchObject({ code: 'save.changedOutside' });
    expect(disk.state).toEqual(new Map([['/image', changed]]));
  });

  it('refuses while there is a journal (S3)', () => {
    const file = copy('busy');
    fs.writeFileSync(`${file}-journal`, '');
    expect(problemOf(() => saveTo(file))).toMatchObject({ code: 'journal.exists' });
    expect(recover(file, localDisk)).toBe('untouched');
    saveTo(file);
  });

  it('can be cancelled until the journal is sealed, and leaves nothing then (S1, S9)', () => {
    const file = copy('cancelled');
    let asked = 0;
    const checkCancelled = (): void => {
      if (++asked > 20) throw new CancelledError(file);
    };
    const progress = { report: () => undefined, checkCancelled };
    expect(problemOf(() => saveTo(file, { progress }))).toMatchObject({ code: 'cancelled' });
    expect(fs.readFileSync(file).equals(fs.readFileSync(before))).toBe(true);
    expect(fs.readdirSync(path.dirname(file))).toEqual(['image.qcow2']);
  });

  it('writes nothing where nothing is staged', () => {
    const file = copy('same');
    const image = new StagedFile(openLocalFile(file), new PageStore(place.path('scratch')));
    image.write(fs.readFileSync(file).subarray(0, 8192), hostOffset(0));
    const { mtimeMs } = fs.statSync(file);
    expect(save({ image }, localDisk)).toEqual({ writes: 0, bytes: 0, flushes: 0, groups: {}, journal: 0 });
    expect(fs.statSync(file).mtimeMs).toBe(mtimeMs);
    image.close();
  });
});

describe('a saver that is killed', () => {
  it('leaves what recovery makes old or new, at every call', () => {
    const calls = Number(run('node', [saver, copy('killed'), after]).stdout.toString());
    expect(calls).toBeGreaterThan(15);
    const whole = guestOf(after);
    const outcomes = new Set<string>();
    for (let call = 0; call < calls; call++) {
      const file = copy('killed');
      expect(run('node', [saver, file, after, String(call)]).status).toBe(-1);
      const outcome = recover(file, localDisk);
      outcomes.add(outcome);
      const isOld = fs.readFileSync(file).equals(fs.readFileSync(before));
      const isNew = !isOld && guestOf(file).equals(whole);
      expect({ call, isOldOrNew: isOld || isNew }).toEqual({ call, isOldOrNew: true });
      expect(qemuImg(['check', file]).status).toBe(0);
      expect(fs.readdirSync(path.dirname(file))).toEqual(['image.qcow2']);
    }
    expect([...outcomes].sort()).toEqual(['completed', 'none', 'rolledBack', 'untouched']);
  });

  it('leaves an image that reads as it was, without being changed', () => {
    const calls = Number(run('node', [saver, copy('view'), after]).stdout.toString());
    const whole = guestOf(before);
    let shown = 0;
    for (let call = 8; call < calls - 6; call += 2) {
      const file = copy('view');
      run('node', [saver, file, after, String(call)]);
      const now = fs.readFileSync(file);
      const journal = localDisk.openForChange(`${file}-journal`);
      const plain = { image: openLocalFile(file), dataFile: undefined };
      const view = journaledView(plain, new JournalReader(journal), false);
      if (view.image !== plain.image) shown++;
      const image = Qcow2Image.open(view.image);
      const guest = Buffer.alloc(image.size);
      readGuest([image], guest, guestOffset(0));
      expect({ call, isOld: guest.equals(whole) }).toEqual({ call, isOld: true });
      const bytes = Buffer.alloc(view.image.size);
      view.image.read(bytes, hostOffset(0));
      expect(bytes.equals(fs.readFileSync(before))).toBe(true);
      image.close();
      journal.close();
      expect(fs.readFileSync(file).equals(now)).toBe(true);
    }
    expect(shown).toBeGreaterThan(2);
  });
});

describe('recovery', () => {
  const killed = (name: string, env: Readonly<Record<string, string>> = {}): string => {
    const file = copy(name);
    run('node', [saver, file, after, '12'], { env });
    expect(fs.existsSync(`${file}-journal`)).toBe(true);
    return file;
  };

  it('has nothing to do without a journal', () => {
    expect(recover(copy('none'), localDisk)).toBe('none');
  });

  it('refuses while the saver runs, or may run on another machine, where no lock tells', () => {
    const file = killed('running', { QCOW2_NATIVE: 'off' });
    const now = fs.readFileSync(file);
    const alive = { ...localDisk, writer: localDisk.writer, isRunning: () => true };
    expect(problemOf(() => recover(file, alive))).toMatchObject({ code: 'recover.running' });
    const elsewhere = { ...localDisk, writer: localDisk.writer, isRunning: () => undefined };
    expect(problemOf(() => recover(file, elsewhere))).toMatchObject({ code: 'recover.otherMachine' });
    expect(fs.readFileSync(file).equals(now)).toBe(true);
    expect(recover(file, elsewhere, { trustsOtherMachine: true })).toBe('rolledBack');
  });

  it('keeps a journal that is broken, and changes nothing', () => {
    const file = killed('broken');
    const journal = fs.readFileSync(`${file}-journal`);
    journal[1500]! ^= 1;
    fs.writeFileSync(`${file}-journal`, journal);
    const now = fs.readFileSync(file);
    expect(problemOf(() => recover(file, localDisk))).toMatchObject({ code: 'journal.broken' });
    expect(fs.readFileSync(file).equals(now)).toBe(true);
    expect(recover(file, localDisk, { discard: true })).toBe('discarded');
    expect(fs.existsSync(`${file}-journal`)).toBe(false);
    expect(fs.readFileSync(file).equals(now)).toBe(true);
  });

  it('refuses a symbolic link in place of the journal', () => {
    const file = copy('symlink');
    fs.symlinkSync(before, `${file}-journal`);
    expect(problemOf(() => recover(file, localDisk))).toMatchObject({ code: 'journal.irregular' });
  });
});
