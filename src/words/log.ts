/**
 * What the log says: what was opened, saved and recovered, and every internal fault with its stack. Names of files and
 * sizes may stand in it, content of a file or a disk never. Without VS Code: logChannel.ts has the channel.
 */
import type { EngineEvents, ImageState, Problem, Result } from '../worker/api';
import { printable } from '../text/printable';
import { stackText } from '../text/stackText';

/** Where lines go: a `vscode.LogOutputChannel`. */
export interface LogSink {
  info(line: string): void;
  warn(line: string): void;
  error(lines: string): void;
}

const sinks = new Set<LogSink>();

/** From now on, lines go to `sink` as well; what is logged while there is none is dropped. Answers with how to end that. */
export function logTo(sink: LogSink): () => void {
  sinks.add(sink);
  return () => sinks.delete(sink);
}

export const log = {
  info(line: string): void {
    for (const sink of sinks) sink.info(printable(line));
  },

  warn(line: string): void {
    for (const sink of sinks) sink.warn(printable(line));
  },

  /** @param doing what was being done. @param error with its stack, or the stack as text of `stackText` */
  fault(doing: string, error: unknown): void {
    const lines = `${printable(doing)}\n${typeof error === 'string' ? error : stackText(error)}`;
    for (const sink of sinks) sink.error(lines);
  },

  /** What has become of opening a file. @param took milliseconds */
  opened({ path, problem, summary, fileSize, chain }: ImageState, took: number): void {
    if (problem !== undefined) {
      this.warn(`Cannot open ${path}: ${problemLine(problem)}`);
      return;
    }
    const { version = 0, virtualSize = 0, clusterSize = 0 } = summary ?? {};
    const sizes = `disk ${virtualSize} bytes, file ${fileSize} bytes, clusters of ${clusterSize} bytes`;
    const layers = chain === undefined ? '' : `, ${chain.layers.length} in its chain`;
    this.info(`Opened ${path} in ${took.toFixed(0)} ms: version ${version}, ${sizes}${layers}`);
  },

  /** Runs what changes files, and says how it ended and how long it took. @param doing "Save of /disk.qcow2" */
  async timed<T>(doing: string, work: () => Promise<Result<T>>): Promise<Result<T>> {
    const start = performance.now();
    this.info(`${doing}: begins`);
    const result = await work();
    const took = `${(performance.now() - start).toFixed(0)} ms`;
    if (result.ok) this.info(`${doing}: done in ${took}`);
    else this.warn(`${doing}: failed after ${took}: ${problemLine(result.problem)}`);
    return result;
  },
};

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
