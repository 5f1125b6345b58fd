/** All files being looked at, each once, with the number of documents that look. */
import { type ImageSource, identify } from './source';
import { ImageSession, type SessionContext } from './session';

export interface SessionLease {
  readonly session: ImageSession;
  /** The last one to give its lease back ends the session's thread. */
  release(): void;
}

export class Sessions {
  readonly #entries = new Map<string, { session: ImageSession; leases: number }>();
  /** Sessions that are over and whose threads still write, each for its file. */
  readonly #ending = new Map<string, Promise<void>>();

  readonly #context: SessionContext;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** The session of the file that the source leads to now. */
  async acquire(source: ImageSource): Promise<SessionLease> {
    const identity = await identify(source);
    let entry = this.#entries.get(identity);
    if (entry === undefined) {
      const session = new ImageSession(identity, this.#context, this.#ending.get(identity));
      entry = { session, leases: 0 };
      this.#entries.set(identity, entry);
    }
    entry.leases++;
    return this.#lease(identity, entry);
  }

  /** Ends all of them. @returns fulfilled once none writes any more */
  async end(): Promise<void> {
    for (const [identity, { session }] of this.#entries) this.#endOne(identity, session);
    await Promise.all(this.#ending.values());
  }

  #lease(identity: string, entry: { session: ImageSession; leases: number }): SessionLease {
    let isReleased = false;
    return {
      session: entry.session,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        if (--entry.leases === 0) this.#endOne(identity, entry.session);
      },
    };
  }

  #endOne(identity: string, session: ImageSession): void {
    if (this.#entries.get(identity)?.session !== session) return;
    this.#entries.delete(identity);
    const ended = session.dispose().finally(() => {
      if (this.#ending.get(identity) === ended) this.#ending.delete(identity);
    });
    this.#ending.set(identity, ended);
  }
}
