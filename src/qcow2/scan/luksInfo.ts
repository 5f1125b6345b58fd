/**
 * What the header of a LUKS-encrypted image shows without a key, under the names of `qemu-img info`
 * (LUKS On-Disk Format Specification 1.2.3, section 2.3, "PHDR").
 */
import type { BlockFile } from '../io/blockFile';
import type { JsonValue } from './qemuJson';

const MAGIC = 'LUKS\xba\xbe';
/** Bytes of the header with its eight key slots. */
const HEADER_BYTES = 592;
const SECTOR = 512;
const SLOTS_AT = 208;
const SLOT_BYTES = 48;
const SLOT_COUNT = 8;
const SLOT_ACTIVE = 0x00ac71f3;

/**
 * Reads the LUKS header that begins at `offset`. A header that is none, or has a cipher without a name in QEMU,
 * gives only what it does tell.
 * @throws FileError
 */
export function luksInfo(file: BlockFile, offset: number): { readonly [key: string]: JsonValue | undefined } {
  const bytes = Buffer.alloc(HEADER_BYTES);
  file.read(bytes, offset);
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC || bytes.readUInt16BE(6) !== 1) {
    return { format: 'luks' };
  }
  const [mode = '', ivGenerator = ''] = split(textAt(bytes, 40, 32), '-');
  const [ivAlgorithm = '', ivHash] = split(ivGenerator, ':');
  return {
    'ivgen-alg': ivAlgorithm,
    'hash-alg': textAt(bytes, 72, 32),
    'cipher-alg': cipherName(textAt(bytes, 8, 32), mode, bytes.readUInt32BE(108)),
    uuid: textAt(bytes, 168, 40),
    'ivgen-hash-alg': ivHash,
    format: 'luks',
    'cipher-mode': mode,
    slots: Array.from({ length: SLOT_COUNT }, (_, slot) => slotInfo(bytes, SLOTS_AT + slot * SLOT_BYTES)),
    'payload-offset': bytes.readUInt32BE(104) * SECTOR,
    'master-key-iters': bytes.readUInt32BE(164),
  };
}

/** The rounds of derivation and the stripes are told of slots in use only. */
function slotInfo(bytes: Buffer, at: number): JsonValue {
  const active = bytes.readUInt32BE(at) === SLOT_ACTIVE;
  return {
    active,
    iters: active ? bytes.readUInt32BE(at + 4) : undefined,
    'key-offset': bytes.readUInt32BE(at + 40) * SECTOR,
    stripes: active ? bytes.readUInt32BE(at + 44) : undefined,
  };
}

/** QEMU names a cipher by the bits of one key; XTS has two of them. */
function cipherName(cipher: string, mode: string, keyBytes: number): string {
  return `${cipher}-${(mode === 'xts' ? keyBytes / 2 : keyBytes) * 8}`;
}

function split(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function textAt(bytes: Buffer, offset: number, length: number): string {
  const field = bytes.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end < 0 ? length : end);
}
