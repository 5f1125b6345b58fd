/** The images of the bench: made once, kept in a cache folder, and made again when `EDITION` changes. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { seededRandom } from '../support/builder/random';
import { writeGiantImage, writeGiantSubclusters } from '../support/giantImages';
import { mustQemuImg, mustQemuIo } from '../support/qemu';

const EDITION = 1;
const GIB = 2 ** 30;
/** Guest bytes of the images that are read through. */
export const READ_SIZE = GIB;
const PIECE = 2 ** 20;

export interface BenchImages {
  /** 1 TiB, 16.8 million clusters, all allocated; host clusters ascend. */
  readonly contiguous: string;
  /** The same as QEMU lays it out: tables and refcount blocks between the data, gigabytes apart; the data are holes. */
  readonly preallocated: string;
  /** The same in random order. */
  readonly random: string;
  /** 128 GiB, every other cluster allocated: 2.1 million extents. */
  readonly extents: string;
  /** 1 TiB, all allocated, of which 20 internal snapshots were taken. */
  readonly snapshots: string;
  /** 1 TiB, all allocated, with an empty refcount table: a repair has to rebuild all refcounts. */
  readonly uncounted: string;
  /** 100 GiB of compressed clusters; only their descriptors are there. */
  readonly compressed: string;
  /** 1 GiB of file-like content, plain and compressed. */
  readonly plain: string;
  readonly deflate: string;
  readonly zstd: string;
  /** 1 GiB of zeroes, stored as data. */
  readonly zeroes: string;
  /** The same content as `plain`, over `plain`. */
  readonly copied: string;
  /** The same, of which every other 8 MiB was overwritten with zeroes that are stored as data. */
  readonly bloated: string;
  /** The same, of which every other 8 MiB was given up: free clusters in the file. */
  readonly holey: string;
  /** 1 TiB of 512-byte subclusters, one of 32 with data, which is a hole. */
  readonly subclusters: string;
}

/** @param cache a folder that may be deleted at any time */
export function benchImages(cache: string): BenchImages {
  fs.mkdirSync(cache, { recursive: true });
  const at = (name: string): string => path.join(cache, `${name}-${EDITION}.qcow2`);
  const once = (name: string, write: (file: string) => void): string => {
    const file = at(name);
    if (!fs.existsSync(file)) {
      console.log(`making ${path.basename(file)}`);
      write(`${file}.part`);
      fs.renameSync(`${file}.part`, file);
    }
    return file;
  };
  const convert = (file: string, ...options: string[]): void => {
    const raw = path.join(cache, `content-${EDITION}.raw`);
    if (!fs.existsSync(raw)) writeContent(raw);
    mustQemuImg(['convert', '-O', 'qcow2', ...options, raw, file], { timeout: 600_000 });
  };
  const images = {
    contiguous: once('contiguous', (file) => {
      writeGiantImage(file, { size: 2 ** 40, pattern: 'contiguous' });
    }),
    preallocated: once('preallocated', (file) => {
      mustQemuImg(['create', '-f', 'qcow2', '-o', 'preallocation=metadata', file, '1T']);
    }),
    random: once('random', (file) => {
      writeGiantImage(file, { size: 2 ** 40, pattern: 'random' });
    }),
    extents: once('extents', (file) => {
      writeGiantImage(file, { size: 2 ** 37, pattern: 'alternating' });
    }),
    snapshots: once('snapshots', (file) => {
      writeGiantImage(file, { size: 2 ** 40, pattern: 'contiguous' });
      for (let index = 1; index <= 20; index++) {
        mustQemuImg(['snapshot', '-c', `snapshot ${index}`, file], { timeout: 600_000 });
      }
    }),
    uncounted: once('uncounted', (file) => {
      writeGiantImage(file, { size: 2 ** 40, pattern: 'contiguous' });
      forgetRefcounts(file);
    }),
    compressed: once('compressed', (file) => {
      writeGiantImage(file, { size: 100 * GIB, pattern: 'compressed' });
    }),
    plain: once('plain', (file) => {
      convert(file);
    }),
    deflate: once('deflate', (file) => {
      convert(file, '-c');
    }),
    zstd: once('zstd', (file) => {
      convert(file, '-c', '-o', 'compression_type=zstd');
    }),
    zeroes: once('zeroes', (file) => {
      mustQemuImg(['create', '-f', 'qcow2', file, String(READ_SIZE)]);
      mustQemuIo(file, [`write -P 0 0 ${READ_SIZE}`]);
    }),
    copied: once('copied', (file) => {
      fs.copyFileSync(at('plain'), file);
      mustQemuImg(['rebase', '-u', '-b', at('plain'), '-F', 'qcow2', file]);
    }),
    bloated: once('bloated', (file) => {
      fs.copyFileSync(at('plain'), file);
      mustQemuIo(
        file,
        everyOther((range) => `write -P 0 ${range}`),
      );
    }),
    holey: once('holey', (file) => {
      fs.copyFileSync(at('plain'), file);
      mustQemuIo(
        file,
        everyOther((range) => `write -z -u ${range}`),
      );
    }),
    subclusters: once('subclusters', (file) => {
      writeGiantSubclusters(file);
    }),
  };
  fs.rmSync(path.join(cache, `content-${EDITION}.raw`), { force: true });
  return images;
}

/** Commands for every other 8 MiB of the disk. */
const everyOther = (command: (range: string) => string): string[] =>
  Array.from({ length: READ_SIZE / 2 ** 24 }, (_, index) => command(`${index * 16}M 8M`));

function forgetRefcounts(file: string): void {
  const descriptor = fs.openSync(file, 'r+');
  const header = Buffer.alloc(64);
  fs.readSync(descriptor, header, 0, header.length, 0);
  const clusterSize = 2 ** header.readUInt32BE(20);
  const table = Buffer.alloc(header.readUInt32BE(56) * clusterSize);
  fs.writeSync(descriptor, table, 0, table.length, Number(header.readBigUInt64BE(48)));
  fs.closeSync(descriptor);
}

/** Content that compresses about as file systems do: words in random order, some of it noise. No zeroes. */
function writeContent(file: string): void {
  const random = seededRandom(7);
  const words = Array.from({ length: 4096 }, () =>
    Buffer.from(`${random.below(2 ** 32).toString(36)}${random.below(64) === 0 ? '\n' : ' '}`),
  );
  const descriptor = fs.openSync(file, 'w');
  const piece = Buffer.alloc(PIECE);
  for (let done = 0; done < READ_SIZE; done += PIECE) {
    const noisy = random.below(8) === 0;
    for (let at = 0; at < PIECE;) {
      if (noisy) piece.writeUInt32LE(random.below(2 ** 32), at);
      at += noisy ? 4 : random.pick(words).copy(piece, at);
    }
    fs.writeSync(descriptor, piece);
  }
  fs.closeSync(descriptor);
}
