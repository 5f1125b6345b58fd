/** What the log says of an image: how it was opened, saved and recovered, and what its thread tells. */
import { log } from '../../text/log';
import type { EngineEvents, ImageState, Problem, Result } from '../../worker/api';

/** What has become of opening a file. @param took milliseconds */
export function logOpened({ path, problem, summary, raw, fileSize, chain }: ImageState, took: number): void {
  if (problem !== undefined) {
    log.warn(`Cannot open ${path}: ${problemLine(problem)}`);
    return;
  }
  if (raw !== undefined) {
    log.info(`Opened ${path} in ${took.toFixed(0)} ms: raw disk of ${raw.virtualSize} bytes`);
    return;
  }
  const { version = 0, virtualSize = 0, clusterSize = 0 } = summary ?? {};
  const sizes = `disk ${virtualSize} bytes, file ${fileSize} bytes, clusters of ${clusterSize} bytes`;
  const layers = chain === undefined ? '' : `, ${chain.layers.length} in its chain`;
  log.info(`Opened ${path} in ${took.toFixed(0)} ms: version ${version}, ${sizes}${layers}`);
}

/** Runs what changes files, and says how it ended and how long it took. @param doing "Save of /disk.qcow2" */
export async function logTimed<T>(doing: string, work: () => Promise<Result<T>>): Promise<Result<T>> {
  const start = performance.now();
  log.info(`${doing}: begins`);
  const result = await work();
  const took = `${(performance.now() - start).toFixed(0)} ms`;
  if (result.ok) log.info(`${doing}: done in ${took}`);
  else log.warn(`${doing}: failed after ${took}: ${problemLine(result.problem)}`);
  return result;
}

/** What a worker tells for the log. */
export const logged: Pick<EngineEvents, 'noted' | 'faulted'> = {
  noted: (line) => {
    log.info(line);
  },
  faulted: (doing, stack) => {
    log.fault(doing, stack);
  },
};

/** Code and place; of the values only what the system said, since others may be content of the file. */
function problemLine({ kind, code, file, offset, value }: Problem): string {
  const place = offset === undefined ? '' : ` at ${offset}`;
  const said = kind === 'io' && value !== undefined ? ` (${value})` : '';
  return `${code}, ${file}${place}${said}`;
}
