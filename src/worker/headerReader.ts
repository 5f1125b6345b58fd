/** Reads headers for the workspace index: at most the first cluster of each file, and no file that it names. */
import { lstatSync, realpathSync } from 'node:fs';
import { backingReference } from '../qcow2/chain/backingReference';
import { EngineError, isOtherFormat } from '../qcow2/errors';
import { readBackingName } from '../qcow2/format/backingName';
import { checkEncryption, type Encryption } from '../qcow2/format/encryption';
import { blockingFault, FaultCollector } from '../qcow2/format/faults';
import { parseHeader } from '../qcow2/format/parseHeader';
import { parseExtensions } from '../qcow2/format/headerExtensions';
import { type LocalFile, openLocalFile } from '../qcow2/io/localFile';
import type { IndexedImage } from './indexApi';
import { summarise } from './summary';

/** Never throws because of a file: that becomes the image's `problem`. */
export function readIndexedImage(path: string): IndexedImage {
  let file: LocalFile | undefined;
  try {
    file = openLocalFile(path);
    return { ...factsOf(path, file), ...readHeader(file) };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { problem } = error;
    if (file === undefined) return { path, fileSize: 0, allocatedBytes: 0, format: 'unknown', problem };
    // To an image that names it as a backing file, a file without the magic is raw.
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

/** A relative backing name may mean different files beside a link and beside its target: both are tried. */
function linkTargetOf(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? realpathSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Uses what can be read of a damaged header: the backing file that it names counts. */
function readHeader(file: LocalFile): Pick<IndexedImage, 'format' | 'summary' | 'backing' | 'problem'> {
  const collector = new FaultCollector();
  const header = parseHeader(file, collector);
  const extensions = parseExtensions(file, header, collector);
  const readEncryption = (): Encryption | undefined => checkEncryption(file, header, extensions);
  const encryption = collector.attempt('encryption', 'repair', readEncryption, undefined);
  const backingName = collector.attempt(
    'backing file',
    'repair',
    () => readBackingName(file, header),
    undefined,
  );
  const { faults } = collector;
  const problem = blockingFault(faults, 'use')?.problem;
  const summary = summarise({ header, extensions, encryption, backingName, faults });
  const read = { format: 'qcow2', summary, ...(problem === undefined ? {} : { problem }) } as const;
  if (backingName === undefined) return read;
  return { ...read, backing: backingReference(file.name, backingName, extensions.backingFormat) };
}
