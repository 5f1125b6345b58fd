/**
 * The English sentence for every problem code. `{file}`, `{offset}`, `{value}`, `{limit}` and `{what}` are
 * filled from the problem's fields (offsets as `0x…`). The editor's translations are keyed by these sentences.
 */
import type { Problem } from './errors';
import { hex } from './units';

export const PROBLEM_TEXT = {
  cancelled: 'Cancelled',

  // io/
  'file.missing': 'No such file',
  'file.notRegular': 'Not a regular file, but a {value}',
  'file.permission': 'Permission denied',
  'file.open': 'Cannot be opened: {value}',
  'file.read': 'Cannot read {limit} bytes at offset {offset}: {value}',
  'file.shrank': 'The file ends at {value} bytes: it was {limit} bytes long when it was opened',

  // chain/
  'gate.restricted': 'Not opened: names in an image are not followed in Restricted Mode',
  'gate.protocol': "Not opened: '{value}' is no local file but needs the protocol '{what}'",
  'gate.network': "Not opened: '{value}' is on another machine",
  'gate.noName': 'The name of the file is empty',
  'gate.jsonSyntax': "Not opened: '{value}' is not a valid json: name",
  'gate.jsonTooLarge': "Not opened: the json: name is longer or nested deeper than {limit}: '{value}'",
  'gate.jsonDriver': "Not opened: the json: name asks for the driver '{value}'; only qcow2, raw and file are read",
  'gate.jsonOption': "Not opened: the json: name has the option '{value}', which is not followed",
  'gate.jsonNoFile': 'Not opened: the json: name gives no local file',
  'chain.format': "The backing file's format '{value}' is not read; only {limit} are",
  'chain.cycle': "The backing chain comes back to '{value}': it is a cycle",
  'chain.tooDeep': 'The backing chain goes on below {limit} layers, the most that are opened',
  'chain.formatProbed': 'The overlay gives no backing format; the content was taken for {value}',
  'chain.shorter': 'The backing file has {value} bytes, fewer than its overlay with {limit}',
  'chain.longer': 'The backing file has {value} bytes, more than its overlay with {limit}',
  'chain.dataFileMissing': "'data-file' is required for this image, and its header names none",
  'chain.incomplete': "The backing chain is incomplete: '{value}' is not open",

  // scan/
  'map.noOffset': 'File contains external, encrypted or compressed clusters.',

  // worker/, editor/
  'thread.ended': 'The thread that reads the image ended: {value}',
  'engine.notOpen': 'No image is open',
  'file.notLocal': 'A file that is not on a local disk is read up to {limit} bytes; this one has {value}',
  'export.ontoImage': 'The map cannot be written over a file of the image itself',
  'export.write': 'Cannot be written: {value}',
} as const;

export type ProblemCode = keyof typeof PROBLEM_TEXT;

/** Turns a template with `{name}` places into words; the editor passes `vscode.l10n.t`. */
export type Translate = (template: string, args: Record<string, string | number>) => string;

const english: Translate = (template, args) =>
  template.replace(/\{(\w+)\}/g, (place, name: string) => String(args[name] ?? place));

/**
 * Says what is wrong in one line, without the file's name (the edge puts it in front).
 * Control characters in names that come from an image are shown as `\xNN`, so a line stays a line.
 */
export function describeProblem(problem: Problem, translate: Translate = english): string {
  const args: Record<string, string | number> = {
    file: printable(problem.file),
    offset: problem.offset === undefined ? '?' : hex(problem.offset),
    value: printable(String(problem.value ?? '?')),
    limit: printable(String(problem.limit ?? '?')),
    what: problem.what ?? '?',
  };
  return translate(PROBLEM_TEXT[problem.code], args);
}

/** Makes text from an image safe to put into one line: control characters become `\xNN`. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}
