/** Types of the host's answers. */
import type { Problem, Result } from '../../src/editor/page/messages';

/** The host stopped before it answered. */
export interface Disconnected {
  readonly ok: false;
  readonly problem?: undefined;
}

export type HostResult<T> = Result<T> | Disconnected;
export type MaybeProblem = Problem | undefined;

/** A value, or a translated message why it could not be loaded; undefined while it is loading. */
export type Loadable<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly text: string } | undefined;
