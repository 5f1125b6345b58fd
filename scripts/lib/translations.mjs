// @ts-check
// Translations: `NAME.json` in English, `NAME.LANGUAGE.json` in another language. A translation has the same keys, and
// each text has the same placeholders, commands and code.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** @typedef {Readonly<Record<string, string>>} Texts */

/**
 * @param {string} folder
 * @param {string} name of the English file, without `.json`
 * @returns {{ file: string, texts: Texts }[]}
 */
export function readTranslations(folder, name) {
  return readdirSync(folder)
    .filter((file) => file.startsWith(`${name}.`) && file.endsWith('.json') && file !== `${name}.json`)
    .map((file) => ({ file, texts: readTexts(path.join(folder, file)) }));
}

/**
 * @param {string} file
 * @returns {Texts}
 */
export function readTexts(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/**
 * The faults of a translation; empty if it is complete.
 * @param {string} file its name, for the messages
 * @param {Texts} texts
 * @param {Texts} english
 * @returns {string[]}
 */
export function faultsOf(file, texts, english) {
  const quote = (/** @type {string} */ key) => JSON.stringify(key);
  const missing = Object.keys(english).filter((key) => (texts[key] ?? '').trim() === '');
  const stale = Object.keys(texts).filter((key) => english[key] === undefined);
  const different = Object.keys(english).filter(
    (key) => texts[key] && fixedParts(texts[key]) !== fixedParts(english[key] ?? ''),
  );
  return [
    ...missing.map((key) => `${file}: not translated: ${quote(key)}`),
    ...stale.map((key) => `${file}: translates what is not there any more: ${quote(key)}`),
    ...different.map((key) => `${file}: places, commands or code are others than in English: ${quote(key)}`),
  ];
}

/**
 * A translation without texts that no longer exist, its keys in the order of the English ones.
 * @param {Texts} texts
 * @param {Texts} english
 * @returns {Texts}
 */
export function tidied(texts, english) {
  const kept = Object.keys(english).flatMap((key) => {
    const text = texts[key];
    return text === undefined ? [] : [[key, text]];
  });
  return Object.fromEntries(kept);
}

/**
 * What must be the same in every language: `{0}`, `{name}`, `` `code` ``, `(command:…)`; in any order.
 * @param {string} text
 */
function fixedParts(text) {
  return (text.match(/\{\w+\}|`[^`]+`|\(command:[^)]*\)/g) ?? []).sort().join('\n');
}
