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
export function qemuJson(value: JsonValue): string {
  let text = '';
  writeQemuJson(value, (piece) => (text += piece));
  return text;
}

/** The same, piece by piece: an image may declare 65,536 snapshots. */
export function writeQemuJson(value: JsonValue, write: (piece: string) => void, indent = ''): void {
  if (typeof value === 'string') write(quoted(value));
  else if (typeof value !== 'object') write(value.toString());
  else {
    const inner = `${indent}    `;
    const [open, close] = isList(value) ? '[]' : '{}';
    const keys = Object.keys(value).filter((key) => partOf(value, key) !== undefined);
    write(`${open}\n`);
    keys.forEach((key, index) => {
      write(isList(value) ? inner : `${inner}${quoted(key)}: `);
      writeQemuJson(partOf(value, key)!, write, inner);
      write(index < keys.length - 1 ? ',\n' : '\n');
    });
    write(`${indent}${close}`);
  }
}

const partOf = (value: JsonValue & object, key: string): JsonValue | undefined =>
  (value as Readonly<Record<string, JsonValue | undefined>>)[key];

export function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}
