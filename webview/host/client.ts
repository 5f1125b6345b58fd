/**
 * The extension host, called through birpc over `postMessage`. A call that is broken off, because the worker died,
 * would reject; here it resolves with an answer of its own, and the page is told that the host has stopped.
 */
import { createBirpc } from 'birpc';
import type { HostApi, PageApi, Problem, Result } from '../../src/editor/page/messages';
import { t } from '../base/strings';
import type { HostResult, Loadable, MaybeProblem } from './answers';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export const vscode = acquireVsCodeApi();

/** An answer whose failure is a problem, or a translated message already. */
type HostAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem }
  | { readonly ok: false; readonly text: string };

/** Milliseconds from an answer to the next question whether the host is there. */
const ASK_AFTER = 5_000;
/** Milliseconds without an answer after which it is taken to have stopped: longer than others keep it busy. */
const PATIENCE = 10_000;

export class HostClient {
  /** The calls of the host. They reject when it stops: pass their promises to one of the methods below. */
  readonly calls;

  readonly #stopped: () => void;

  /** @param stopped called when a call was broken off */
  constructor(page: PageApi, stopped: () => void) {
    this.#stopped = stopped;
    this.calls = createBirpc<HostApi, PageApi>(page, {
      post: (message) => {
        vscode.postMessage(message);
      },
      on: (receive) => {
        window.addEventListener('message', (event) => {
          receive(event.data);
        });
      },
      bind: 'functions',
      timeout: -1,
    });
  }

  /** The answer of a call, or that the host has stopped. Never rejects. */
  async result<T>(call: Promise<Result<T>>): Promise<HostResult<T>> {
    return (await this.#settled(call)) ?? { ok: false };
  }

  /** The answer of a call, with a failure as a translated message. Never rejects. */
  async load<T>(call: Promise<HostAnswer<T>>): Promise<Loadable<T>> {
    const answer = await this.#settled(call);
    if (answer !== undefined && (answer.ok || 'text' in answer)) return answer;
    return { ok: false, text: await this.describe(answer?.problem) };
  }

  /** The answer of a call that cannot fail unless the host stops. Never rejects. */
  value<T>(call: Promise<T>): Promise<Loadable<T>> {
    return this.load(call.then((value) => ({ ok: true, value })));
  }

  /**
   * Tells from now on whether the host answers. VS Code starts another one where one has stopped, but leaves pages as they
   * are: nothing on them works any more, and they do not show it.
   */
  async watch(told: (isThere: boolean) => void): Promise<void> {
    const timer = setTimeout(told, PATIENCE, false);
    await this.#settled(this.calls.isThere());
    clearTimeout(timer);
    told(true);
    setTimeout(() => void this.watch(told), ASK_AFTER);
  }

  /** Makes a call without waiting for its end. */
  send(call: Promise<void>): void {
    void this.#settled(call);
  }

  /** The translated message of a problem; without one, that the engine has stopped. */
  async describe(problem: MaybeProblem): Promise<string> {
    const text = problem && (await this.#settled(this.calls.describe(problem)));
    return text ?? t('The engine of this image has stopped.');
  }

  async #settled<T>(call: Promise<T>): Promise<T | undefined> {
    try {
      return await call;
    } catch {
      this.#stopped();
      return undefined;
    }
  }
}
