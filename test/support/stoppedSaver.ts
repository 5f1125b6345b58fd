/** A saver that stops in the middle of a save and stays alive: a process, or a thread of this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { SaverToKill } from '../faults/saverToKill';
import { until } from './worker';

export class StoppedSaver {
  readonly #runner: ChildProcess | Worker;

  private constructor(runner: ChildProcess | Worker) {
    this.#runner = runner;
  }

  /** @param call of the disk at which it stops */
  static async process(saver: SaverToKill, image: string, call: number, env = {}): Promise<StoppedSaver> {
    const args = argumentsOf(saver, image, call);
    const child = spawn(process.execPath, [saver.program, ...args], {
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    return StoppedSaver.#stopped(child, image);
  }

  /** The same in a thread of this process. */
  static async thread(saver: SaverToKill, image: string, call: number): Promise<StoppedSaver> {
    return StoppedSaver.#stopped(new Worker(saver.program, { argv: argumentsOf(saver, image, call) }), image);
  }

  static async #stopped(runner: ChildProcess | Worker, image: string): Promise<StoppedSaver> {
    await until('the saver to stop', () => existsSync(markOf(image)));
    return new StoppedSaver(runner);
  }

  /** Of its process, or of its thread. */
  get number(): number {
    return this.#runner instanceof Worker ? this.#runner.threadId : (this.#runner.pid ?? 0);
  }

  /** Ends it where it is. */
  async end(): Promise<void> {
    if (this.#runner instanceof Worker) await this.#runner.terminate();
    else if (this.#runner.exitCode === null && this.#runner.signalCode === null) {
      const ended = once(this.#runner, 'exit');
      this.#runner.kill('SIGKILL');
      await ended;
    }
  }
}

const markOf = (image: string): string => `${image}.stopped`;

function argumentsOf({ after }: SaverToKill, image: string, call: number): string[] {
  rmSync(markOf(image), { force: true });
  return [image, after, String(call), markOf(image)];
}
