/** Names that stand for qcow2 images by themselves, as package.json associates them with the editor. */

/** Whether a name ends in `.qcow2` or `.qcow`; like VS Code's globs, whatever the case. */
export function isImageName(path: string): boolean {
  return /\.qcow2?$/i.test(path);
}
