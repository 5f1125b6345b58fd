/**
 * Checks an open image by itself: after its first map, and after every save, whenever what is shown is what is on disk. It
 * takes a thread of its own, so that no request waits for it, and gives up without a trace after two seconds.
 */
import * as vscode from 'vscode';
import type { Checks } from '../editor/health/checks';
import type { ImageDocument } from '../editor/model/document';
import { sourceName } from '../editor/model/source';
import { withEngine } from './engineOf';

/** Milliseconds. */
const PATIENCE = 2000;

export class AutomaticChecks implements vscode.Disposable {
  readonly #following: vscode.Disposable;
  readonly #tokens = new Set<vscode.CancellationTokenSource>();
  /** One at a time: a window that restores twenty editors has other things to do. */
  #queue: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  readonly #checks: Checks;
  readonly #workerScript: string;

  constructor(checks: Checks, workerScript: string) {
    this.#checks = checks;
    this.#workerScript = workerScript;
    this.#following = checks.onDidFollow((document) => {
      // Both end with the document.
      document.onDidScan(({ done, total }) => {
        if (done >= total) this.#checkSoon(document);
      });
    });
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#following.dispose();
    for (const token of this.#tokens) token.cancel();
  }

  #checkSoon(document: ImageDocument): void {
    if (!this.#isWanted(document)) return;
    this.#queue = this.#queue.then(() => (this.#isWanted(document) ? this.#check(document) : undefined));
  }

  /** The image is as it is on disk, nothing is known of its health, and nothing else is going on. */
  #isWanted({ source, state, compaction }: ImageDocument): boolean {
    if (this.#isDisposed || source.kind !== 'path' || state?.summary === undefined) return false;
    if (compaction !== undefined) return false;
    const isOnDisk = state.problem === undefined && state.edits?.unsaved === 0 && state.journal === undefined;
    return isOnDisk && this.#checks.isUnknown(sourceName(source)) && isAllowed(source.path);
  }

  async #check(document: ImageDocument): Promise<void> {
    const { source, state } = document;
    if (source.kind !== 'path' || state === undefined) return;
    const { generation } = state;
    const token = new vscode.CancellationTokenSource();
    this.#tokens.add(token);
    const timer = setTimeout(() => {
      token.cancel();
    }, PATIENCE);
    // Changed while it is checked: what would be found is of no interest any more.
    const reading = document.onDidRead((now) => {
      if (now.generation !== generation) token.cancel();
    });
    try {
      const uri = vscode.Uri.file(source.path);
      const check = withEngine(
        this.#workerScript,
        uri,
        (engine) => engine.calls.checkUnattended(1),
        {},
        token.token,
      );
      const result = await Promise.race([check, whenCancelled(token.token)]);
      if (result?.ok === true) await this.#checks.learn(source, { ...result.value, generation });
    } finally {
      clearTimeout(timer);
      reading.dispose();
      this.#tokens.delete(token);
      token.dispose();
    }
  }
}

/** A thread that sits in a system call does not end when it is told to; it is not waited for. */
const whenCancelled = (token: vscode.CancellationToken): Promise<undefined> =>
  new Promise((resolve) => {
    token.onCancellationRequested(() => {
      resolve(undefined);
    });
  });

const isAllowed = (path: string): boolean =>
  vscode.workspace.getConfiguration('qcow2', vscode.Uri.file(path)).get<boolean>('checkAutomatically', true);
