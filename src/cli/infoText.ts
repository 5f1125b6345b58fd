/** `qemu-img info` for people, line for line as QEMU 7.2 prints it (block/qapi.c, `bdrv_image_info_dump`). */
import { printable } from '../text/printable';
import type { ImageInfo } from '../qcow2/report/info';
import { isList } from '../text/qemuJson';
import type { JsonValue } from '../text/qemuJson';
import { sizeText } from '../text/sizeText';

/** C writes a number that is rounded to 1000 with an exponent. */
const cSizeText = (bytes: number): string => sizeText(bytes).replace(/^1000 /, '1e+03 ');

/** Writes whole lines; unlike QEMU's, with names as `printable` shows them. There may be 65,536 snapshots. */
export function writeInfoText(info: ImageInfo, write: (line: string) => void): void {
  for (const line of infoLines(info)) write(`${printable(line)}\n`);
}

function* infoLines(info: ImageInfo): Generator<string> {
  const virtualSize = Number(info['virtual-size']);
  yield `image: ${info.filename}`;
  yield `file format: ${text(info['format'])}`;
  yield `virtual size: ${cSizeText(virtualSize)} (${virtualSize} bytes)`;
  yield `disk size: ${cSizeText(Number(info['actual-size']))}`;
  if (info['encrypted'] === true) yield 'encrypted: yes';
  if (info['cluster-size'] !== undefined) yield `cluster_size: ${text(info['cluster-size'])}`;
  if (info['dirty-flag'] === true) yield 'cleanly shut down: no';
  yield* backingLines(info);
  yield* snapshotLines(info['snapshots']);
  yield* formatSpecificLines(info['format-specific']);
}

function backingLines(info: ImageInfo): string[] {
  const name = info['backing-filename'];
  if (name === undefined) return [];
  const full = info['full-backing-filename'];
  const actual = full === name ? '' : ` (actual path: ${text(full)})`;
  const format = info['backing-filename-format'];
  return [
    `backing file: ${text(name)}${actual}`,
    ...(format === undefined ? [] : [`backing file format: ${text(format)}`]),
  ];
}

const SNAPSHOT_TITLES = `${'ID'.padEnd(10)}${'TAG'.padEnd(17)}${'VM SIZE'.padStart(8)}${'DATE'.padStart(20)}${'VM CLOCK'.padStart(13)}${'ICOUNT'.padStart(11)}`;

function* snapshotLines(snapshots: JsonValue | undefined): Generator<string> {
  if (snapshots === undefined || !isList(snapshots)) return;
  yield 'Snapshot list:';
  yield SNAPSHOT_TITLES;
  for (const snapshot of snapshots) yield snapshotLine(membersOf(snapshot));
}

function snapshotLine(snapshot: ReadonlyMap<string, JsonValue>): string {
  const id = text(snapshot.get('id'));
  const name = text(snapshot.get('name'));
  return [
    `${padBytesEnd(id, 9)} ${padBytesEnd(name, 16)} `,
    cSizeText(Number(snapshot.get('vm-state-size'))).padStart(8),
    localTime(Number(snapshot.get('date-sec'))).padStart(20),
    clock(Number(snapshot.get('vm-clock-sec')), Number(snapshot.get('vm-clock-nsec'))).padStart(13),
    text(snapshot.get('icount')).padStart(11),
  ].join('');
}

/** C pads to a number of bytes, not of characters. */
function padBytesEnd(value: string, width: number): string {
  return value + ' '.repeat(Math.max(0, width - Buffer.byteLength(value)));
}

function localTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[two(date.getHours()), two(date.getMinutes()), two(date.getSeconds())].join(':')}`;
}

function clock(seconds: number, nanoseconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60].map(
    two,
  );
  return `${parts.join(':')}.${String(Math.floor(nanoseconds / 1e6)).padStart(3, '0')}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function formatSpecificLines(specific: JsonValue | undefined): string[] {
  if (specific === undefined) return [];
  const data = membersOf(specific).get('data');
  return ['Format specific information:', ...(data === undefined ? [] : memberLines(data, 1))];
}

/** One line a scalar; what has parts gets a line of its own and theirs below, indented by four. */
function memberLines(value: JsonValue, level: number): string[] {
  return [...membersOf(value)].flatMap(([key, member]) => {
    const name = `${'    '.repeat(level)}${isList(value) ? key : key.replace(/[-_]/g, ' ')}:`;
    return typeof member === 'object'
      ? [name, ...memberLines(member, level + 1)]
      : [`${name} ${text(member)}`];
  });
}

/** The members of an object, or the items of a list under `[0]`, `[1]`, … */
function membersOf(value: JsonValue): ReadonlyMap<string, JsonValue> {
  if (typeof value !== 'object') return new Map();
  if (isList(value)) return new Map(value.map((item, index) => [`[${index}]`, item]));
  return new Map(
    Object.entries(value).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}

function text(value: JsonValue | undefined): string {
  if (value === undefined || typeof value === 'object') return '';
  return String(value);
}
