/** One line of the result for each piece of work: its time beside qemu-img's or a limit, and its memory. */
export interface Row {
  readonly work: string;
  /** Milliseconds in the engine, Node's own start not among them; of a page's work, those of a frame. */
  readonly ours?: number;
  /** Milliseconds of the whole process, where it is one. */
  readonly whole?: number;
  /** Milliseconds of qemu-img doing the same; absent where nothing of QEMU's compares. */
  readonly theirs?: number;
  /** The floor: how many times as fast, or how many milliseconds at most. */
  readonly floor?: { readonly timesFaster: number } | { readonly milliseconds: number };
  /** Peak memory above an idle Node process (a page: above the window without it), bytes. */
  readonly memory?: number;
  /** What else was seen. */
  readonly detail?: string;
}

const MEMORY_LIMIT = 128 * 2 ** 20;

export function isKept(row: Row): boolean {
  return isFastEnough(row) && (row.memory ?? 0) <= MEMORY_LIMIT;
}

function isFastEnough({ ours, theirs, floor }: Row): boolean {
  if (floor === undefined || ours === undefined) return true;
  if ('milliseconds' in floor) return ours <= floor.milliseconds;
  return theirs !== undefined && theirs / ours >= floor.timesFaster;
}

export function printTable(rows: readonly Row[]): void {
  const lines = [
    ['work', 'ours', 'with Node', 'qemu-img', 'times as fast', 'floor', 'memory', '', 'detail'],
    ...rows.map((row) => [
      row.work,
      milliseconds(row.ours),
      milliseconds(row.whole),
      milliseconds(row.theirs),
      row.theirs === undefined || row.ours === undefined ? '' : (row.theirs / row.ours).toFixed(1),
      floorText(row),
      row.memory === undefined ? '' : `${Math.round(row.memory / 2 ** 20)} MiB`,
      isKept(row) ? 'ok' : 'MISSED',
      row.detail ?? '',
    ]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const isText = (column: number): boolean => column === 0 || column === lines[0]!.length - 1;
  for (const line of lines) {
    const cells = line.map((cell, column) =>
      isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    );
    console.log(cells.join('  ').trimEnd());
  }
}

function milliseconds(value: number | undefined): string {
  if (value === undefined) return '';
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

function floorText({ floor }: Row): string {
  if (floor === undefined) return '';
  return 'milliseconds' in floor ? milliseconds(floor.milliseconds) : `${floor.timesFaster}×`;
}
