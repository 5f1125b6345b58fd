/**
 * Compressed clusters (qcow2.txt, "Compressed Clusters Descriptor"): reads the stream and decompresses exactly one
 * cluster, whatever the stream holds.
 */
import { hex } from '../../text/hex';
import { FormatError } from '../errors';
import type { CompressionType } from '../format/header';
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, type GuestOffset, type HostOffset } from '../units';
import { inflateCluster } from './deflate';
import { decompressZstd } from './zstd';

/** Where a compressed cluster is. Bytes. */
export interface CompressedPlace {
  readonly guest: GuestOffset;
  readonly host: HostOffset;
  /** To the end of the stream's last sector. */
  readonly length: ByteLength;
}

/**
 * Fills `target`, one cluster, with the content of a compressed cluster.
 * @throws FormatError naming the guest offset, FileError
 */
export function readCompressedCluster(
  file: BlockFile,
  place: CompressedPlace,
  type: CompressionType,
  target: Uint8Array,
): void {
  const facts = { offset: place.host, value: hex(place.guest) };
  if (place.host >= file.size) {
    throw new FormatError(file.name, 'compressed.beyondFile', { ...facts, limit: file.size });
  }
  // The last sector may reach past the end of the file.
  const input = new Uint8Array(Math.min(place.length, file.size - place.host));
  file.read(input, place.host);
  try {
    if (type === 'deflate') inflateCluster(input, target);
    else decompressZstd(input, target);
  } catch (error) {
    const name = error instanceof Error ? error.message : String(error);
    throw new FormatError(file.name, 'compressed.broken', { ...facts, name });
  }
}
