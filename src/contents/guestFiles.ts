/** Files inside a disk as files of VS Code, to read: `qcow2-guest:` (guestUri.ts). */
import * as vscode from 'vscode';
import { plain } from '../text/plain';
import { sizeText } from '../text/sizeText';
import { describe, describeInside } from '../text/vscode/describe';
import type { Problem, Result } from '../worker/api';
import type { FileType, GuestEntry } from '../worker/contentsApi';
import { GUEST_SCHEME, guestPlace, guestUri, type GuestPlace, uriName } from './guestUri';
import type { ContentsRequest, ImageSessions } from './imageSessions';

/** Bytes; VS Code holds a file whole. Larger ones are saved from the view. */
export const LARGEST_OPENED = 64 * 1024 * 1024;
/** Bytes that are asked for at a time. */
const PIECE = 1024 * 1024;

export class GuestFiles implements vscode.FileSystemProvider {
  readonly #changeEmitter = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changeEmitter.event;
  /** URIs that VS Code watches, by image. */
  readonly #watched = new Map<string, Set<vscode.Uri>>();
  readonly #sessions: ImageSessions;

  private constructor(sessions: ImageSessions) {
    this.#sessions = sessions;
  }

  static register(sessions: ImageSessions): vscode.Disposable {
    const files = new GuestFiles(sessions);
    return vscode.Disposable.from(
      files.#changeEmitter,
      sessions.onDidChange((image) => {
        const uris = [...(files.#watched.get(image) ?? [])];
        files.#changeEmitter.fire(uris.map((uri) => ({ type: vscode.FileChangeType.Changed, uri })));
      }),
      vscode.workspace.registerFileSystemProvider(GUEST_SCHEME, files, {
        isReadonly: true,
        isCaseSensitive: true,
      }),
    );
  }

  watch(uri: vscode.Uri): vscode.Disposable {
    const place = guestPlace(uri);
    if (place === undefined) return new vscode.Disposable(() => undefined);
    const { image } = place;
    const uris = this.#watched.get(image) ?? new Set();
    this.#watched.set(image, uris.add(uri));
    const following = this.#sessions.follow(image);
    return new vscode.Disposable(() => {
      following.dispose();
      uris.delete(uri);
      if (uris.size === 0) this.#watched.delete(image);
    });
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const [place, entry] = await this.#entryAt(uri);
    const { modified = 0, size, type } = entry;
    // What is read may be another thing since the image was changed: VS Code reads again only what is newer.
    const mtime = this.#sessions.changedAt(place.image) ?? modified;
    return { type: KINDS[type], ctime: modified, mtime, size, permissions: vscode.FilePermission.Readonly };
  }

  async readDirectory(uri: vscode.Uri): Promise<[string, vscode.FileType][]> {
    const [{ image, part }, { id, type }] = await this.#entryAt(uri);
    if (type !== 'folder') throw vscode.FileSystemError.FileNotADirectory(uri);
    const { entries } = await this.#asked(uri, image, (calls) => calls.guestFolder(part, id));
    return entries.map((entry) => [uriName(entry.name), KINDS[entry.type]]);
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const [{ image, part }, { id, type, size, problem }] = await this.#entryAt(uri);
    if (type === 'folder') throw vscode.FileSystemError.FileIsADirectory(uri);
    if (problem !== undefined) throw vscode.FileSystemError.Unavailable(plain(describeInside(problem)));
    if (size > LARGEST_OPENED) throw vscode.FileSystemError.Unavailable(plain(tooLargeText(size)));
    const bytes = new Uint8Array(size);
    for (let done = 0; done < size;) {
      const piece = await this.#asked(uri, image, (calls) => calls.readGuestFile(part, id, done, PIECE));
      if (piece.length === 0) return bytes.subarray(0, done);
      bytes.set(piece.subarray(0, size - done), done);
      done += piece.length;
    }
    return bytes;
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  /** @throws FileSystemError */
  async #entryAt(uri: vscode.Uri): Promise<[GuestPlace, GuestEntry]> {
    const place = guestPlace(uri);
    if (place === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    const { image, part, path } = place;
    return [place, await this.#asked(uri, image, (calls) => calls.guestFileAt(part, path))];
  }

  async #asked<T>(uri: vscode.Uri, image: string, request: ContentsRequest<T>): Promise<T> {
    const answer: Result<T> = await this.#sessions.ask(image, request);
    if (answer.ok) return answer.value;
    throw isAbsent(answer.problem)
      ? vscode.FileSystemError.FileNotFound(uri)
      : vscode.FileSystemError.Unavailable(plain(describe(answer.problem)));
  }
}

/** Opens a file of an image, or brings it to the front. */
export async function openGuestFile(
  place: GuestPlace,
  options: vscode.TextDocumentShowOptions,
): Promise<void> {
  await vscode.commands.executeCommand('vscode.open', guestUri(place), options);
}

/** @param size bytes */
export const tooLargeText = (size: number): string =>
  vscode.l10n.t(
    'Files inside an image are opened up to {0}; this one has {1}. Use Save File from Image As… instead.',
    sizeText(LARGEST_OPENED),
    sizeText(size),
  );

const isAbsent = ({ code }: Problem): boolean =>
  code === 'guest.noFile' || code === 'guest.notFolder' || code === 'guest.noPart';

const KINDS: Readonly<Record<FileType, vscode.FileType>> = {
  file: vscode.FileType.File,
  folder: vscode.FileType.Directory,
  link: vscode.FileType.SymbolicLink,
  blockDevice: vscode.FileType.Unknown,
  characterDevice: vscode.FileType.Unknown,
  pipe: vscode.FileType.Unknown,
  socket: vscode.FileType.Unknown,
  other: vscode.FileType.Unknown,
};
