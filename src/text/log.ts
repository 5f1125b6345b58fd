/**
 * The log: lines, and every internal fault with its stack. Names of files and sizes may stand in it, content of a file or
 * a disk never. Without VS Code: vscode/logChannel.ts has the channel.
 */
import { printable } from './printable';
import { stackText } from './stackText';

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
};
