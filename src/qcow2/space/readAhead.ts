/** Reading a little here and there in a stretch of a file: the disk does not see by itself that this goes forward. */
import type { BlockFile } from '../io/blockFile';
import { hostOffset, type HostOffset } from '../units';

/** Bytes that the disk reads ahead. */
const AHEAD = 2 ** 21;

export class ReadAhead {
  #start = hostOffset(0);
  #end = hostOffset(0);
  #isPossible = true;

  /**
   * Has the disk read from `at` on before something is read there.
   * @param stop end of the stretch: nothing behind it is read ahead
   * @returns false where that cannot be done
   */
  reach(file: BlockFile, at: HostOffset, stop: HostOffset): boolean {
    const isWithin = at >= this.#start && at <= this.#end;
    const from = isWithin ? this.#end : at;
    if (!this.#isPossible || from >= stop || from - at > AHEAD / 2) return this.#isPossible;
    if (!isWithin) this.#start = at;
    this.#end = hostOffset(Math.min(stop, from + AHEAD));
    this.#isPossible = file.readAhead?.(from, this.#end - from) ?? false;
    return this.#isPossible;
  }
}
