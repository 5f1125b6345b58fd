/** Tells whether files that are not open, or may not even be there, are what they were. */
import { statSync } from 'node:fs';

/** What a path leads to now, in a form to be compared. Never throws. */
export function fingerprintOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    // The change time too: permission given afterwards is what one waits for.
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Fingerprints of some paths at one time. */
export class Fingerprints {
  readonly #taken: ReadonlyMap<string, string>;

  constructor(paths: readonly string[]) {
    this.#taken = new Map(paths.map((path) => [path, fingerprintOf(path)]));
  }

  hasChanged(): boolean {
    return [...this.#taken].some(([path, before]) => fingerprintOf(path) !== before);
  }
}
