/**
 * The page's words. The host writes the translations into the page (messages.ts, `PageStrings`), keyed by the English
 * sentence; `scripts/l10n.mjs` collects the sentences from the calls of `t`.
 */

import { safeName } from './names';

/** As much of a document as is needed; this file also runs where there is none, in tests. */
interface Page {
  getElementById(id: string): { readonly textContent: string | null } | null;
}

const translations = readTranslations((globalThis as { readonly document?: Page }).document);

function readTranslations(page: Page | undefined): Readonly<Record<string, unknown>> {
  const json = page?.getElementById('l10n')?.textContent ?? '';
  if (json === '') return {};
  const parsed: unknown = JSON.parse(json);
  return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
}

/** The sentence in the person's language, with `{0}`, `{1}`, … filled in; names among them are made printable. */
export function t(sentence: string, ...values: readonly (string | number)[]): string {
  const translated = translations[sentence];
  const template = typeof translated === 'string' ? translated : sentence;
  return template.replace(/\{(\d+)\}/g, (place, index: string) => {
    const value = values[Number(index)] ?? place;
    return typeof value === 'string' ? safeName(value) : String(value);
  });
}
