/** Reads headers for the workspace index: the first cluster of each file at most, nothing that it names. */
import { decide } from '../qcow2/chain/gate';
import { EngineError, isOtherFormat } from '../qcow2/errors';
import { readBackingName } from '../qcow2/format/backingName';
import { checkEncryption } from '../qcow2/format/encryption';
import { parseHeader } from '../qcow2/format/header';
import { parseExtensions } from '../qcow2/format/headerExtensions';
import { type LocalFile, openLocalFile } from '../qcow2/io/localFile';
import type { BackingReference, IndexedImage } from './indexApi';
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
): Pick<IndexedImage, 'path' | 'identity' | 'fileSize' | 'allocatedBytes'> {
  const { device, inode } = file.identity;
  return { path, identity: `${device}:${inode}`, fileSize: file.size, allocatedBytes: file.allocatedBytes };
}

function readHeader(file: LocalFile): Pick<IndexedImage, 'format' | 'summary' | 'backing'> {
  const header = parseHeader(file);
  const extensions = parseExtensions(file, header);
  const encryption = checkEncryption(file, header, extensions);
  const backingName = readBackingName(file, header);
  const summary = summarise({ header, extensions, encryption, backingName });
  if (backingName === undefined) return { format: 'qcow2', summary };
  return { format: 'qcow2', summary, backing: backingReference(file, backingName, extensions.backingFormat) };
}

/** Where the name leads; deciding touches no file. */
function backingReference(
  file: LocalFile,
  nameAsWritten: string,
  format: string | undefined,
): BackingReference {
  const named = format === undefined ? { nameAsWritten } : { nameAsWritten, format };
  const decision = decide(
    { role: 'backing', name: nameAsWritten, namedBy: file.name },
    { followsNames: true },
  );
  return decision.opens ? { ...named, path: decision.path } : { ...named, problem: decision.problem };
}
