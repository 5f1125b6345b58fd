/**
 * Images that are not compacted: those with something that may refer to clusters and is not known here. What only that
 * refers to looks like a leak, so this is looked at before leaks are repaired, too.
 */
import { RefusedError, UnsupportedError } from '../errors';
import { dataView } from '../format/bytes';
import { EXTENSION_TYPES, readRawExtensions } from '../format/rawExtensions';
import { SNAPSHOT_EXTRA_SIZE_AT } from '../format/snapshotTable';
import type { Qcow2Image } from '../image/qcow2Image';
import { hostOffset, plus } from '../units';
import { hex } from '../../text/hex';

const KNOWN_EXTENSIONS: ReadonlySet<number> = new Set(Object.values(EXTENSION_TYPES));
/** Bytes of extra data of a snapshot that the specification describes: VM state size, disk size, instruction count. */
const KNOWN_SNAPSHOT_EXTRA = 24;

/** @throws UnsupportedError `compact.…`, RefusedError `compact.rawDataFile`, FileError */
export function refuseCompaction(image: Qcow2Image): void {
  const { file, header, features, encryption } = image;
  if (encryption !== undefined) {
    throw new UnsupportedError(file.name, 'compact.encrypted', { value: encryption.toUpperCase() });
  }
  if (features.rawExternalData) {
    throw new RefusedError(file.name, 'compact.rawDataFile', { value: image.dataFileName ?? '' });
  }
  for (const { type, offset } of readRawExtensions(
    file,
    hostOffset(header.headerLength),
    header.extensionsEnd,
  )) {
    if (KNOWN_EXTENSIONS.has(type)) continue;
    throw new UnsupportedError(file.name, 'compact.extension', { offset, value: hex(type) });
  }
  const size = new Uint8Array(4);
  for (const { offset, name } of image.snapshots) {
    file.read(size, plus(offset, SNAPSHOT_EXTRA_SIZE_AT));
    const value = dataView(size).getUint32(0);
    if (value <= KNOWN_SNAPSHOT_EXTRA) continue;
    const facts = { offset, name, value, limit: KNOWN_SNAPSHOT_EXTRA };
    throw new UnsupportedError(file.name, 'compact.snapshotExtra', facts);
  }
}
