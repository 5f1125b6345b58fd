/**
 * Random LVM2 groups, made by lvm itself without activation on loop devices (root only), compared with what lvm says of their
 * segments: each sector of each linear or striped volume, and the extents of no volume.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { openDisk } from '../../../src/guest/disk';
import { deviceOffset } from '../../../src/guest/units';
import type { Random } from '../../support/builder/random';
import { FileDevice } from '../../support/guest/devices';
import { run } from '../../support/process';

const MiB = 1024 * 1024;
const SECTOR = 512;
/** Milliseconds: tools wait until what they wrote is on the disk of a machine that may be busy. */
const PATIENCE = 120_000;
/** Bytes from the start of one physical volume to the next one's. */
const APART = 8 * MiB;
const GROUP = 'soaked';

export const canMakeVolumes = (): boolean =>
  process.getuid?.() === 0 && ['/sbin/lvm', '/usr/sbin/lvm'].some((program) => fs.existsSync(program));

interface Segment {
  readonly lv_name: string;
  readonly stripe_size: string;
  readonly seg_start_pe: string;
  readonly seg_size_pe: string;
  readonly seg_pe_ranges: string;
}

/** @param file made here: a GPT with up to four physical volumes, whose sectors hold their own number */
export function compareVolumes(
  random: Random,
  file: string,
  tell: ((line: string) => void) | undefined,
): void {
  const count = 1 + random.below(4);
  makeDisk(file, count);
  const loops: string[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const place = ['--offset', String(MiB + index * APART), '--sizelimit', String(APART)];
      loops.push(String(must('losetup', ['--find', '--show', ...place, file])).trim());
    }
    compare(random, file, loops, tell);
  } finally {
    for (const loop of loops) run('losetup', ['--detach', loop]);
  }
}

function must(program: string, args: readonly string[], input = ''): Buffer {
  const { status, stdout, stderr } = run(program, args, { input, timeout: PATIENCE });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function makeDisk(file: string, count: number): void {
  const size = 2 * MiB + count * APART;
  const bytes = Buffer.alloc(size);
  for (let sector = MiB / SECTOR; sector < (size - MiB) / SECTOR; sector++)
    bytes.writeDoubleLE(sector, sector * SECTOR);
  fs.writeFileSync(file, bytes);
  const numbers = Array.from({ length: count }, (_, index) => index);
  must('sgdisk', [
    '--set-alignment=1',
    ...numbers.map((index) => `--new=${index + 1}:${1 + index * 8}M:+${APART / MiB}M`),
    file,
  ]);
}

function compare(
  random: Random,
  file: string,
  loops: readonly string[],
  tell?: (line: string) => void,
): void {
  const filter = [...loops.map((loop) => `"a|^${loop}$|"`), '"r|.*|"'].join(',');
  const config =
    `devices { use_devicesfile=0 scan=["/dev"] filter=[${filter}] } ` +
    'activation { monitoring=0 udev_sync=0 udev_rules=0 } backup { backup=0 archive=0 }';
  const lvm = (command: string, ...args: string[]): string => {
    tell?.(`lvm ${command} ${args.join(' ')}`);
    const all = [command, '--driverloaded', 'n', '--config', config, ...args];
    const { stdout, stderr } = run('lvm', all, { timeout: PATIENCE });
    tell?.(stderr);
    return String(stdout);
  };
  const extent = random.pick([4, 64, 256]) * 1024;
  lvm(
    'pvcreate',
    '-ff',
    '-y',
    '--dataalignment',
    '64k',
    '--metadatasize',
    random.pick(['60k', '508k']),
    ...loops,
  );
  lvm('vgcreate', '-s', `${extent / 1024}k`, GROUP, ...loops);
  const fresh = ['-a', 'n', '-Z', 'n', '-W', 'n'];
  // What there is no room for fails, and changes nothing.
  for (let step = 0; step < 8; step++) {
    const name = `v${random.below(4)}`;
    const most = Math.floor((loops.length * APART) / extent / 4);
    const extents = String(1 + random.below(Math.max(1, most)));
    const stripes = 1 + random.below(loops.length);
    const striped = stripes === 1 ? [] : ['-i', String(stripes), '-I', `${random.pick([4, 16, 64])}k`];
    if (random.below(4) === 0) lvm('lvremove', '-f', `${GROUP}/${name}`);
    else if (random.below(3) === 0) lvm('lvextend', '-l', `+${extents}`, ...striped, `${GROUP}/${name}`);
    else lvm('lvcreate', ...fresh, '-n', name, '-l', extents, ...striped, GROUP);
  }
  const report = (command: string, fields: string): string =>
    lvm(command, '--reportformat', 'json', '--segments', '--units', 'b', '--nosuffix', '-o', fields);
  const fields = 'lv_name,stripe_size,seg_start_pe,seg_size_pe,seg_pe_ranges';
  const segments = (JSON.parse(report('lvs', fields)) as { report: [{ seg: Segment[] }] }).report[0].seg;
  const pieces = (
    JSON.parse(report('pvs', 'pv_name,pe_start,pvseg_start,pvseg_size,lv_name')) as {
      report: [{ pvseg: Record<string, string>[] }];
    }
  ).report[0].pvseg;
  for (const loop of loops) must('blockdev', ['--flushbufs', loop]);
  /** Bytes of the disk. */
  const placeOf = (loop: string, index: number): number => {
    const start = pieces.find(({ pv_name }) => pv_name === loop)!['pe_start'];
    return MiB + loops.indexOf(loop) * APART + Number(start) + index * extent;
  };

  const disk = openDisk(new FileDevice(file), {});
  assert.deepEqual(disk.problems, []);
  const volumes = disk.parts.filter(({ origin }) => origin.kind === 'volume');
  const names = new Set(segments.map(({ lv_name }) => `${GROUP}/${lv_name}`));
  assert.deepEqual(volumes.map(({ path }) => path).sort(), [...names].sort());
  for (const { path, device } of volumes) {
    const bytes = Buffer.alloc(device!.size);
    device!.read(bytes, deviceOffset(0));
    const own = segments.filter(({ lv_name }) => `${GROUP}/${lv_name}` === path);
    for (const segment of own) compareSegment(bytes, segment, extent, placeOf, path);
    const extents = own.reduce((sum, { seg_size_pe }) => sum + Number(seg_size_pe), 0);
    assert.equal(device!.size, extents * extent, path);
  }
  const free: string[] = [];
  for (const { device, ranges } of disk.groups[0]!.free) {
    const index = disk.parts.findIndex((part) => part.device === device);
    ranges.forEach((start, end) => free.push(`${MiB + index * APART + start} ${end - start}`));
  }
  const theirs = pieces
    .filter(({ lv_name }) => lv_name === '')
    .map((piece) => {
      const { pv_name = '', pvseg_start, pvseg_size } = piece;
      return `${placeOf(pv_name, Number(pvseg_start))} ${Number(pvseg_size) * extent}`;
    });
  assert.deepEqual(free.sort(), theirs.sort());
}

function compareSegment(
  bytes: Buffer,
  segment: Segment,
  extent: number,
  placeOf: (loop: string, index: number) => number,
  path: string,
): void {
  const stripes = segment.seg_pe_ranges.split(' ').map((range) => {
    const [, loop = '', first = ''] = /^(.*):(\d+)-\d+$/.exec(range)!;
    return placeOf(loop, Number(first));
  });
  const start = Number(segment.seg_start_pe) * extent;
  const length = Number(segment.seg_size_pe) * extent;
  const chunk = stripes.length === 1 ? length : Number(segment.stripe_size);
  for (let at = 0; at < length; at += SECTOR) {
    const turn = Math.floor(at / chunk);
    const within = Math.floor(turn / stripes.length) * chunk + (at % chunk);
    const expected = (stripes[turn % stripes.length]! + within) / SECTOR;
    assert.equal(bytes.readDoubleLE(start + at), expected, `${path} at ${start + at}`);
  }
}
