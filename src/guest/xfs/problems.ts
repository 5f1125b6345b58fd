/** Errors as this reader throws them. */
import { GuestError, type GuestProblem } from '../errors';

/** The problem of a structure that has a value which it cannot have; `offset` in bytes of the device. */
export function wrongValue(
  what: string,
  offset: number,
  value: number | string,
  limit: number | string,
): GuestProblem {
  return { code: 'guest.value', what, offset, value, limit };
}

export function invalid(
  what: string,
  offset: number,
  value: number | string,
  limit: number | string,
): GuestError {
  return errorOf(wrongValue(what, offset, value, limit));
}

export function errorOf(problem: GuestProblem): GuestError {
  return new GuestError(problem.code, problem);
}
