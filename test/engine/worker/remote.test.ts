/** The calls of an API, made out of one function that carries them. */
import { expect, it } from 'vitest';
import type { Result } from '../../../src/worker/api';
import { remote, type Remote } from '../../../src/worker/remote';

interface Api {
  sum(one: number, other: number): Result<number>;
  name(): Result<string>;
}

const api: Remote<Api> = {
  sum: (one, other) => Promise.resolve({ ok: true, value: one + other }),
  name: () => Promise.resolve({ ok: true, value: 'api' }),
};

const LOST: Result<never> = { ok: false, problem: { kind: 'io', code: 'thread.ended', file: '' } };

it('carries each call with its arguments, and answers with its answer', async () => {
  const calls = remote<Api>((ask) => ask(api));
  expect(await calls.sum(2, 3)).toEqual({ ok: true, value: 5 });
  expect(await calls.name()).toEqual({ ok: true, value: 'api' });
});

it('answers with what the carrier answers where a call cannot be carried', async () => {
  const calls = remote<Api>(() => Promise.resolve(LOST));
  expect(await calls.sum(2, 3)).toEqual(LOST);
});

it('may be awaited like any other value', async () => {
  const calls = remote<Api>(() => Promise.resolve(LOST));
  expect(await Promise.resolve(calls)).toBe(calls);
});

it('is made of calls that answer with a result alone, and takes what the API takes', () => {
  const calls = remote<Api>((ask) => ask(api));
  // @ts-expect-error an answer that is not a result could not say that a call was not carried
  remote<{ size(): number }>((ask) => ask({ size: () => Promise.resolve(1) }));
  // @ts-expect-error the API takes numbers
  void calls.sum('2', 3);
  // @ts-expect-error the API has no such call
  expect(typeof calls.product).toBe('function');
});
