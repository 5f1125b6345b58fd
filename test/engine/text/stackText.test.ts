import { describe, expect, it } from 'vitest';
import { stackText } from '../../../src/text/stackText';

describe('the stack of an error', () => {
  it('names the error, each call and its causes', () => {
    const text = stackText(new TypeError('no such thing', { cause: new Error('before') }));
    expect(text).toMatch(/^TypeError: no such thing\n {4}at .*stackText\.test\.ts.*\n/);
    expect(text).toMatch(/\nCaused by: Error: before\n {4}at /);
  });

  it('keeps a message on its line', () => {
    const text = stackText(new Error('a\n    at forged (file.ts:1:1)\u001b[2J'));
    expect(text).toMatch(/^Error: a\\x0a {4}at forged \(file\.ts:1:1\)\\x1b\[2J\n {4}at /);
    expect(text).not.toMatch(/^ {4}at forged/m);
  });

  it('is the value where something else was thrown, or where there is no stack', () => {
    expect(stackText('a\nb')).toBe('a\\x0ab');
    const error = new Error('gone');
    delete error.stack;
    expect(stackText(error)).toBe('Error: gone');
  });
});
