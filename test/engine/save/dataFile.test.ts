/** Which external data file a recovery writes to: the one that the save changed, or one that was confirmed. */
import * as fs from 'node:fs';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { recoverImage, type RecoverTrust } from '../../../src/qcow2/edit/interrupted';
import type { DiskFileIdentity, Writer } from '../../../src/qcow2/save/disk';
import { localDisk } from '../../../src/qcow2/save/localDisk';
import type { RecoverOutcome } from '../../../src/qcow2/save/recover';
import { forgeJournal } from '../../support/forgedJournal';
import { mustQemuImg } from '../../support/qemu';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';

const place = workspace();
const image = place.path('image.qcow2');
const diary = place.path('diary.txt');
const CONTENT = Buffer.from('Dear diary\n'.padEnd(65536, '.'));
const INTRUDED = new Uint8Array(512).fill(0x21);

beforeEach(() => {
  fs.rmSync(image, { force: true });
  fs.rmSync(`${image}-journal`, { force: true });
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', `data_file=${diary},data_file_raw=on`, image, '64k']);
  fs.writeFileSync(diary, CONTENT);
});
afterAll(() => {
  place.remove();
});

const gone: Writer = { ...localDisk.writer, pid: 2 ** 22 + 1, isLocked: true };
const isIntact = (): boolean => fs.readFileSync(diary).equals(CONTENT);
const own = (): DiskFileIdentity => localDisk.identify(diary)!;
const forge = (writer: Partial<Writer> = {}, identity: Partial<DiskFileIdentity> = {}, offset = 0): void => {
  forgeJournal({
    image,
    target: diary,
    offset,
    content: INTRUDED,
    writer: { ...gone, ...writer },
    identity: { ...own(), ...identity },
  });
};
const tryToRecover = (trust: RecoverTrust = {}): RecoverOutcome =>
  recoverImage(image, { followsNames: true }, trust);
const refusal = (trust?: RecoverTrust): unknown => problemOf(() => tryToRecover(trust));

describe('a journal that fits a file of yours, which the image names as its data file', () => {
  const foreign: readonly [string, Partial<Writer>, Partial<DiskFileIdentity>][] = [
    ['has another inode', {}, { inode: '7' }],
    ['has another device, within one boot', {}, { device: '7' }],
    ['is of another machine, whatever its numbers', { host: 'elsewhere' }, {}],
    ['is of another machine, and of another file', { host: 'elsewhere' }, { inode: '7' }],
  ];

  it.each(foreign)('%s: nothing is written, with any other trust there is', (_, writer, identity) => {
    forge(writer, identity);
    const trust = { trustsOtherMachine: true, trustsVersion2: true };
    expect(refusal(trust)).toMatchObject({ code: 'recover.dataFile', value: diary });
    expect(refusal({ ...trust, trustsDataFile: { path: `${diary}.other` } })).toMatchObject({
      code: 'recover.dataFile',
    });
    expect(isIntact()).toBe(true);
    expect(fs.existsSync(`${image}-journal`)).toBe(true);
  });

  it('is used once that very path was confirmed', () => {
    forge({}, { inode: '7' });
    expect(tryToRecover({ trustsDataFile: { path: diary } })).toBe('rolledBack');
    expect(isIntact()).toBe(false);
  });

  it('is used on the file that was saved, after the machine was started again, too', () => {
    forge();
    expect(tryToRecover()).toBe('rolledBack');
    fs.writeFileSync(diary, CONTENT);
    forge({ boot: 'before' }, { device: '7' });
    expect(tryToRecover()).toBe('rolledBack');
  });
});

it('a journal with a data file, beside an image that names none, is not used', () => {
  forge();
  const plain = place.path('plain.qcow2');
  mustQemuImg(['create', '-q', '-f', 'qcow2', plain, '64k']);
  fs.renameSync(plain, image);
  expect(refusal()).toMatchObject({ code: 'recover.noDataFile', value: diary });
  expect(isIntact()).toBe(true);
});

it('a journal with a record past every end that a file had or gets is broken, and makes none longer', () => {
  forge({}, {}, 2 ** 30);
  expect(refusal()).toMatchObject({ code: 'journal.broken', what: 'record' });
  expect(isIntact()).toBe(true);
});
