/** The stack of an error as lines that are safe to show, for a log or a terminal. */
import { printable } from './printable';

/** The error with a line for each call, and those of its causes below. */
export function stackText(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error));
  const { name, message, stack = '', cause } = error;
  // The message stands in the stack as it is; with line ends of its own it could pose as more of it.
  const [, ...calls] = stack.slice(Math.max(0, stack.indexOf(message)) + message.length).split('\n');
  // The extension host indents them by a tab.
  const indented = calls.map((call) => `    ${call.trim()}`);
  const lines = [`${name}: ${message}`, ...indented].map(printable).join('\n');
  return cause === undefined ? lines : `${lines}\nCaused by: ${stackText(cause)}`;
}
