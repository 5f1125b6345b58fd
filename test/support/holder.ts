/** QEMU processes that have an image open while a test looks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

export class Holder {
  private constructor(readonly child: ChildProcess) {}

  /** `qemu-io OPTIONS FILE`, which waits for commands. */
  static async open(file: string, ...options: string[]): Promise<Holder> {
    const child = spawn('qemu-io', [...options, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    // It answers once the image is open.
    child.stdin.write('length\n');
    for await (const chunk of child.stdout) if (/\d/.test(String(chunk))) break;
    return new Holder(child);
  }

  /** `qemu-nbd OPTIONS FILE` on a socket of its own. */
  static async serve(file: string, socket: string, ...options: string[]): Promise<Holder> {
    const args = ['--persistent', '--socket', socket, '--pid-file', `${socket}.pid`, ...options, file];
    const child = spawn('qemu-nbd', args, { stdio: 'inherit' });
    while (!existsSync(`${socket}.pid`) && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return new Holder(child);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}
