/** Who writes a journal, and whether that process still runs. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from '../io/systemError';
import type { Writer } from './disk';

export function thisProcess(): Writer {
  return { host: hostname(), boot: bootId(), pid: process.pid, started: startOf(process.pid) };
}

/** Whether a process runs; undefined for one of another machine. */
export function isRunning(writer: Writer): boolean | undefined {
  if (writer.host !== hostname()) return undefined;
  if (writer.boot !== bootId()) return false;
  // 0 and negative numbers are groups of processes.
  if (!Number.isSafeInteger(writer.pid) || writer.pid <= 0 || !exists(writer.pid)) return false;
  // The number may be another process's by now.
  return writer.started === '' || startOf(writer.pid) === writer.started;
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
  // A dead process that nobody waited for does not write any more.
  return fields[0] === 'Z' ? 'dead' : (fields[19] ?? '');
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
