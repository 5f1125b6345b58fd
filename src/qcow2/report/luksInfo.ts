/** What the header of a LUKS-encrypted image shows without a key, under the names of `qemu-img info`. */
import type { LuksHeader, LuksKeySlot } from '../format/luksHeader';
import type { JsonValue } from '../../text/qemuJson';

const SECTOR = 512;

export function luksInfo(header: LuksHeader): JsonValue {
  const [mode, ivGenerator] = splitAt(header.cipherMode, '-');
  const [ivAlgorithm, ivHash] = splitAt(ivGenerator, ':');
  return {
    'ivgen-alg': ivAlgorithm,
    'hash-alg': header.hash,
    'cipher-alg': cipherName(header.cipherName, mode, header.keyBytes),
    uuid: header.uuid,
    'ivgen-hash-alg': ivHash === '' ? undefined : ivHash,
    format: 'luks',
    'cipher-mode': mode,
    slots: header.slots.map(slotInfo),
    'payload-offset': header.payloadOffset * SECTOR,
    'master-key-iters': header.masterKeyIterations,
  };
}

/** Rounds of derivation and stripes are told of slots in use only. */
function slotInfo(slot: LuksKeySlot): JsonValue {
  return {
    active: slot.active,
    iters: slot.active ? slot.iterations : undefined,
    'key-offset': slot.keyOffset * SECTOR,
    stripes: slot.active ? slot.stripes : undefined,
  };
}

/** QEMU names a cipher by the bits of one key; XTS has two of them. */
function cipherName(cipher: string, mode: string, keyBytes: number): string {
  return `${cipher}-${(mode === 'xts' ? keyBytes / 2 : keyBytes) * 8}`;
}

/** What is before and after the first separator. */
function splitAt(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
