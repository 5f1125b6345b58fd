/**
 * A saver to be killed: stages what makes one file the other, saves it, and kills itself at a call of the disk.
 * Arguments: the image, what it shall become, number of the call (−1: never).
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { openLocalFile } from '../../src/qcow2/io/localFile';
import { PageStore } from '../../src/qcow2/io/pageStore';
import { StagedFile } from '../../src/qcow2/io/stagedFile';
import type { Disk, MutableFile } from '../../src/qcow2/save/disk';
import { localDisk } from '../../src/qcow2/save/localDisk';
import { save } from '../../src/qcow2/save/save';
import { stage } from './scenarios';

const [imagePath = '', targetPath = '', last = '-1'] = process.argv.slice(2);
let calls = 0;

/** Dies as by a power switch, but that what was written stays. */
function count(): void {
  if (calls++ === Number(last)) process.kill(process.pid, 'SIGKILL');
}

const counted = (file: MutableFile): MutableFile => ({
  name: file.name,
  identity: file.identity,
  access: file.access,
  get size() {
    return file.size;
  },
  read: (target, offset) => {
    file.read(target, offset);
  },
  write: (bytes, offset) => {
    count();
    file.write(bytes, offset);
  },
  truncate: (size) => {
    count();
    file.truncate(size);
  },
  makeHole: (offset, length) => {
    count();
    return file.makeHole(offset, length);
  },
  get allocatedBytes() {
    return file.allocatedBytes;
  },
  startFlush: () => {
    file.startFlush();
  },
  flush: () => {
    count();
    file.flush();
  },
  claim: () => file.claim(),
  close: () => {
    file.close();
  },
});

const disk: Disk = {
  ...localDisk,
  writer: localDisk.writer,
  user: localDisk.user,
  openForChange: (name) => counted(localDisk.openForChange(name)),
  createExclusive: (name) => {
    count();
    const file = localDisk.createExclusive(name);
    return file && counted(file);
  },
  remove: (name) => {
    count();
    localDisk.remove(name);
  },
  flushFolder: (folder) => {
    count();
    localDisk.flushFolder(folder);
  },
};

const image = new StagedFile(
  openLocalFile(imagePath),
  new PageStore(path.join(path.dirname(imagePath), 'scratch')),
);
stage(image, fs.readFileSync(imagePath), fs.readFileSync(targetPath));
save({ image }, disk);
console.log(calls);
