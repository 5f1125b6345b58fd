/**
 * The text format of LVM2's metadata (lib/config): `name = value` and `name { … }`, where a value is a number, a string or a
 * list of both. What the text declares is not trusted: it ends, nests and grows within limits.
 */
import { GuestError } from '../errors';

export type ConfigValue = number | string | readonly (number | string)[] | ConfigSection;
export class ConfigSection extends Map<string, ConfigValue> {}

/** Sections within each other; LVM2 has four. */
const DEEPEST = 16;
/** Characters of a string; the longest that LVM2 writes are command lines. */
const LONGEST_STRING = 64 * 1024;

/** What all texts of a disk may take together; counted down. */
export interface TextLimits {
  /** Bytes of text. */
  bytes: number;
  /** Words, strings and marks; a segment of a volume has about 40. */
  tokens: number;
}

/** Characters of names and numbers, by code. */
const IS_WORD = Uint8Array.from({ length: 128 }, (_, code) =>
  /[\w.+/-]/.test(String.fromCharCode(code)) ? 1 : 0,
);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMENT = 0x23;
const BLANK = 0x20;
const NUMBER = /^-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/;
const MARKS = '={}[],';

interface Token {
  /** A word is a name or a number, as its place says. */
  readonly kind: 'word' | 'text' | 'mark' | 'end';
  readonly text: string;
}

/** Cuts the text into tokens, each character looked at once. */
class Lexer {
  #at = 0;

  constructor(readonly text: string) {}

  next(): Token {
    this.#skipBlanks();
    const first = this.text.charAt(this.#at);
    // LVM2 ends its text with a NUL.
    if (first === '' || first === '\0') return { kind: 'end', text: '' };
    if (first === '"') return { kind: 'text', text: this.#quoted() };
    const start = this.#at++;
    if (MARKS.includes(first)) return { kind: 'mark', text: first };
    if (!this.#isWord(start)) throw this.wrong(first, 'name, number, string or mark');
    while (this.#isWord(this.#at)) this.#at++;
    return { kind: 'word', text: this.text.slice(start, this.#at) };
  }

  wrong(value: string, limit: string): GuestError {
    return new GuestError('volume.metadata', { offset: this.#at, value: value.slice(0, 32), limit });
  }

  #isWord(at: number): boolean {
    return IS_WORD[this.text.charCodeAt(at)] === 1;
  }

  #skipBlanks(): void {
    for (; ; this.#at++) {
      const code = this.text.charCodeAt(this.#at);
      if (code === COMMENT) {
        const end = this.text.indexOf('\n', this.#at);
        this.#at = end < 0 ? this.text.length : end;
      } else if (code !== BLANK && !(code >= 9 && code <= 13)) return;
    }
  }

  #quoted(): string {
    const start = ++this.#at;
    const { text } = this;
    let isEscaped = false;
    for (; text.charCodeAt(this.#at) !== QUOTE; this.#at++) {
      if (this.#at >= text.length || this.#at - start > LONGEST_STRING) throw this.wrong('', '"');
      if (text.charCodeAt(this.#at) !== BACKSLASH) continue;
      isEscaped = true;
      this.#at++;
    }
    const content = text.slice(start, this.#at++);
    return isEscaped ? content.replace(/\\([^])/g, '$1') : content;
  }
}

/** @throws GuestError `volume.metadata` */
export function parseConfig(text: string, limits: TextLimits): ConfigSection {
  return new Parser(text, limits).section(0);
}

class Parser {
  readonly #lexer: Lexer;
  #token: Token;

  constructor(
    text: string,
    readonly limits: TextLimits,
  ) {
    this.#lexer = new Lexer(text);
    this.#token = this.#lexer.next();
  }

  /** Everything up to the end of the section; the token after it is next. */
  section(depth: number): ConfigSection {
    if (depth > DEEPEST) throw this.#lexer.wrong('{', `depth ≤ ${DEEPEST}`);
    const section = new ConfigSection();
    while (depth === 0 ? this.#token.kind !== 'end' : !this.#isMark('}')) {
      if (this.#token.kind !== 'word') throw this.#unexpected('name');
      const name = this.#token.text;
      this.#advance();
      section.set(name, this.#afterName(depth));
    }
    return section;
  }

  #afterName(depth: number): ConfigValue {
    if (this.#isMark('{')) {
      this.#advance();
      const section = this.section(depth + 1);
      this.#advance();
      return section;
    }
    if (!this.#isMark('=')) throw this.#unexpected('= or {');
    this.#advance();
    if (!this.#isMark('[')) return this.#single();
    this.#advance();
    const list: (number | string)[] = [];
    while (!this.#isMark(']')) {
      list.push(this.#single());
      if (this.#isMark(',')) this.#advance();
      else if (!this.#isMark(']')) throw this.#unexpected(', or ]');
    }
    this.#advance();
    return list;
  }

  #single(): number | string {
    const { kind, text } = this.#token;
    const isNumber = kind === 'word' && NUMBER.test(text);
    if (!isNumber && kind !== 'text') throw this.#unexpected('number or string');
    this.#advance();
    return isNumber ? Number(text) : text;
  }

  #isMark(mark: string): boolean {
    return this.#token.kind === 'mark' && this.#token.text === mark;
  }

  #advance(): void {
    if (--this.limits.tokens < 0) throw this.#lexer.wrong(this.#token.text, 'fewer tokens');
    this.#token = this.#lexer.next();
  }

  #unexpected(limit: string): GuestError {
    return this.#lexer.wrong(this.#token.kind === 'end' ? '' : this.#token.text, limit);
  }
}

/** @throws GuestError `volume.metadata` where it is missing or something else */
export function sectionOf(section: ConfigSection, name: string): ConfigSection {
  const value = section.get(name);
  if (!(value instanceof ConfigSection)) throw missing(name, 'section');
  return value;
}

/** An integer ≥ 0. @throws GuestError `volume.metadata` */
export function countOf(section: ConfigSection, name: string): number {
  const value = section.get(name);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw missing(name, 'integer');
  return value;
}

/** @throws GuestError `volume.metadata` */
export function textOf(section: ConfigSection, name: string): string {
  const value = section.get(name);
  if (typeof value !== 'string') throw missing(name, 'string');
  return value;
}

/** A list; empty where it is missing. @throws GuestError `volume.metadata` */
export function listOf(section: ConfigSection, name: string): readonly (number | string)[] {
  const value = section.get(name) ?? [];
  if (!Array.isArray(value)) throw missing(name, 'list');
  return value as readonly (number | string)[];
}

/** Sections in a section, by name; those within the named one, which may be missing. */
export function sectionsOf(section: ConfigSection, name: string): [string, ConfigSection][] {
  return section.has(name) ? sectionsIn(sectionOf(section, name)) : [];
}

export const sectionsIn = (section: ConfigSection): [string, ConfigSection][] =>
  [...section].flatMap(([key, value]) =>
    value instanceof ConfigSection ? [[key, value] as [string, ConfigSection]] : [],
  );

const missing = (name: string, limit: string): GuestError =>
  new GuestError('volume.metadata', { offset: 0, value: name, limit });
