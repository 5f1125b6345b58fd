/** An image with staged changes, as the engine makes them; they are written to its files without a journal. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { openChain, type Chain } from '../../src/qcow2/chain/openChain';
import { ClusterBits } from '../../src/qcow2/clusterSet';
import type { Change, ChangeContext } from '../../src/qcow2/change/context';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { readGuest } from '../../src/qcow2/image/read';
import { Fill } from '../../src/qcow2/io/fill';
import { PageStore } from '../../src/qcow2/io/pageStore';
import { StagedFile } from '../../src/qcow2/io/stagedFile';
import { silent } from '../../src/qcow2/progress';
import { guestOffset, hostOffset, plus } from '../../src/qcow2/units';

/** What is staged: pieces of any kind, with the bytes of those that are not fills. */
export interface StagedAmount {
  readonly pieces: number;
  readonly bytes: number;
}

export class StagedImage {
  #store: PageStore;
  #chain: Chain;
  #file: StagedFile;
  #dataFile: StagedFile | undefined;
  readonly #held = new ClusterBits();

  constructor(readonly path: string) {
    this.#store = new PageStore(`${path}.scratch`);
    this.#chain = openChain(path, { followsNames: true });
    const { file, dataFile, hasDataFile, isDataFileOpen } = this.#chain.top;
    this.#file = new StagedFile(file, this.#store);
    this.#dataFile = hasDataFile && isDataFileOpen ? new StagedFile(dataFile, this.#store) : undefined;
  }

  get file(): StagedFile {
    return this.#file;
  }

  /** The image as staged, opened again. */
  get image(): Qcow2Image {
    return Qcow2Image.open(this.#file, { dataFile: this.#dataFile });
  }

  get context(): ChangeContext {
    const { image } = this;
    const { refcounts } = this.#chain.top;
    return {
      image,
      file: this.#file,
      dataFile: this.#dataFile,
      layers: [image, ...this.#chain.layers.slice(1)],
      disk: { refcountOf: (cluster) => refcounts.of(cluster) },
      held: this.#held,
      progress: silent,
    };
  }

  /** Makes a change; if it fails, nothing of it stays staged. */
  change(make: (context: ChangeContext) => Change): Change {
    const before = { image: this.#file.state, data: this.#dataFile?.state };
    try {
      const change = make(this.context);
      change.freed.forEachRun((first, count) => {
        this.#held.add(first, count);
      });
      return change;
    } catch (error) {
      this.#file.state = before.image;
      if (this.#dataFile !== undefined && before.data !== undefined) this.#dataFile.state = before.data;
      throw error;
    }
  }

  /** What is staged of the image file. */
  staged(): StagedAmount {
    let pieces = 0;
    let bytes = 0;
    for (const file of [this.#file, this.#dataFile]) {
      file?.forEachPiece(hostOffset(0), hostOffset(file.size), (_offset, length, piece) => {
        pieces++;
        bytes += piece instanceof Fill ? 0 : length;
      });
    }
    return { pieces, bytes };
  }

  read(start = 0, length = this.#chain.top.size - start): Buffer {
    const target = Buffer.alloc(length);
    readGuest(this.context.layers, target, guestOffset(start));
    return target;
  }

  /** Writes everything to the files and opens them again. */
  flush(): void {
    applyStaged(this.#file, this.path);
    const { dataFileName } = this.image;
    if (this.#dataFile !== undefined && dataFileName !== undefined) {
      applyStaged(this.#dataFile, path.resolve(path.dirname(this.path), dataFileName));
    }
    this.close();
    const next = new StagedImage(this.path);
    this.#store = next.#store;
    this.#chain = next.#chain;
    this.#file = next.#file;
    this.#dataFile = next.#dataFile;
  }

  close(): void {
    this.#chain.close();
    this.#store.close();
  }
}

/** Writes what is staged into the file at `path`: no journal, no order, nothing but the bytes. */
export function applyStaged(file: StagedFile, path: string): void {
  const descriptor = fs.openSync(path, 'r+');
  try {
    file.forEachPiece(hostOffset(0), hostOffset(file.size), (offset, length, piece) => {
      if (!(piece instanceof Fill)) {
        fs.writeSync(descriptor, piece, 0, length, offset);
        return;
      }
      const chunk = new Uint8Array(Math.min(length, 2 ** 20));
      for (let done = 0; done < length; done += chunk.length) {
        if (done === 0 || piece.step !== 0) piece.writeTo(chunk, plus(offset, done));
        fs.writeSync(descriptor, chunk, 0, Math.min(chunk.length, length - done), offset + done);
      }
    });
    if (file.size > fs.fstatSync(descriptor).size) fs.ftruncateSync(descriptor, file.size);
  } finally {
    fs.closeSync(descriptor);
  }
}
