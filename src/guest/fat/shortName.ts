/**
 * Names of 8 + 3 characters (Microsoft's FAT specification 1.03, "Directory structure"), in code page 437, which is what
 * MS-DOS, Windows and Linux use unless told otherwise.
 */

/** Code page 437 from 0x80 on. */
const UPPER_HALF =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/** Windows NT: the name, or its extension, is in lower case. */
const LOWER_BASE = 0x08;
const LOWER_EXTENSION = 0x10;

/** @param at where the directory entry begins */
export function shortName(view: DataView, at: number): string {
  const flags = view.getUint8(at + 12);
  const base = oemText(view, at, 8);
  const extension = oemText(view, at + 8, 3);
  const shownBase = (flags & LOWER_BASE) === 0 ? base : base.toLowerCase();
  if (extension === '') return shownBase;
  return `${shownBase}.${(flags & LOWER_EXTENSION) === 0 ? extension : extension.toLowerCase()}`;
}

/** A volume's label: 11 characters in a row. */
export function labelText(view: DataView, at: number): string {
  return oemText(view, at, 11);
}

function oemText(view: DataView, at: number, length: number): string {
  let text = '';
  for (let index = 0; index < length; index++) {
    const byte = view.getUint8(at + index);
    // 0xE5 in front would be that of a deleted entry: 0x05 stands for it. Only the front of a name can have it.
    if (byte === 0x05 && index === 0 && length !== 3) text += UPPER_HALF.charAt(0xe5 - 0x80);
    else text += byte < 0x80 ? String.fromCharCode(byte) : UPPER_HALF.charAt(byte - 0x80);
  }
  return text.replace(/ +$/, '');
}

/** What each entry of a long name has of the short one's bytes. */
export function shortNameChecksum(view: DataView, at: number): number {
  let sum = 0;
  for (let index = 0; index < 11; index++) {
    sum = (((sum & 1) << 7) | (sum >>> 1)) + view.getUint8(at + index);
    sum &= 0xff;
  }
  return sum;
}
