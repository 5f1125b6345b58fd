/** What comes back from a question to the host. */
import type { Problem, Result } from '../src/editor/page/messages';

/** No answer came: the host's side broke off. */
export interface Lost {
  readonly ok: false;
  readonly problem?: undefined;
}

export type Settled<T> = Result<T> | Lost;
export type MaybeProblem = Problem | undefined;

/** An answer, or why there is none in the person's language; undefined while it is awaited. */
export type Answer<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly text: string } | undefined;
