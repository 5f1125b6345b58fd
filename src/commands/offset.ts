/** A place on the guest's disk as a person writes it. */

export type ParsedOffset =
  | { readonly ok: true; readonly guestOffset: number }
  | { readonly ok: false; readonly reason: 'syntax' | 'beyondDisk' };

const UNITS = ['', 'k', 'm', 'g', 't', 'p', 'e'];

/**
 * Reads `0x1f0000`, `4096`, `1.5G`, `64 KiB` (units are powers of 1024, as in QEMU), or `#12` for a cluster's number.
 * @param clusterSize bytes; @param diskSize bytes: the offset must lie below
 */
export function parseOffset(text: string, clusterSize: number, diskSize: number): ParsedOffset {
  const guestOffset = offsetIn(text.trim(), clusterSize);
  if (guestOffset === undefined) return { ok: false, reason: 'syntax' };
  if (!Number.isSafeInteger(guestOffset) || guestOffset >= diskSize)
    return { ok: false, reason: 'beyondDisk' };
  return { ok: true, guestOffset };
}

/** Bytes of a stretch: the same texts, `#12` for that many clusters. Undefined for what is none, or not exact. */
export function parseLength(text: string, clusterSize: number): number | undefined {
  const length = offsetIn(text.trim(), clusterSize);
  return length !== undefined && Number.isSafeInteger(length) ? length : undefined;
}

/** Bytes, possibly beyond what is exact. */
function offsetIn(text: string, clusterSize: number): number | undefined {
  const cluster = /^#\s*(0x[0-9a-f]+|\d+)$/i.exec(text)?.[1];
  if (cluster !== undefined) return Number(cluster) * clusterSize;
  if (/^0x[0-9a-f]+$/i.test(text)) return Number(text);
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*(?:([kmgtpe]?)(?:i?b)?)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const power = UNITS.indexOf((unit ?? '').toLowerCase());
  if (power === 0 && digits.includes('.')) return undefined;
  return Math.floor(Number(digits) * 1024 ** power);
}
