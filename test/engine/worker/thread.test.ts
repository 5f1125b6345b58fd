/** The flag that both ends of a thread share. */
import { describe, expect, it } from 'vitest';
import { CancelFlag } from '../../../src/worker/thread';

describe('the flag that stops operations', () => {
  it('stops those that were named, however many there are before one of them looks', () => {
    const host = new CancelFlag();
    const thread = new CancelFlag(host.buffer);
    for (let operation = 7; operation < 27; operation++) host.setFor(operation);
    const operations = Array.from({ length: 40 }, (_, index) => index + 1);
    const stopped = operations.filter((operation) => thread.isSetFor(operation));
    expect(stopped).toEqual(operations.filter((operation) => operation >= 7 && operation < 27));
  });

  it('stops all of them for good', () => {
    const host = new CancelFlag();
    host.set();
    expect(new CancelFlag(host.buffer).isSetFor(3)).toBe(true);
  });
});
