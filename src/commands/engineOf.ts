/** An engine for a command: a thread of its own, which a command may keep busy, ended when the command is. */
import * as vscode from 'vscode';
import { logged } from '../editor/model/engineLog';
import { type ImageSource, sourceName, sourceProblem } from '../editor/model/source';
import { imageSource } from '../editor/host/imageSource';
import type { ImageDocument } from '../editor/model/document';
import type { EngineEvents, OpenOptions, Result } from '../worker/api';
import { EngineClient } from '../worker/engineClient';
import { log } from '../text/log';

/**
 * Opens an image in a thread of its own for as long as `use` runs. Never rejects because of the image.
 * @param token ends what the thread does
 */
export async function withEngine<T>(
  workerScript: string,
  uri: vscode.Uri,
  use: (engine: EngineClient) => Promise<Result<T>>,
  events: Partial<EngineEvents> = {},
  token?: vscode.CancellationToken,
): Promise<Result<T>> {
  const source = imageSource(uri);
  const engine = new EngineClient(workerScript, { ...events, ...logged }, ({ file }, error) => {
    log.fault(`The thread of ${file} died`, error);
  });
  const subscription = token?.onCancellationRequested(() => {
    engine.cancel();
  });
  try {
    const { problem } = await engine.open(sourceName(source), await optionsFor(source));
    return problem === undefined ? await use(engine) : { ok: false, problem };
  } catch (error) {
    return { ok: false, problem: sourceProblem(sourceName(source), error) };
  } finally {
    subscription?.dispose();
    void engine.dispose();
  }
}

/** Whether only the thread of the editor can answer: it knows what is staged, and when a compaction leaves the file alone. */
export const belongsToEditor = (document: ImageDocument | undefined): document is ImageDocument =>
  document !== undefined && ((document.state?.edits?.unsaved ?? 0) > 0 || document.compaction !== undefined);

async function optionsFor(source: ImageSource): Promise<OpenOptions> {
  if (source.kind === 'path') return { generation: 0, followsNames: vscode.workspace.isTrusted };
  return { generation: 0, followsNames: false, bytes: await source.read() };
}
