/** Waits for a condition that no event announces. */

/**
 * Asks until there is an answer.
 * @param what for the error message: `a webview is shown`
 * @param ask returns undefined or false until the condition holds
 * @param timeout in milliseconds
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeout = 30_000,
): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`waited ${timeout} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
