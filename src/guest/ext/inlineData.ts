/** Contents within an inode ("Inline Data"): 60 bytes of `i_block`, the rest as the attribute `system.data`. */
import { GuestError } from '../errors';
import type { Inode } from './inode';

const ATTRIBUTE_MAGIC = 0xea02_0000;
const ENTRY = 16;
/** EXT4_XATTR_INDEX_SYSTEM */
const SYSTEM = 7;
const NAME = 'data';

/** A piece of the contents, and where it is on the device. */
export interface InlinePart {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/** The contents, in the one or two pieces that they have. @throws GuestError `guest.value`, `guest.beyond` */
export function inlineParts(inode: Inode): readonly InlinePart[] {
  const { block, bytes, blockOffset } = inode;
  const parts: InlinePart[] = [{ bytes: block, offset: blockOffset }];
  const rest = attributeOf(inode);
  if (rest !== undefined && rest.length > 0) {
    const offset = blockOffset - (block.byteOffset - bytes.byteOffset) + (rest.byteOffset - bytes.byteOffset);
    parts.push({ bytes: rest, offset });
  }
  return parts;
}

/** The contents of a file in one piece, as long as the file. @throws GuestError */
export function inlineBytes(inode: Inode): Uint8Array {
  const whole = Buffer.concat(inlineParts(inode).map(({ bytes }) => bytes));
  if (whole.length < inode.size) {
    const facts = { what: 'i_size', offset: inode.blockOffset, value: inode.size, limit: whole.length };
    throw new GuestError('guest.beyond', facts);
  }
  return whole.subarray(0, inode.size);
}

/** The value of `system.data`, or undefined where there is none. */
function attributeOf({ bytes, fieldsEnd, blockOffset }: Inode): Uint8Array | undefined {
  if (fieldsEnd + 4 > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(fieldsEnd, true) !== ATTRIBUTE_MAGIC) return undefined;
  const first = fieldsEnd + 4;
  for (let at = first; at + ENTRY <= bytes.length && view.getUint32(at, true) !== 0;) {
    const nameLength = view.getUint8(at);
    const name = Buffer.from(bytes.subarray(at + ENTRY, at + ENTRY + nameLength)).toString('latin1');
    if (view.getUint8(at + 1) === SYSTEM && name === NAME) {
      const start = first + view.getUint16(at + 2, true);
      const end = start + view.getUint32(at + 8, true);
      if (end > bytes.length) {
        const facts = { what: 'e_value_offs', offset: blockOffset, value: end, limit: bytes.length };
        throw new GuestError('guest.beyond', facts);
      }
      return bytes.subarray(start, end);
    }
    at += (ENTRY + nameLength + 3) & ~3;
  }
  return undefined;
}
