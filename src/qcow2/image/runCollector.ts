/**
 * Gathers what table walks find into maximal runs, cuts them to the range that was asked for, and hands them to the
 * visitor. Plain numbers all the way: a run costs no object.
 */
import { type ByteLength, guestOffset, type GuestOffset, hostOffset, type HostOffset } from '../units';
import { RunKind, type RunVisitor } from './layer';

/** A table that is one run. */
export interface SingleRun {
  readonly kind: RunKind;
  /** −1 where the kind has none. */
  readonly host: HostOffset;
}

export class RunCollector {
  /** The visitor asked to stop; nothing more is handed on. */
  stopped = false;
  #start = 0;
  #length = 0;
  #kind: RunKind = RunKind.unallocated;
  #host = -1;

  /** @param from first guest byte wanted; @param to first one not wanted any more */
  constructor(
    readonly from: GuestOffset,
    readonly to: GuestOffset,
    readonly visit: RunVisitor,
  ) {}

  /**
   * Takes what follows on everything taken so far; may begin before `from` and end after `to`.
   * @param host −1 where the kind has none
   * @returns false once the visitor has asked to stop
   */
  add(start: GuestOffset, length: ByteLength, kind: RunKind, host: HostOffset): boolean {
    if (
      kind === this.#kind &&
      isPlace(kind) &&
      (host < 0 || host === this.#host + this.#length) &&
      this.#length !== 0
    ) {
      this.#length += length;
      return true;
    }
    this.flush();
    this.#start = start;
    this.#length = length;
    this.#kind = kind;
    this.#host = host;
    return !this.stopped;
  }

  /** What was gathered, where that is one run that began at `start`. */
  single(start: GuestOffset): SingleRun | undefined {
    if (this.#length === 0 || this.#start !== start || !isPlace(this.#kind)) return undefined;
    return { kind: this.#kind, host: hostOffset(this.#host) };
  }

  /** Hands on what was gathered. */
  flush(): void {
    if (this.#length === 0 || this.stopped) return;
    const start = guestOffset(Math.max(this.#start, this.from));
    const end = Math.min(this.#start + this.#length, this.to);
    const skipped = this.#host >= 0 && isPlace(this.#kind) ? start - this.#start : 0;
    this.#length = 0;
    if (
      start < end &&
      this.visit(start, end - start, this.#kind, hostOffset(this.#host + skipped)) === false
    ) {
      this.stopped = true;
    }
  }
}

/** Whether the host offset of such a run is where its guest bytes are, one by one. */
const isPlace = (kind: RunKind): boolean => kind !== RunKind.compressed && kind !== RunKind.missing;
