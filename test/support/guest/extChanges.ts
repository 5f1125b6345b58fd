/** Files written to and deleted from an ext image by debugfs, and likewise in a folder of this machine. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Random } from '../builder/random';

/** Makes random changes to a folder of this machine. @returns the commands that make the same ones in an image */
export function randomChanges(random: Random, tree: string, folder: string): string[] {
  const commands: string[] = [];
  const files: string[] = [];
  const folders = [''];
  const write = (bytes: number): void => {
    const source = path.join(folder, `source ${commands.length}`);
    const at = `${random.pick(folders)}new${commands.length}`;
    fs.writeFileSync(source, Buffer.alloc(bytes, `${at} `));
    fs.copyFileSync(source, path.join(tree, at));
    commands.push(`write "${source}" "${at}"`);
    files.push(at);
  };
  const remove = (): void => {
    const at = random.pick(files);
    files.splice(files.indexOf(at), 1);
    fs.rmSync(path.join(tree, at));
    commands.push(`rm "${at}"`);
  };
  for (let count = 10 + random.below(60); count > 0; count--) {
    const kind = random.below(10);
    if (kind < 4) write(random.below(random.pick([70, 5000, 50_000])));
    else if (kind < 7 && files.length > 0) remove();
    else if (kind === 7) {
      const at = `${random.pick(folders)}folder${commands.length}`;
      fs.mkdirSync(path.join(tree, at));
      commands.push(`mkdir "${at}"`);
      folders.push(`${at}/`);
    } else if (kind === 8) {
      const at = `${random.pick(folders)}link${commands.length}`;
      const target = 't'.repeat(1 + random.below(150));
      fs.symlinkSync(target, path.join(tree, at));
      commands.push(`symlink "${at}" ${target}`);
    } else if (files.length > 0) {
      // `ln` does not make room: a new folder has some.
      const [from, folderOfLink] = [random.pick(files), `${random.pick(folders)}links${commands.length}`];
      const to = `${folderOfLink}/hard`;
      fs.mkdirSync(path.join(tree, folderOfLink));
      fs.linkSync(path.join(tree, from), path.join(tree, to));
      commands.push(`mkdir "${folderOfLink}"`, `ln "${from}" "${to}"`, `sif "${from}" links_count 2`);
      files.splice(files.indexOf(from), 1);
    }
  }
  // A large file goes where small ones were: into fragments.
  const first = files.length;
  for (let count = random.below(150); count > 0; count--) write(1 + random.below(6000));
  for (const at of files.slice(first).filter((_, index) => index % 2 === 0)) {
    fs.rmSync(path.join(tree, at));
    commands.push(`rm "${at}"`);
    files.splice(files.indexOf(at), 1);
  }
  write(random.below(2_000_000));
  // A hole at the end.
  const last = files.at(-1)!;
  const size = fs.statSync(path.join(tree, last)).size + random.below(100_000);
  if (size > 4096) {
    fs.truncateSync(path.join(tree, last), size);
    commands.push(`sif "${last}" size ${size}`, `sif "${last}" mtime 2040010203${10 + random.below(50)}`);
  }
  return commands;
}
