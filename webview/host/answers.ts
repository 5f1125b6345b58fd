/** What comes back from a question to the host. */
import type { Problem, Result } from '../../src/editor/messages';

/** No answer came: the host's side broke off. */
export interface Disconnected {
  readonly ok: false;
  readonly problem?: undefined;
}

export type HostResult<T> = Result<T> | Disconnected;
export type MaybeProblem = Problem | undefined;

/** An answer, or why there is none in the person's language; undefined while it is awaited. */
export type Loadable<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly text: string } | undefined;
