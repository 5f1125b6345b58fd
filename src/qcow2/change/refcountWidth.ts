/** Reading and writing single refcounts of a block, whatever their width (qcow2.txt, "Refcount block"). */

export interface RefcountWidth {
  readonly bits: number;
  /** The largest refcount; 2^53 − 1 stands for that of 64 bits. */
  readonly max: number;
  /** Beyond 2^53 it is rounded, which `max` then refuses. */
  get(block: Uint8Array, index: number): number;
  set(block: Uint8Array, index: number, refcount: number): void;
}

export function refcountWidth(bits: number): RefcountWidth {
  if (bits < 8) return narrow(bits);
  return bits === 64 ? wide : ofBytes(bits);
}

/** Several in a byte: the first one is in the lowest bits. */
function narrow(bits: number): RefcountWidth {
  const mask = (1 << bits) - 1;
  return {
    bits,
    max: mask,
    get: (block, index) => (block[(index * bits) >>> 3]! >>> ((index * bits) & 7)) & mask,
    set: (block, index, refcount) => {
      const at = (index * bits) >>> 3;
      const shift = (index * bits) & 7;
      block[at] = (block[at]! & ~(mask << shift)) | (refcount << shift);
    },
  };
}

function ofBytes(bits: number): RefcountWidth {
  const bytes = bits / 8;
  return {
    bits,
    max: 2 ** bits - 1,
    get: (block, index) => {
      let refcount = 0;
      for (let at = index * bytes; at < (index + 1) * bytes; at++) refcount = refcount * 256 + block[at]!;
      return refcount;
    },
    set: (block, index, refcount) => {
      let left = refcount;
      for (let at = (index + 1) * bytes - 1; at >= index * bytes; at--) {
        block[at] = left & 0xff;
        left = Math.floor(left / 256);
      }
    },
  };
}

const wide: RefcountWidth = {
  ...ofBytes(64),
  max: Number.MAX_SAFE_INTEGER,
};
