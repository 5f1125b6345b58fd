/** Records which input a window gets, in all of its frames, to prove that the walk uses only mouse or only keyboard. */
import type { Window } from '../harness/window';

export class InputWatch {
  /** Buttons pressed on a pointer, and turns of a wheel. */
  pointer = 0;
  /** Keys, by their names. */
  readonly keys: string[] = [];

  readonly #window: Window;

  private constructor(window: Window) {
    this.#window = window;
  }

  static async of(window: Window): Promise<InputWatch> {
    const seen = new InputWatch(window);
    await window.page.exposeFunction('qcow2SeesInput', (type: string, key: string) => {
      if (type === 'keydown') seen.keys.push(key);
      else seen.pointer++;
    });
    await window.page.evaluate(watch);
    return seen;
  }

  /** A webview writes its document after it is made, which takes every listener away: call it once it is shown. */
  async takeIn(): Promise<void> {
    for (const frame of await this.#window.webviews()) await frame.evaluate(watch).catch(() => undefined);
  }
}

function watch(): void {
  const { dataset } = document.documentElement;
  if (dataset['isWatched'] !== undefined) return;
  dataset['isWatched'] = '';
  const { qcow2SeesInput } = globalThis as unknown as { qcow2SeesInput: (type: string, key: string) => void };
  for (const type of ['pointerdown', 'wheel', 'keydown']) {
    addEventListener(
      type,
      (event) => {
        if (event.isTrusted) qcow2SeesInput(type, event instanceof KeyboardEvent ? event.key : '');
      },
      { capture: true, passive: true },
    );
  }
}
