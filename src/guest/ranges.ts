/**
 * Lists of byte ranges, millions of them if need be: two numbers each. A list made by `covered` or `without` is ascending,
 * and its ranges do not touch each other.
 */

export class Ranges {
  #starts = new Float64Array(16);
  #ends = new Float64Array(16);
  #count = 0;

  static of(...ranges: readonly (readonly [start: number, end: number])[]): Ranges {
    const list = new Ranges();
    for (const [start, end] of ranges) list.add(start, end);
    return list;
  }

  get count(): number {
    return this.#count;
  }

  /** Starts in the order in which they were added, valid until more is added. */
  get starts(): Float64Array {
    return this.#starts.subarray(0, this.#count);
  }

  get ends(): Float64Array {
    return this.#ends.subarray(0, this.#count);
  }

  /** Bytes in all ranges together. */
  get bytes(): number {
    let sum = 0;
    this.forEach((start, end) => {
      sum += end - start;
    });
    return sum;
  }

  /** Adds a range; an empty one is left out, and one that begins where the last one ends makes that longer. */
  add(start: number, end: number): void {
    if (end <= start) return;
    if (this.#count > 0 && this.#ends[this.#count - 1] === start) {
      this.#ends[this.#count - 1] = end;
      return;
    }
    if (this.#count === this.#starts.length) {
      this.#starts = grown(this.#starts);
      this.#ends = grown(this.#ends);
    }
    this.#starts[this.#count] = start;
    this.#ends[this.#count++] = end;
  }

  forEach(visit: (start: number, end: number) => void): void {
    for (let index = 0; index < this.#count; index++) visit(this.#starts[index] ?? 0, this.#ends[index] ?? 0);
  }
}

function grown(numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(numbers.length * 2);
  longer.set(numbers);
  return longer;
}

/**
 * What at least `times` ranges of the lists cover together. The lists need not be in order.
 *
 * How many ranges cover a place is the number of starts up to it less the number of ends: both can be sorted on their own.
 */
export function covered(lists: readonly Ranges[], times = 1): Ranges {
  const starts = ascending(lists.map((list) => list.starts));
  const ends = ascending(lists.map((list) => list.ends));
  const result = new Ranges();
  let depth = 0;
  let begin = 0;
  for (let next = 0, ended = 0; ended < ends.length;) {
    const start = starts[next] ?? Infinity;
    const end = ends[ended] ?? Infinity;
    if (start < end) {
      next++;
      if (++depth === times) begin = start;
    } else {
      ended++;
      if (depth-- === times) result.add(begin, end);
    }
  }
  return result;
}

/** All numbers of the parts in ascending order. Most come in order. */
function ascending(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  for (let index = 1; index < whole.length; index++)
    if ((whole[index] ?? 0) < (whole[index - 1] ?? 0)) return whole.sort();
  return whole;
}

/** What is in one list and not in the other. Both are ascending, and their ranges do not overlap each other. */
export function without(list: Ranges, taken: Ranges): Ranges {
  const { starts, ends } = taken;
  const result = new Ranges();
  let index = 0;
  list.forEach((start, end) => {
    while ((ends[index] ?? Infinity) <= start) index++;
    let from = start;
    for (let next = index; (starts[next] ?? Infinity) < end; next++) {
      result.add(from, starts[next] ?? 0);
      from = Math.max(from, ends[next] ?? 0);
    }
    result.add(from, end);
  });
  return result;
}

/** The parts of an ascending list that lie between two places. */
export function within(list: Ranges, start: number, end: number): Ranges {
  const { starts, ends } = list;
  let low = 0;
  let high = list.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] ?? 0) <= start) low = middle + 1;
    else high = middle;
  }
  const result = new Ranges();
  for (let index = low; (starts[index] ?? Infinity) < end; index++)
    result.add(Math.max(start, starts[index] ?? 0), Math.min(end, ends[index] ?? 0));
  return result;
}
