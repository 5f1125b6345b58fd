/**
 * Finds the images that use a file as their backing file: from the index of the workspace, and from the file's own folder,
 * which is searched each time whether it is indexed or not. Changing an image under its overlays corrupts them, so the
 * answer also names what could not be searched.
 */
import * as vscode from 'vscode';
import { IndexClient } from '../worker/indexClient';
import type { IndexedImage, SearchGap, Surroundings } from '../worker/indexApi';
import { log } from '../text/log';
import { ChainModel, type Dependent } from './chainModel';
import type { WorkspaceIndex } from './workspaceIndex';

/** Milliseconds after which the answer no longer waits for a search: a network mount may be dead. */
const PATIENCE = 10_000;

export interface Usage {
  /** Nearest first. */
  readonly dependents: readonly Dependent[];
  /** The chains of the workspace and around the file. */
  readonly model: ChainModel;
  /** What could not be searched; empty if everything was. */
  readonly gaps: readonly SearchGap[];
}

export class UsageSearch {
  /** A separate thread: that of the index may be busy with a long walk. */
  readonly #client: IndexClient;

  readonly #index: WorkspaceIndex;
  readonly #model: () => ChainModel;

  /** @param model the current model of the index */
  constructor(workerScript: string, index: WorkspaceIndex, model: () => ChainModel) {
    this.#index = index;
    this.#model = model;
    this.#client = new IndexClient(workerScript, (error) => {
      log.fault('The thread that looks around an image', error);
    });
  }

  /** Takes at most as long as the first index. Never rejects. @param path any name of the file */
  async of(path: string): Promise<Usage> {
    const [isIndexed, around] = await Promise.all([
      within(this.#indexed()),
      within(this.#client.lookAround(path, vscode.workspace.isTrusted)),
    ]);
    const gaps: SearchGap[] = [...this.#index.gaps];
    if (isIndexed === undefined) gaps.push({ kind: 'running' });
    if (around?.ok !== true) {
      const model = this.#model();
      gaps.push({ kind: 'running' });
      return { dependents: model.dependentsOf(path), model, gaps: distinct(gaps) };
    }
    const { identity, unreadable, isCut } = around.value;
    if (isCut) gaps.push({ kind: 'cut' });
    if (unreadable.length > 0) gaps.push({ kind: 'unreadable', paths: unreadable });
    const model = this.#modelWith(around.value);
    return { dependents: model.dependentsOf(path, identity), model, gaps: distinct(gaps) };
  }

  dispose(): void {
    this.#client.dispose();
  }

  async #indexed(): Promise<true> {
    await this.#index.start();
    await this.#index.whenSettled();
    return true;
  }

  /** The index and what lies around the file, as one forest. */
  #modelWith({ images, named }: Surroundings): ChainModel {
    const { files } = this.#index;
    const isKnown = (image: IndexedImage): boolean => {
      const known =
        files.found.get(image.path) ?? files.beside.get(image.path) ?? files.named.get(image.path);
      return known?.identity === image.identity && known?.backing?.path === image.backing?.path;
    };
    if ([...images, ...named].every(isKnown)) return this.#model();
    // The search just made is more recent.
    const found = new Map(files.found);
    const beside = new Map([...files.beside, ...byPath(images)]);
    for (const image of images) if (found.has(image.path)) found.set(image.path, image);
    return new ChainModel({ found, beside, named: new Map([...files.named, ...byPath(named)]) });
  }
}

const byPath = (images: readonly IndexedImage[]): [string, IndexedImage][] =>
  images.map((image) => [image.path, image]);

/** One gap of each kind. */
function distinct(gaps: readonly SearchGap[]): SearchGap[] {
  const paths = new Set(gaps.flatMap((gap) => (gap.kind === 'unreadable' ? gap.paths : [])));
  const others = new Map(gaps.filter(({ kind }) => kind !== 'unreadable').map((gap) => [gap.kind, gap]));
  return [
    ...others.values(),
    ...(paths.size === 0 ? [] : [{ kind: 'unreadable', paths: [...paths] } as const]),
  ];
}

/** The result if it arrives in time, otherwise undefined. */
async function within<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined);
    }, PATIENCE);
  });
  try {
    return await Promise.race([answer, over]);
  } finally {
    clearTimeout(timer);
  }
}
