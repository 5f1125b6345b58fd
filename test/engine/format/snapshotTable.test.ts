/** A large snapshot table is read once, however often its image is opened. */
import { describe, expect, test } from 'vitest';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { image } from '../../support/imageBuilder';

const MOST = 65536;
const COUNT_AT = 60;
const OFFSET_AT = 64;

/** A header that declares the most snapshots there may be. */
function declaring(offset: number): Buffer {
  const bytes = image().toBuffer();
  bytes.writeUInt32BE(MOST, COUNT_AT);
  bytes.writeBigUInt64BE(BigInt(offset), OFFSET_AT);
  return bytes;
}

const open = (bytes: Buffer, former?: Qcow2Image): Qcow2Image =>
  Qcow2Image.open(new MemoryFile('disk.qcow2', bytes), { former });
const codesOf = ({ faults }: Qcow2Image): string[] => faults.map(({ problem }) => problem.code);

describe('an image that is opened again', () => {
  const bytes = declaring(2 ** 30);
  const former = open(bytes);

  test('takes over the snapshots and their faults where the table has not changed', () => {
    const again = open(bytes, former);
    expect(again.snapshots).toHaveLength(MOST);
    expect(again.snapshots).toBe(former.snapshots);
    expect(again.faults).toStrictEqual(former.faults);
  });

  test('says once that entries are not there, and soon', () => {
    expect(codesOf(former)).toStrictEqual(['table.beyondFile']);
    const began = process.cpuUsage();
    open(bytes);
    const { user, system } = process.cpuUsage(began);
    // With an error for each entry it takes half a second, most of it for their stacks.
    expect((user + system) / 1000).toBeLessThan(250);
  });

  test('reads the table again where its place, its length or one of its bytes has changed', () => {
    expect(open(declaring(2 ** 31), former).snapshots).not.toBe(former.snapshots);
    const fewer = Buffer.from(bytes);
    fewer.writeUInt32BE(MOST - 1, COUNT_AT);
    expect(open(fewer, former).snapshots).toHaveLength(MOST - 1);
    const before = Buffer.concat([declaring(bytes.length), Buffer.alloc(MOST * 40)]);
    const after = Buffer.from(before);
    // The length of the first entry's name, and the name.
    after.writeUInt16BE(8, bytes.length + 14);
    after.write('changed', bytes.length + 40);
    const first = open(before);
    expect(open(before, first).snapshots).toBe(first.snapshots);
    expect(open(after, first).snapshots[0]?.name).toBe('changed');
  });

  test('says that the file ends before the entries where it was longer before', () => {
    const whole = Buffer.concat([declaring(bytes.length), Buffer.alloc(MOST * 40)]);
    const cut = open(whole.subarray(0, -512), open(whole));
    expect(codesOf(cut)).toStrictEqual(['table.beyondFile']);
  });
});
