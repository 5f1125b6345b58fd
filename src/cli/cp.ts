/** `qcow2 cp`: copies a file or a folder out of the disk. */
import { resolve } from 'node:path';
import { copyOut, type CopyReport } from '../inside/copyOut';
import { fileAt } from '../inside/guestDisk';
import { describeFound } from '../inside/insideProblem';
import { printable } from '../text/printable';
import { sizeText } from '../text/sizeText';
import { warn } from './editable';
import { withGuestDisk } from './inside';
import type { Run } from './verb';

const EXIT_INCOMPLETE = 1;
/** Lines about single files; the rest is counted. */
const MOST_LINES = 20;

export const cp: Run<'cp'> = (args) => {
  const { FILE: file, PATH: place, DEST: destination } = args.operands;
  return withGuestDisk(file, place, (disk) => {
    const { system, id } = fileAt(disk, place);
    const progress = args.progress();
    progress.showBytes();
    const report = (() => {
      try {
        return copyOut(system, id, resolve(destination), { progress });
      } finally {
        progress.clear();
      }
    })();
    args.output.write(Buffer.from(`cp: ${reportText(report)}\n`));
    const { problems } = report;
    for (const { path, problem } of problems.slice(0, MOST_LINES))
      warn(file, `${printable(path === '' ? place : path)}: ${describeFound(problem)}`);
    if (problems.length > MOST_LINES) warn(file, `${problems.length - MOST_LINES} more problems like these`);
    return problems.length > 0 ? EXIT_INCOMPLETE : undefined;
  });
};

function reportText({ files, folders, links, notes, skipped, renamed, bytes }: CopyReport): string {
  const count = (number: number, one: string, many: string): string[] =>
    number === 0 ? [] : [`${number.toLocaleString('en-US')} ${number === 1 ? one : many}`];
  return [
    `${files.toLocaleString('en-US')} ${files === 1 ? 'file' : 'files'}, ${sizeText(bytes)}`,
    ...count(folders, 'folder', 'folders'),
    ...count(links, 'link', 'links'),
    ...count(notes, 'link written as a note', 'links written as notes'),
    ...count(renamed, 'name changed', 'names changed'),
    ...count(skipped, 'device or the like skipped', 'devices and the like skipped'),
  ].join('; ');
}
