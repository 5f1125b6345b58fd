/** Waits for a condition that no event announces. */
import type { Frame } from 'playwright-core';
import { expect } from 'vitest';

/**
 * Asks until there is an answer.
 * @param what for the error message: `a webview is shown`
 * @param ask returns undefined or false until the condition holds
 * @param timeout in milliseconds
 * @param why what the error message should say besides
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeout = 30_000,
  why?: () => Promise<string>,
): Promise<T> {
  const end = Date.now() + timeout;
  // Most answers come soon; what takes longer is not kept busy by questions.
  for (let pause = 20; ; pause = Math.min(2 * pause, 100)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) {
      const besides = why === undefined ? '' : `: ${await why()}`;
      throw new Error(`waited ${timeout} ms in vain until ${what}${besides}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/**
 * `expect` for what the page shows soon: answers of the extension host and of the engine arrive later, and the page
 * draws in its next frame. Asks until the assertion holds.
 */
export function expectSoon<T>(ask: () => Promise<T>, message?: string): ReturnType<typeof expect.poll<T>> {
  return expect.poll(ask, { timeout: 30_000, ...(message === undefined ? {} : { message }) });
}

/**
 * Waits until a page has drawn what it was asked for so far. That takes two frames: what observes sizes runs at the end of
 * the first, and may ask for another.
 */
export async function drawn(frame: Frame): Promise<void> {
  await frame.evaluate(
    () =>
      new Promise<void>((resolve) => {
        requestAnimationFrame(() =>
          requestAnimationFrame(() => {
            resolve();
          }),
        );
      }),
  );
}
