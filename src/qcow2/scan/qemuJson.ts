/**
 * JSON laid out as QEMU lays it out (qobject/qjson.c): four spaces a level, an empty list on two lines, everything
 * beyond ASCII escaped.
 */

export type JsonValue =
  | string
  | number
  | bigint
  | boolean
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** Keys whose value is undefined are left out. No newline at the end. */
export function qemuJson(value: JsonValue, indent = ''): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object') return value.toString();
  const inner = `${indent}    `;
  if (isList(value)) {
    const items = value.map((item) => `${inner}${qemuJson(item, inner)}`);
    return `[\n${items.map((item, index) => item + (index < items.length - 1 ? ',\n' : '\n')).join('')}${indent}]`;
  }
  const members = Object.entries(value)
    .filter((entry): entry is [string, JsonValue] => entry[1] !== undefined)
    .map(([key, member]) => `${inner}${quoted(key)}: ${qemuJson(member, inner)}`);
  return `{\n${members.join(',\n')}\n${indent}}`;
}

export function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}
