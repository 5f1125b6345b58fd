/**
 * A saver that dies: stages the difference between two files, saves it, and at a given disk call kills itself or stops
 * forever, as a process or as a thread.
 * Arguments: the image, the file that it is to equal, the number of the call (−1: never), the file to create once stopped.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { threadId } from 'node:worker_threads';
import { useKoffiOf } from '../../src/qcow2/io/koffi';
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
useKoffiOf(__dirname);
nameThread(threadId, () => false);

/** Kills the process, which keeps what was written; or lets it live on without doing anything. */
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
