/** Reads headers for the workspace index: the first cluster of each file at most, nothing that it names. */
import { lstatSync, realpathSync } from 'node:fs';
import { backingReference } from '../qcow2/chain/backingReference';
import { EngineError, isOtherFormat } from '../qcow2/errors';
import { readBackingName } from '../qcow2/format/backingName';
import { checkEncryption } from '../qcow2/format/encryption';
import { parseHeader } from '../qcow2/format/header';
import { parseExtensions } from '../qcow2/format/headerExtensions';
import { type LocalFile, openLocalFile } from '../qcow2/io/localFile';
import type { IndexedImage } from './indexApi';
import { summarise } from './summary';

/** Never throws what a file can cause: that is the image's `problem`. */
export function readIndexedImage(path: string): IndexedImage {
  let file: LocalFile | undefined;
  try {
    file = openLocalFile(path);
    return { ...factsOf(path, file), ...readHeader(file) };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { problem } = error;
    if (file === undefined) return { path, fileSize: 0, allocatedBytes: 0, format: 'unknown', problem };
    // A file without the magic is raw to whoever names it as a backing file.
    const format = isOtherFormat(problem) && problem.code !== 'foreign.qcow1' ? 'raw' : 'qcow2';
    return { ...factsOf(path, file), format, problem };
  } finally {
    file?.close();
  }
}

function factsOf(
  path: string,
  file: LocalFile,
): Pick<IndexedImage, 'path' | 'identity' | 'linkTarget' | 'fileSize' | 'allocatedBytes'> {
  const { device, inode } = file.identity;
  const linkTarget = linkTargetOf(path);
  return {
    path,
    identity: `${device}:${inode}`,
    ...(linkTarget === undefined ? {} : { linkTarget }),
    fileSize: file.size,
    allocatedBytes: file.allocatedBytes,
  };
}

/** A relative backing name means another file beside a link than beside the file: both places count. */
function linkTargetOf(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? realpathSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function readHeader(file: LocalFile): Pick<IndexedImage, 'format' | 'summary' | 'backing'> {
  const header = parseHeader(file);
  const extensions = parseExtensions(file, header);
  const encryption = checkEncryption(file, header, extensions);
  const backingName = readBackingName(file, header);
  const summary = summarise({ header, extensions, encryption, backingName });
  if (backingName === undefined) return { format: 'qcow2', summary };
  return {
    format: 'qcow2',
    summary,
    backing: backingReference(file.name, backingName, extensions.backingFormat),
  };
}
