/** Where a symbolic link that was copied out leads. */

/**
 * A link's target on the host, relative to its folder; undefined where it might lead out of what is copied. Only `..` in front is
 * followed, where the folders are known to be real: behind a name it could go up from wherever a link leads.
 * @param target as the guest has it
 * @param folders names of the folders on the host between what is copied and the link
 * @param isWhole the guest's root is what is copied, so that absolute targets are within it
 */
export function linkTarget(target: string, folders: readonly string[], isWhole: boolean): string | undefined {
  if (target === '' || /[\p{Cc}\\]/u.test(target)) return undefined;
  const isAbsolute = target.startsWith('/');
  if (isAbsolute && !isWhole) return undefined;
  const names = target.split('/').filter((name) => name !== '' && name !== '.');
  const first = names.findIndex((name) => name !== '..');
  const ups = first < 0 ? names.length : first;
  if (names.slice(ups).includes('..')) return undefined;
  if (isAbsolute) return ups > 0 ? undefined : [...folders.map(() => '..'), ...names].join('/') || '.';
  if (ups > folders.length) return undefined;
  return names.join('/') || '.';
}
