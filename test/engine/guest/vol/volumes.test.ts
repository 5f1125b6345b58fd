/** LVM2: groups that lvm made, judged by what lvm says of their segments. */
import { describe, expect, test } from 'vitest';
import { openDisk } from '../../../../src/guest/disk';
import { GuestError } from '../../../../src/guest/errors';
import { readPartitions } from '../../../../src/guest/partitions/readPartitions';
import { deviceOffset } from '../../../../src/guest/units';
import { parseConfig } from '../../../../src/guest/volumes/configText';
import { seededRandom } from '../../../support/builder/random';
import type { SparseDevice } from '../../../support/guest/sparse';
import { sectorsOf, volDisks } from '../../../support/guest/volDisks';

const kept = volDisks();
const SECTOR = 512;

describe('linear and striped volumes', () => {
  const disk = kept.disk('lvm');
  // All but the partition tables.
  disk.stamped = [1024 * 1024, 61 * 1024 * 1024];
  const { groups, parts, problems } = openDisk(disk, {});
  const { segments, group, free } = kept.judged['lvm']!;
  const names = [...new Set(segments!.map(({ lv_name }) => lv_name))];

  test('are found with their names, identifiers and sizes', () => {
    expect(problems).toEqual([]);
    expect(groups.map(({ name, uuid }) => [name, uuid])).toEqual([[group!.vg_name, group!.vg_uuid]]);
    const volumes = groups[0]!.volumes.map(({ path, uuid, size }) => `${path} ${uuid} ${size}`).sort();
    const theirs = new Set(
      segments!.map(({ lv_name, lv_uuid, lv_size }) => `vg0/${lv_name} ${lv_uuid} ${lv_size}`),
    );
    expect(volumes).toEqual([...theirs].sort());
    expect(parts.map(({ path }) => path)).toEqual(['1', '2', '3', 'vg0/root', 'vg0/three', 'vg0/two']);
    expect(parts[0]!.problem).toEqual({ code: 'disk.volumes', what: 'partition 1', value: 'vg0' });
  });

  test.each(names)('%s has each sector where lvm has it', (name) => {
    const { device } = parts.find(({ path }) => path === `vg0/${name}`)!;
    const expected = sectorsOf(
      disk,
      segments!.filter(({ lv_name }) => lv_name === name),
    );
    expect(device!.size).toBe(expected.length * SECTOR);
    const bytes = new Uint8Array(device!.size);
    device!.read(bytes, deviceOffset(0));
    const view = new DataView(bytes.buffer);
    const found = expected.map((_, sector) => Number(view.getBigUint64(sector * SECTOR, true)));
    expect(found).toEqual(expected);
    // Reads that begin and end anywhere.
    const random = seededRandom(7);
    for (let turn = 0; turn < 200; turn++) {
      const at = random.below(bytes.length);
      const part = new Uint8Array(random.below(Math.min(40_000, bytes.length - at)));
      device!.read(part, deviceOffset(at));
      expect(Buffer.compare(part, bytes.subarray(at, at + part.length))).toBe(0);
    }
  });

  test('leave the extents that lvm shows as free', () => {
    const size = Number(group!.vg_extent_size);
    const theirs = free!
      .filter(({ lv_name }) => lv_name === '')
      .map(({ pv_name, pvseg_start, pvseg_size }) => {
        const own = Number(pv_name.replace(':', '')) - 1;
        const start =
          readPartitions(disk).partitions[own]!.start +
          Number(kept.judged['lvm']!.volumes![own]!.pe_start) +
          Number(pvseg_start) * size;
        return `${start} ${start + Number(pvseg_size) * size}`;
      });
    const own: string[] = [];
    for (const { device, ranges } of groups[0]!.free) {
      const { start } = readPartitions(disk).partitions.find(
        (partition) =>
          partition.size === device.size &&
          parts.some((part) => part.device === device && part.path === String(partition.number)),
      )!;
      ranges.forEach((from, to) => own.push(`${start + from} ${start + to}`));
    }
    expect(own.sort()).toEqual(theirs.sort());
  });
});

describe('a group with other volumes', () => {
  const { groups, parts } = openDisk(kept.disk('lvm-others'), {});
  const mixed = groups.find(({ name }) => name === 'mixed')!;
  const gone = groups.find(({ name }) => name === 'gone')!;

  test('has the volumes that lvm shows, by the same sizes', () => {
    const theirs = kept.judged['lvm-others']!.volumes! as readonly (Record<string, string> | undefined)[];
    const shown = theirs.filter((one) => one!['vg_name'] === 'mixed' && !one!['lv_name']!.startsWith('['));
    const sizes = new Map(mixed.volumes.map(({ path, size }) => [path, size]));
    for (const one of shown) {
      const path = `mixed/${one!['lv_name']}`;
      // The pool is not shown as a volume, and a snapshot is as long as its origin.
      if (sizes.has(path) && path !== 'mixed/snap')
        expect([path, sizes.get(path)]).toEqual([path, Number(one!['lv_size'])]);
    }
    expect([...sizes.keys()].sort()).toEqual([
      'mixed/m',
      'mixed/origin',
      'mixed/plain',
      'mixed/r1',
      'mixed/snap',
      'mixed/thin',
    ]);
  });

  test('reads the linear ones, and says of each other one why not', () => {
    const state = Object.fromEntries(
      mixed.volumes.map(({ path, device, problems }) => [
        path,
        [device !== undefined, problems.map(({ code, value }) => `${code} ${value}`)],
      ]),
    );
    expect(state).toEqual({
      'mixed/plain': [true, []],
      'mixed/origin': [true, ['volume.type snapshot']],
      'mixed/snap': [false, ['volume.type snapshot']],
      'mixed/thin': [false, ['volume.type thin']],
      'mixed/r1': [false, ['volume.type raid1']],
      'mixed/m': [false, ['volume.type mirror']],
    });
    expect(parts.find(({ path }) => path === 'mixed/thin')!.problem).toEqual({
      code: 'volume.type',
      what: 'mixed/thin',
      value: 'thin',
    });
  });

  test('gives up none of its extents', () => {
    expect(mixed.free).toEqual([]);
    expect(mixed.freeProblems.map(({ code }) => code)).toEqual(['volume.others']);
  });

  test('reads what is wholly on this disk where a physical volume is missing', () => {
    expect(
      gone.volumes.map(({ path, device, problems }) => [
        path,
        device !== undefined,
        problems.map(({ code }) => code),
      ]),
    ).toEqual([
      ['gone/here', true, []],
      ['gone/half', false, ['volume.missing']],
      ['gone/away', false, ['volume.missing']],
    ]);
    expect(gone.free).toEqual([]);
  });
});

describe('metadata', () => {
  const flip = (device: SparseDevice, at: number): void => {
    const byte = new Uint8Array(1);
    device.read(byte, deviceOffset(at));
    byte[0]! ^= 1;
    device.write(at, byte);
  };
  const START = 1024 * 1024;

  test('is read from another physical volume where one area is damaged, and believed no more', () => {
    const disk = kept.disk('lvm');
    flip(disk, START + 4096 + 20);
    const { groups } = openDisk(disk, {});
    expect(groups[0]!.volumes.every(({ device }) => device !== undefined)).toBe(true);
    expect(groups[0]!.problems.map(({ code }) => code)).toEqual(['guest.checksum']);
    expect(groups[0]!.free).toEqual([]);
  });

  test('counts for nothing where the label is damaged: the volume is missing', () => {
    const disk = kept.disk('lvm');
    flip(disk, START + 512 + 100);
    const { groups } = openDisk(disk, {});
    expect(groups[0]!.volumes.filter(({ device }) => device === undefined).length).toBeGreaterThan(0);
    expect(groups[0]!.free).toEqual([]);
  });

  test('is parsed within limits, whatever it declares', () => {
    const text = (content: string): string => {
      try {
        parseConfig(content, { bytes: 0, tokens: 100_000 });
        return 'parsed';
      } catch (error) {
        if (error instanceof GuestError) return error.problem.code;
        throw error;
      }
    };
    expect(text('a { b = 1\nc = ["x", -2, 3.5, []]')).toBe('volume.metadata');
    expect(text('a = "never ended')).toBe('volume.metadata');
    expect(text('a = "ends in \\')).toBe('volume.metadata');
    expect(text('a = [1, 2')).toBe('volume.metadata');
    expect(text('a { '.repeat(100_000))).toBe('volume.metadata');
    expect(text('a = [' + '1,'.repeat(400_000) + ']')).toBe('volume.metadata');
    expect(text('a=1\n'.repeat(400_000))).toBe('volume.metadata');
    expect(text(`a = "${'\\"'.repeat(400_000)}"`)).toBe('volume.metadata');
    expect(text(`a = "${'\\"'.repeat(20_000)}"`)).toBe('parsed');
    expect(text(`#${' '.repeat(8_000_000)}`)).toBe('parsed');
    const config = parseConfig('# c\nvg { 1x { n = -5 } s = "a \\"b\\" \\\\" l = ["pv0", 0] }\0rubbish', {
      bytes: 0,
      tokens: 100,
    });
    expect(JSON.stringify(config, (_, value: unknown) => (value instanceof Map ? [...value] : value))).toBe(
      '[["vg",[["1x",[["n",-5]]],["s","a \\"b\\" \\\\"],["l",["pv0",0]]]]]',
    );
  });
});
