/**
 * Where an image's bytes come from, and which file it really is: one file has one session, however many names
 * (links, URIs with a fragment) lead to it.
 */
import { stat } from 'node:fs/promises';
import type { Problem } from '../../worker/api';

export type ImageSource =
  | { readonly kind: 'path'; readonly path: string }
  /** Not on a local disk (`git:`, a virtual workspace, …): read whole, shown alone. */
  | {
      readonly kind: 'bytes';
      readonly name: string;
      readonly uri: string;
      /** @throws whatever that file system throws, SourceError */
      readonly read: () => Promise<Uint8Array>;
      /** Another one when the file has changed. Never rejects. */
      readonly stamp: () => Promise<string>;
    };

/** Device and inode of a local file, its path where there is no file (yet), the URI of what is not local. */
export async function identify(source: ImageSource): Promise<string> {
  if (source.kind === 'bytes') return `uri:${source.uri}`;
  return (await fileIdentity(source.path)) ?? `path:${source.path}`;
}

/** `file:DEVICE:INODE`; nothing where the file cannot be looked at. */
async function fileIdentity(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    return `file:${found.dev}:${found.ino}`;
  } catch {
    return undefined;
  }
}

export function sourceName(source: ImageSource): string {
  return source.kind === 'path' ? source.path : source.name;
}

/** Thrown by sources that cannot be read, with the facts. */
export class SourceError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
  }
}

/** Whatever reading a source threw, as a problem of `file`. */
export function sourceProblem(file: string, error: unknown): Problem {
  if (error instanceof SourceError) return error.problem;
  const value = error instanceof Error ? error.message : String(error);
  return { kind: 'io', code: 'file.open', file, value };
}
