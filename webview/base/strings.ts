/**
 * Translated texts of the page. The host writes the translations into the page (messages.ts, `PageStrings`), keyed by
 * the English text; `scripts/l10n.mjs` collects the texts from the calls of `t`.
 */

import { safeName } from './names';

/** The part of `document` that is used; tests run this file without one. */
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

/** The translated text with `{0}`, `{1}`, … filled in; strings among the values are made printable. */
export function t(sentence: string, ...values: readonly (string | number)[]): string {
  const translated = translations[sentence];
  const template = typeof translated === 'string' ? translated : sentence;
  return template.replace(/\{(\d+)\}/g, (place, index: string) => {
    const value = values[Number(index)] ?? place;
    return typeof value === 'string' ? safeName(value) : String(value);
  });
}
