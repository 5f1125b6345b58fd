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
import type { CompressedStream } from './layer';
import { decompressZstd } from './zstd';

/** Where a compressed cluster is. Bytes. */
export interface CompressedPlace {
  readonly guest: GuestOffset;
  readonly host: HostOffset;
  /** To the end of the stream's last sector. */
  readonly length: ByteLength;
}

/** Bytes of the stream that are in the file: its last sector may reach past the end. */
const lengthInFile = (file: BlockFile, { host, length }: CompressedPlace): ByteLength =>
  Math.min(length, file.size - host);

/** The stream of a cluster for other threads; undefined where they cannot read it, or the file has none of it. */
export function streamInFile(
  file: BlockFile,
  place: CompressedPlace,
  type: CompressionType,
): CompressedStream | undefined {
  const { descriptor } = file;
  const length = lengthInFile(file, place);
  if (descriptor === undefined || length <= 0) return undefined;
  return { descriptor, host: place.host, length, type };
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
  const input = new Uint8Array(lengthInFile(file, place));
  file.read(input, place.host);
  try {
    decompress(input, type, target);
  } catch (error) {
    const name = error instanceof Error ? error.message : String(error);
    throw new FormatError(file.name, 'compressed.broken', { ...facts, name });
  }
}

/**
 * Fills `target`, one cluster, with the content of a compressed stream; what follows the stream in `input` is ignored.
 * @throws Error, of any kind, if that is impossible
 */
export function decompress(input: Uint8Array, type: CompressionType, target: Uint8Array): void {
  if (type === 'deflate') inflateCluster(input, target);
  else decompressZstd(input, target);
}
