/**
 * Backing names of the form `json:{…}`: QEMU's block options written as JSON, nested or with dotted keys
 * (`{"file.filename": …}`), in double or single quotes. They are followed only when they come down to one local
 * file read as qcow2 or raw; every option that would change what is read is a reason not to open.
 */
import type { ProblemCode } from '../problemText';

/** What a `json:` name comes down to, or why it is not followed. */
export type JsonName =
  | {
      readonly follows: true;
      /** Taken literally: QEMU looks for no protocol in a `filename` option. */
      readonly filename: string;
      /** The outermost driver; absent where the name gives none, so that the format is probed. */
      readonly format?: 'qcow2' | 'raw';
    }
  | {
      readonly follows: false;
      readonly code: Extract<ProblemCode, `gate.json${string}`>;
      readonly value: string;
      readonly limit?: number;
    };

/** Longest text after `json:` that is looked at; a header's backing name has at most 1023 bytes. */
const MAX_LENGTH = 4096;
/** Deepest nesting of objects, in the text and in `file.file.…` keys. */
const MAX_DEPTH = 16;

/** Options that say how to read, not what: they may stand anywhere and change no byte. */
const HARMLESS = new Set([
  'aio',
  'auto-read-only',
  'cache.direct',
  'cache.no-flush',
  'detect-zeroes',
  'discard',
  'drop-cache',
  'force-share',
  'locking',
  'node-name',
  'read-only',
]);

/** Reads a name that starts with `json:`. Never throws. */
export function readJsonName(name: string): JsonName {
  const text = name.slice('json:'.length);
  if (text.length > MAX_LENGTH) return refuse('gate.jsonTooLarge', name, MAX_LENGTH);
  let value: unknown;
  try {
    value = JSON.parse(inDoubleQuotes(text));
  } catch {
    return refuse('gate.jsonSyntax', name);
  }
  if (!isObject(value)) return refuse('gate.jsonSyntax', name);
  const options = new Map<string, unknown>();
  const tooDeep = !flatten(value, '', options, 0);
  if (tooDeep) return refuse('gate.jsonTooLarge', name, MAX_DEPTH);
  return resolve(options);
}

/** Walks down from the outermost node to the local file: qcow2 or raw, then raw nodes, then `file`. */
function resolve(options: Map<string, unknown>): JsonName {
  const outermost = take(options, 'driver');
  let driver = outermost;
  let prefix = '';
  for (let depth = 0; driver !== 'file'; depth++) {
    const isFormat = driver === 'raw' || (depth === 0 && (driver === 'qcow2' || driver === undefined));
    const endsInFile = depth > 0 && driver === undefined;
    if (endsInFile) break;
    if (!isFormat) return refuse('gate.jsonDriver', shown(driver));
    if (depth >= MAX_DEPTH) return refuse('gate.jsonTooLarge', 'file', MAX_DEPTH);
    prefix += 'file.';
    driver = take(options, `${prefix}driver`);
  }
  const filename = take(options, `${prefix}filename`);
  if (typeof filename !== 'string' || filename === '') return refuse('gate.jsonNoFile', 'filename');
  for (const key of options.keys()) {
    if (!HARMLESS.has(key.replace(/^(file\.)+/, ''))) return refuse('gate.jsonOption', key);
  }
  const format = outermost === 'qcow2' ? 'qcow2' : outermost === undefined ? undefined : 'raw';
  return format === undefined ? { follows: true, filename } : { follows: true, filename, format };
}

function refuse(code: Extract<ProblemCode, `gate.json${string}`>, value: string, limit?: number): JsonName {
  return limit === undefined ? { follows: false, code, value } : { follows: false, code, value, limit };
}

/** Takes an option out, so that what is left over is what was not understood. */
function take(options: Map<string, unknown>, key: string): unknown {
  const value = options.get(key);
  options.delete(key);
  return value;
}

/**
 * Lays nested objects out as dotted keys. False when they nest too deep. A key that is given twice, nested and
 * dotted, is ambiguous; it is kept under a name that no rule knows, so the name is refused for it.
 */
function flatten(object: object, prefix: string, into: Map<string, unknown>, depth: number): boolean {
  if (depth >= MAX_DEPTH) return false;
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    const path = prefix + key;
    if (isObject(value)) {
      if (!flatten(value, `${path}.`, into, depth + 1)) return false;
    } else {
      into.set(into.has(path) ? `${path} (twice)` : path, value);
    }
  }
  return true;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Rewrites single-quoted strings, which QEMU's parser takes, as JSON has them. */
function inDoubleQuotes(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|'((?:[^'\\]|\\.)*)'/gs, (whole, single: string | undefined) =>
    single === undefined ? whole : `"${single.replace(/\\.|"/gs, requote)}"`,
  );
}

function requote(part: string): string {
  if (part === '"') return '\\"';
  return part === "\\'" ? "'" : part;
}
