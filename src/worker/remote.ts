/** A typed proxy: the calls of an API, made from one function that carries each call to where it is answered. */
import type { Result } from './api';

/** The calls of `Api` as the other side makes them. */
export type Remote<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : never;
};

/** Every call returns a `Result`, so that a call that could not be carried has an answer too. */
type Answering<Api> = {
  readonly [Name in keyof Api]: (...args: never[]) => Result<unknown> | Promise<Result<unknown>>;
};

/** @param carry runs `ask` where the calls are answered, and returns its answer */
export function remote<Api extends Answering<Api>>(
  carry: <T>(ask: (api: Remote<Api>) => Promise<Result<T>>) => Promise<Result<T>>,
): Remote<Api> {
  type Call = (...args: readonly unknown[]) => Promise<Result<unknown>>;
  return new Proxy({} as Remote<Api>, {
    // `await` asks for `then`; the proxy is not a promise.
    get: (_, name) =>
      name === 'then'
        ? undefined
        : (...args: readonly unknown[]) => carry((api) => (api[name as keyof Api] as Call)(...args)),
  });
}
