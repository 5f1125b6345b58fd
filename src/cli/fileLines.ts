/** Files inside a disk as `ls` shows them. */
import type { FileInfo, FileType } from '../guest/fileSystem';
import { printable } from '../text/printable';
import type { JsonValue } from '../text/qemuJson';
import type { Alignment } from './textTable';

const TYPE_LETTERS: Readonly<Record<FileType, string>> = {
  file: '-',
  folder: 'd',
  link: 'l',
  blockDevice: 'b',
  characterDevice: 'c',
  pipe: 'p',
  socket: 's',
  other: '?',
};

/** What `-l` shows in front of the name. */
export const LONG_COLUMNS: readonly Alignment[] = ['left', 'right', 'right', 'right', 'left', 'left'];

/** @param name as it is shown, on one line */
export const longCells = (info: FileInfo, name: string): readonly string[] => [
  modeText(info),
  info.owner === undefined ? '-' : String(info.owner),
  info.group === undefined ? '-' : String(info.group),
  String(info.size),
  info.modified === undefined ? '-' : timeText(info.modified),
  info.type === 'link' ? `${name} -> ${printable(info.target ?? '?')}` : name,
];

/** `-rwxr-xr-x`, with set-user-ID, set-group-ID and sticky as `ls` shows them; the type alone where there are no permissions. */
function modeText({ type, mode }: FileInfo): string {
  const letter = TYPE_LETTERS[type];
  if (mode === undefined) return letter;
  const special = ['s', 's', 't'];
  const triples = special.map((mark, index) => {
    const bits = mode >> (6 - 3 * index);
    const isSpecial = ((mode >> (11 - index)) & 1) !== 0;
    const execute = (bits & 1) !== 0;
    const last = isSpecial ? (execute ? mark : mark.toUpperCase()) : execute ? 'x' : '-';
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
  });
  return letter + triples.join('');
}

/** `2024-03-01 12:30:59`, in UTC; years that ISO 8601 writes with a sign are rare. */
function timeText(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString().replace('T', ' ').slice(0, -5);
}

/** @param path from the root of the file system */
export const fileJson = (path: string, info: FileInfo, problem: string | undefined): JsonValue => ({
  path,
  type: info.type,
  size: info.size,
  allocated: info.allocated,
  modified: info.modified === undefined ? undefined : isoTime(info.modified),
  mode: info.mode?.toString(8).padStart(4, '0'),
  owner: info.owner,
  group: info.group,
  links: info.links,
  target: info.target,
  streams: info.streams?.map(({ name, size }) => ({ name, size })),
  problem,
});

function isoTime(milliseconds: number): string | undefined {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
