/** What Node says of a system call that failed. */

/** `ENOENT` and the like; undefined for what is no such error. */
export const systemCode = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;

/** `EIO: i/o error` out of Node's `EIO: i/o error, read`. */
export function systemMessage(error: unknown): string {
  if (systemCode(error) === 'ERR_INVALID_ARG_VALUE') return 'the name contains a null byte';
  const message = error instanceof Error ? error.message : String(error);
  return message.split(',', 1)[0] ?? message;
}
