/** Who writes a journal, and whether that thread still runs. A lock on the journal says so better (owner.ts). */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from '../io/systemError';
import type { Writer } from './disk';

/** The threads of this process, as the room that starts them knows them: the engine does not. */
interface Threads {
  /** Number of this thread; 0 is the main one. */
  readonly own: number;
  /** Whether another thread still runs. */
  lives(thread: number): boolean;
}

/** Unless told otherwise, there is one thread. */
let threads: Threads = { own: 0, lives: () => false };

/** Says which thread this is, and how to tell whether another one runs. Call it before anything is saved or recovered. */
export function nameThread(own: number, lives: (thread: number) => boolean): void {
  threads = { own, lives };
}

export function thisThread(): Writer {
  const { pid } = process;
  return { host: hostname(), boot: bootId(), pid, started: startOf(pid), thread: threads.own };
}

/** Whether a thread runs; undefined for one of another machine. */
export function isRunning(writer: Writer): boolean | undefined {
  if (writer.host !== hostname()) return undefined;
  if (writer.boot !== bootId()) return false;
  // 0 and negative numbers are groups of processes.
  if (!Number.isSafeInteger(writer.pid) || writer.pid <= 0 || !exists(writer.pid)) return false;
  // The number may be another process's by now.
  if (writer.started !== '' && startOf(writer.pid) !== writer.started) return false;
  if (writer.pid !== process.pid) return true;
  // This thread asks, so it does not save.
  const { thread = 0 } = writer;
  return thread !== threads.own && (thread === 0 || threads.lives(thread));
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Only Linux tells. */
function bootId(): string {
  return contentOf('/proc/sys/kernel/random/boot_id').trim();
}

/** Field 22 of proc_pid_stat(5), in ticks since boot; empty where there is none. */
function startOf(pid: number): string {
  const stat = contentOf(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie (a dead process that its parent has not waited for) does not write any more.
  return fields[0] === 'Z' ? 'dead' : (fields[19] ?? '');
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
