/** The readers of guest file systems, loaded when they are first needed. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Door from '../guest/door';

export type GuestCode = typeof Door;

let load = (): GuestCode => {
  throw new Error('no program has said where the readers of file systems are');
};
let loaded: GuestCode | undefined;

/** Says where the running program is. @param bundleFolder absolute path */
export function useGuestCodeOf(bundleFolder: string): void {
  const file = join(bundleFolder, 'guest.js');
  useGuestCode(() => createRequire(file)(file) as GuestCode);
}

/** For programs that are no bundle. */
export function useGuestCode(from: () => GuestCode): void {
  load = from;
}

export const guestCode = (): GuestCode => (loaded ??= load());
