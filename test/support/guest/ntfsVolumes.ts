/** The volumes kept in test/fixtures/guest/ntfs, and the lists of what NTFS-3G showed of them. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { brotliDecompressSync, constants } from 'node:zlib';
import { REPOSITORY } from '../repository';

export interface ListedFile {
  readonly type: string;
  readonly size: number;
  /** SHA-1 in hex; undefined where the contents were not read. */
  readonly sha1: string | undefined;
}

export interface KeptVolume {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** By path; without what NTFS-3G cannot show. */
  readonly files: ReadonlyMap<string, ListedFile>;
  /** Clusters, `[start, end)`. */
  readonly free: readonly (readonly [number, number])[];
}

const FOLDER = path.join(REPOSITORY, 'test/fixtures/guest/ntfs');

function decompressed(name: string): Buffer {
  const params = { [constants.BROTLI_DECODER_PARAM_LARGE_WINDOW]: 1 };
  return brotliDecompressSync(fs.readFileSync(path.join(FOLDER, name)), { params });
}

/** Every byte that is not UTF-8 becomes U+FFFD in lists; half a pair of surrogates is three of them. */
const pathOf = (text: string): string => text.replaceAll('\ufffd\ufffd\ufffd', '\ufffd');

let kept: KeptVolume[] | undefined;

export function keptVolumes(): readonly KeptVolume[] {
  if (kept !== undefined) return kept;
  const all = decompressed('volumes.br');
  let at = 0;
  kept = [];
  let files = new Map<string, ListedFile>();
  let free: [number, number][] = [];
  for (const line of String(decompressed('lists.br')).trimEnd().split('\n')) {
    const [kind, first, second, ...rest] = line.split(' ');
    if (kind === 'volume') {
      files = new Map();
      free = [];
      kept.push({
        name: first!,
        bytes: new Uint8Array(all.buffer, all.byteOffset + at, Number(second)),
        files,
        free,
      });
      at += Number(second);
    } else if (kind === 'free') free.push([Number(first), Number(second)]);
    else {
      const sha1 = second === '-' ? undefined : second!;
      files.set(pathOf(rest.join(' ')), { type: kind!, size: Number(first), sha1 });
    }
  }
  return kept;
}

export function keptVolume(name: string): KeptVolume {
  return keptVolumes().find((volume) => volume.name === name)!;
}
