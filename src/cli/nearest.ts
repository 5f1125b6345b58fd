/** The word that was probably meant. */

/** `; did you mean 'check'?`, or nothing where no known word is close. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : `; did you mean '${near}'?`;
}

/** @returns the known word that takes the fewest typing errors from `word`; undefined where none is close */
function nearest(word: string, known: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(word.length / 3));
  const [best] = known
    .map((name) => ({ name, errors: isBeginning(word, name) ? 0 : typingErrors(word, name) }))
    .filter(({ errors }) => errors <= most)
    .sort((one, other) => one.errors - other.errors);
  return best?.name;
}

const isBeginning = (word: string, name: string): boolean => word.length > 1 && name.startsWith(word);

/** Letters that are missing, too many, wrong or swapped with their neighbour (optimal string alignment). */
function typingErrors(from: string, to: string): number {
  // Words from the command line may be of any length: those that are too long are not close.
  if (Math.abs(from.length - to.length) > to.length) return Infinity;
  let [beforeLast, last]: number[][] = [[], Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const ways = [at(last, column - 1) + (isSame ? 0 : 1), at(last, column) + 1, at(next, column - 1) + 1];
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (isSwapped) ways.push(at(beforeLast, column - 2) + 1);
      next.push(Math.min(...ways));
    }
    [beforeLast, last] = [last, next];
  }
  return at(last, to.length);
}

const at = (row: readonly number[] | undefined, column: number): number => row?.[column] ?? Infinity;
