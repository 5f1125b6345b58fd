/**
 * What a value in a header means, where that takes words: a code with its values, for the translation, and the
 * English of it.
 */

export const PHRASES = {
  none: 'none',
  unknown: 'unknown',
  notQcow2: 'not qcow2',
  bits: '{0} bits',
  bytes: '{0} bytes',
  sizeInBytes: '{0} ({1} bytes)',
  bitmapDirectory: '{0} bitmaps, directory of {1} bytes at {2}',
  luksHeader: 'LUKS header of {0} bytes at {1}',
  cutOff: '{0} … (cut off)',
} as const;

export type PhraseCode = keyof typeof PHRASES;

export interface Phrase {
  readonly code: PhraseCode;
  readonly values: readonly string[];
}

/** In words, and as data to be put into other words; data alone needs no phrase. */
export interface Said {
  readonly decoded: string;
  readonly phrase?: Phrase;
}

export function say(code: PhraseCode, ...values: readonly (string | number | bigint)[]): Said {
  const texts = values.map(String);
  const decoded = PHRASES[code].replace(/\{(\d)\}/g, (_, index: string) => texts[Number(index)] ?? '');
  return { decoded, phrase: { code, values: texts } };
}
