/**
 * Where native calls come from: the prebuilt binary of the optional package `koffi`, by its absolute path in the folder
 * of this program. Node's own look-up would go on to the `node_modules` of every parent folder, and to those of the
 * user, where anyone may have put a package of that name; so does koffi's own loader, which is therefore left out.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

type NativeArgument = number | string | ArrayBufferView;

/** The part of `koffi` that is used here. */
export interface Koffi {
  load(path: string | null): { func(prototype: string): (...args: NativeArgument[]) => number | bigint };
  errno(): number;
}

/** A bundle lies in a folder of this name in the program's own folder. */
const BUNDLES = 'dist';

let places: readonly string[] = [];

/**
 * Says where the running program is; before that, there are no native calls. A package has koffi beside its bundles, a
 * checkout among the dependencies of the project.
 * @param bundleFolder absolute path of the folder that has the program's bundle
 */
export function useKoffiOf(bundleFolder: string): void {
  const folders = basename(bundleFolder) === BUNDLES ? [bundleFolder, dirname(bundleFolder)] : [bundleFolder];
  places = folders.map((folder) => join(folder, 'node_modules', '@koromix'));
}

/** @throws whatever the system says of a binary that cannot be loaded; Error where there is none for this machine */
export function loadKoffi(): Koffi {
  const { platform, arch } = process;
  // A package has the one for its C library; where both are there, the other one does not load.
  const binaries = platform === 'linux' ? [`linux_${arch}`, `musl_${arch}`] : [`${platform}_${arch}`];
  const files = places
    .flatMap((place) =>
      binaries.map((binary) => join(place, `koffi-${platform}-${arch}`, binary, 'koffi.node')),
    )
    .filter((file) => existsSync(file));
  let failure: unknown = new Error(`no native calls for ${platform} on ${arch}`);
  for (const file of files) {
    try {
      return createRequire(file)(file) as Koffi;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
