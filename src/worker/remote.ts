/** A typed proxy: the calls of an API, made out of one function that carries any of them to where they are answered. */
import type { Result } from './api';

/** The calls of `Api` as they are made from elsewhere. */
export type Remote<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Answer>
    : never;
};

/** Every call answers with a `Result`, so that one that could not be carried is answered, too. */
type Answering<Api> = { readonly [Name in keyof Api]: (...args: never[]) => Result<unknown> };

/** @param carry runs `ask` where the calls are answered; what it answers with is the call's answer */
export function remote<Api extends Answering<Api>>(
  carry: <T>(ask: (api: Remote<Api>) => Promise<Result<T>>) => Promise<Result<T>>,
): Remote<Api> {
  type Call = (...args: readonly unknown[]) => Promise<Result<unknown>>;
  return new Proxy({} as Remote<Api>, {
    // It is not a promise: `await` asks for `then`.
    get: (_, name) =>
      name === 'then'
        ? undefined
        : (...args: readonly unknown[]) => carry((api) => (api[name as keyof Api] as Call)(...args)),
  });
}
