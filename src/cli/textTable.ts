/** Tables of text: columns as wide as their widest cell. */

export type Alignment = 'left' | 'right';

/**
 * @param alignments of the columns; a last one to the left is not filled up
 * @param write takes whole lines
 */
export function writeTable(
  rows: readonly (readonly string[])[],
  alignments: readonly Alignment[],
  write: (text: string) => void,
  indent = '',
): void {
  const widths = alignments.map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  );
  for (const row of rows) {
    const cells = alignments.map((alignment, column) => {
      const [cell, width] = [row[column] ?? '', widths[column] ?? 0];
      return alignment === 'left' ? cell.padEnd(width) : cell.padStart(width);
    });
    write(`${indent}${cells.join('  ')}`.trimEnd() + '\n');
  }
}
