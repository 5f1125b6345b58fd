/** The cancel flag and the write gate that host and thread share. */
import { describe, expect, it } from 'vitest';
import { CancelFlag, WriteGate } from '../../../src/worker/thread';

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

describe('the gate before what writes files', () => {
  it('stays shut for a thread that comes after its host', () => {
    const host = new WriteGate();
    const thread = new WriteGate(host.buffer);
    expect(host.shut()).toBe(true);
    expect(thread.enter()).toBe(false);
    expect(host.shut()).toBe(true);
  });

  it('has a thread that came first end by itself when it leaves', () => {
    const host = new WriteGate();
    const thread = new WriteGate(host.buffer);
    expect(thread.enter()).toBe(true);
    expect(host.isWriting).toBe(true);
    expect([host.shut(), host.shut()]).toEqual([false, false]);
    expect(thread.leave()).toBe(false);
  });

  it('is open again behind a thread that has left', () => {
    const host = new WriteGate();
    const thread = new WriteGate(host.buffer);
    thread.enter();
    expect(thread.leave()).toBe(true);
    expect(thread.enter()).toBe(true);
    thread.leave();
    expect(host.isWriting).toBe(false);
    expect(host.shut()).toBe(true);
  });
});
