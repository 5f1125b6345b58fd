/**
 * A saver to be killed: stages what makes one file the other, saves it, and kills itself at a call of the disk, or stops
 * there for good, as a process or as a thread.
 * Arguments: the image, what it shall become, number of the call (−1: never), the file to make when it has stopped.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { threadId } from 'node:worker_threads';
import { openLocalFile } from '../../src/qcow2/io/localFile';
import { PageStore } from '../../src/qcow2/io/pageStore';
import { StagedFile } from '../../src/qcow2/io/stagedFile';
import type { Disk, MutableFile } from '../../src/qcow2/save/disk';
import { localDisk } from '../../src/qcow2/save/localDisk';
import { save } from '../../src/qcow2/save/save';
import { nameThread } from '../../src/qcow2/save/writer';
import { stage } from './scenarios';

const [imagePath = '', targetPath = '', last = '-1', stopped] = process.argv.slice(2);
let calls = 0;
nameThread(threadId, () => false);

/** Dies as by a power switch, but that what was written stays; or lives on, and does nothing any more. */
function count(): void {
  if (calls++ !== Number(last)) return;
  if (stopped === undefined) process.kill(process.pid, 'SIGKILL');
  else {
    fs.writeFileSync(stopped, '');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
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
