/** One line of the result for every piece of work, against qemu-img or against a limit. */
export interface Row {
  readonly work: string;
  /** Milliseconds in the engine: Node's own start is not in it. */
  readonly ours: number;
  /** Milliseconds of qemu-img doing the same; absent where nothing of QEMU's compares. */
  readonly theirs?: number;
  /** What is promised (DESIGN section 7): so many times as fast, or at most so many milliseconds. */
  readonly floor?: { readonly timesFaster: number } | { readonly milliseconds: number };
  /** Peak memory above an idle Node process, bytes. */
  readonly memory?: number;
}

const MEMORY_LIMIT = 128 * 2 ** 20;

export function isKept(row: Row): boolean {
  return isFastEnough(row) && (row.memory ?? 0) <= MEMORY_LIMIT;
}

function isFastEnough({ ours, theirs, floor }: Row): boolean {
  if (floor === undefined) return true;
  if ('milliseconds' in floor) return ours <= floor.milliseconds;
  return theirs !== undefined && theirs / ours >= floor.timesFaster;
}

export function printTable(rows: readonly Row[]): void {
  const lines = [
    ['work', 'engine', 'qemu-img', 'times as fast', 'floor', 'memory', ''],
    ...rows.map((row) => [
      row.work,
      milliseconds(row.ours),
      row.theirs === undefined ? '' : milliseconds(row.theirs),
      row.theirs === undefined ? '' : (row.theirs / row.ours).toFixed(1),
      floorText(row),
      row.memory === undefined ? '' : `${Math.round(row.memory / 2 ** 20)} MiB`,
      isKept(row) ? 'ok' : 'MISSED',
    ]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  for (const line of lines) {
    console.log(
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  '),
    );
  }
}

const milliseconds = (value: number): string =>
  value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;

function floorText({ floor }: Row): string {
  if (floor === undefined) return '';
  return 'milliseconds' in floor ? `${floor.milliseconds} ms` : `${floor.timesFaster}×`;
}
