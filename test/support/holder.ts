/** QEMU processes that hold an image open during a test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

export class Holder {
  private constructor(readonly child: ChildProcess) {}

  /** `qemu-io OPTIONS FILE`, which waits for commands. */
  static open(file: string, ...options: string[]): Promise<Holder> {
    return Holder.openWith('qemu-io', file, ...options);
  }

  /** The same. @param program `qemu-io`, or a copy of it under another name */
  static async openWith(program: string, file: string, ...options: string[]): Promise<Holder> {
    const child = spawn(program, [...options, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    // It answers once the image is open.
    child.stdin.write('length\n');
    const holder = new Holder(child);
    await holder.said(/\d/);
    return holder;
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

  /** Waits for a line of `qemu-io`; its other output is read too, so that it does not block. */
  said(line: RegExp): Promise<void> {
    const { stdout } = this.child;
    return new Promise((resolve) => {
      stdout?.on('data', (chunk) => {
        if (line.test(String(chunk))) resolve();
      });
      stdout?.once('close', resolve);
    });
  }

  /** Has `qemu-io` do something. */
  tell(command: string): void {
    this.child.stdin?.write(`${command}\n`);
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
