/** The LUKS version 1 header of an encrypted image, as far as it is readable without a key. */
import { FormatError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import { dataView, textOf } from './bytes';
import type { EncryptionHeaderPlace } from './headerExtensions';
import { refuseBeyondFile } from './beyondFile';

export interface LuksHeader {
  readonly version: number;
  /** `aes`, `serpent`, … */
  readonly cipherName: string;
  /** Chain mode and initialisation vector: `xts-plain64`, `cbc-essiv:sha256`, … */
  readonly cipherMode: string;
  readonly hash: string;
  /** Sectors of 512 bytes from the start of the LUKS header. */
  readonly payloadOffset: number;
  readonly keyBytes: number;
  readonly masterKeyIterations: number;
  readonly uuid: string;
  readonly slots: readonly LuksKeySlot[];
}

export interface LuksKeySlot {
  readonly active: boolean;
  readonly iterations: number;
  /** Sectors of 512 bytes from the start of the LUKS header. */
  readonly keyOffset: number;
  readonly stripes: number;
}

const MAGIC = 'LUKS\xba\xbe';
const HEADER_LENGTH = 592;
const SLOTS = 8;
const FIRST_SLOT = 208;
const SLOT_LENGTH = 48;
const SLOT_ACTIVE = 0x00ac71f3;

/**
 * @throws FormatError where there is no LUKS header of version 1, FileError
 */
export function readLuksHeader(file: BlockFile, place: EncryptionHeaderPlace): LuksHeader {
  refuseBeyondFile(file, 'LUKS header', place.offset, HEADER_LENGTH);
  const bytes = new Uint8Array(HEADER_LENGTH);
  file.read(bytes, place.offset);
  const view = dataView(bytes);
  const magic = Buffer.from(bytes.subarray(0, 6)).toString('latin1');
  if (magic !== MAGIC) throw new FormatError(file.name, 'luks.magic', { offset: place.offset });
  const version = view.getUint16(6);
  if (version !== 1) {
    throw new FormatError(file.name, 'luks.version', { offset: place.offset + 6, value: version });
  }
  return {
    version,
    cipherName: textOf(bytes.subarray(8, 40)),
    cipherMode: textOf(bytes.subarray(40, 72)),
    hash: textOf(bytes.subarray(72, 104)),
    payloadOffset: view.getUint32(104),
    keyBytes: view.getUint32(108),
    masterKeyIterations: view.getUint32(164),
    uuid: textOf(bytes.subarray(168, 208)),
    slots: Array.from({ length: SLOTS }, (_, index) => readSlot(view, FIRST_SLOT + index * SLOT_LENGTH)),
  };
}

function readSlot(view: DataView, at: number): LuksKeySlot {
  return {
    active: view.getUint32(at) === SLOT_ACTIVE,
    iterations: view.getUint32(at + 4),
    keyOffset: view.getUint32(at + 40),
    stripes: view.getUint32(at + 44),
  };
}
