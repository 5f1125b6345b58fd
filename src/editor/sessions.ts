/** All files being looked at, each once, with the number of documents that look. */
import { type ImageSource, identify } from './source';
import { ImageSession, type SessionContext } from './session';

export interface SessionLease {
  readonly session: ImageSession;
  /** The last one to give its lease back ends the session's thread. */
  release(): void;
}

export class Sessions {
  private readonly entries = new Map<string, { session: ImageSession; leases: number }>();

  constructor(private readonly context: SessionContext) {}

  /** The session of the file that the source leads to now. */
  async acquire(source: ImageSource): Promise<SessionLease> {
    const identity = await identify(source);
    let entry = this.entries.get(identity);
    if (entry === undefined) {
      entry = { session: new ImageSession(identity, this.context), leases: 0 };
      this.entries.set(identity, entry);
    }
    entry.leases++;
    return this.lease(identity, entry);
  }

  private lease(identity: string, entry: { session: ImageSession; leases: number }): SessionLease {
    let isReleased = false;
    return {
      session: entry.session,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        if (--entry.leases > 0) return;
        this.entries.delete(identity);
        entry.session.dispose();
      },
    };
  }
}
