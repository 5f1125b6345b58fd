/** How an image of the matrix is made: a few commands to qemu-img and qemu-io in a separate folder. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { abortQemuIo, mustQemuImg, mustQemuIo } from '../qemu';

export interface Recipe {
  /** A noun phrase; tests are named after it. */
  readonly name: string;
  /** Makes the files; the image to look at is `disk.qcow2` unless `image` says otherwise. */
  readonly make: (kitchen: Kitchen) => void;
  readonly image?: string;
  /** Too large to be read whole: ranges of guest bytes as [start, length] to compare instead. */
  readonly windows?: readonly (readonly [start: number, length: number])[];
  /** The secret that QEMU needs to look at it; ours shows what can be seen without. */
  readonly secret?: string;
}

export class Kitchen {
  constructor(readonly folder: string) {}

  /**
   * `qemu-img create -f qcow2 -o OPTIONS FILE SIZE`.
   * @param options comma-separated, as `-o` takes them; may be empty
   * @param extra further arguments (`-b base -F qcow2`, `--object …`)
   */
  create(file: string, size: string, options = '', extra: readonly string[] = []): this {
    const given = options === '' ? [] : ['-o', options];
    return this.img([
      'create',
      '-q',
      '-f',
      'qcow2',
      ...extra,
      ...given,
      file,
      ...(size === '' ? [] : [size]),
    ]);
  }

  /** An overlay over `backing`; without `format` the header names none. */
  overlay(file: string, backing: string, format: string | undefined, size = '', options = ''): this {
    if (format !== undefined) return this.create(file, size, options, ['-b', backing, '-F', format]);
    this.create(file, size, options, ['-b', backing, '-F', 'qcow2', '-u']);
    return this.forgetBackingFormat(file);
  }

  /** qemu-img 7.2 writes no header without a backing format: its extension is made an unknown one. */
  forgetBackingFormat(file: string): this {
    const at = fs.readFileSync(this.path(file)).indexOf(Buffer.from('e2792aca', 'hex'));
    return this.poke(file, at, Uint8Array.of(0x6e, 0x6f, 0x6e, 0x65));
  }

  img(args: readonly string[]): this {
    mustQemuImg(args, { cwd: this.folder });
    return this;
  }

  /** qemu-io commands on a qcow2 image; discards do unmap. */
  io(file: string, ...commands: string[]): this {
    mustQemuIo(file, commands, { cwd: this.folder }, ['-f', 'qcow2', '-d', 'unmap']);
    return this;
  }

  /**
   * As `create`, for an encrypted image. QEMU measures how fast it hashes by a clock of ticks, and now and then reads
   * 0 ("Unable to get accurate CPU usage"): it is asked again.
   */
  createEncrypted(file: string, size: string, options: string, secret: string): this {
    const extra = ['--object', `secret,id=key,data=${secret}`];
    for (let attempt = 1; ; attempt++) {
      try {
        return this.create(file, size, `${options},encrypt.key-secret=key`, extra);
      } catch (error) {
        if (attempt === 20 || !String(error).includes('accurate CPU usage')) throw error;
      }
    }
  }

  /** qemu-io commands on an encrypted image. */
  ioWithKey(file: string, secret: string, ...commands: string[]): this {
    const extra = ['--object', `secret,id=key,data=${secret}`, '--image-opts'];
    const options = `driver=qcow2,file.filename=${file},encrypt.key-secret=key`;
    mustQemuIo(options, commands, { cwd: this.folder }, extra);
    return this;
  }

  /** qemu-io commands, then the process dies. */
  abort(file: string, ...commands: string[]): this {
    abortQemuIo(file, commands, { cwd: this.folder });
    return this;
  }

  /** A raw file with data at the given places, and holes elsewhere. */
  raw(file: string, size: number, data: readonly (readonly [offset: number, length: number])[] = []): this {
    const descriptor = fs.openSync(path.join(this.folder, file), 'w');
    fs.ftruncateSync(descriptor, size);
    for (const [offset, length] of data) {
      const bytes = Buffer.alloc(length);
      for (let at = 0; at < length; at++) bytes[at] = 1 + ((offset + at * 7) % 255);
      fs.writeSync(descriptor, bytes, 0, length, offset);
    }
    fs.closeSync(descriptor);
    return this;
  }

  /** Overwrites bytes of a file. */
  poke(file: string, offset: number, bytes: Uint8Array): this {
    const descriptor = fs.openSync(path.join(this.folder, file), 'r+');
    fs.writeSync(descriptor, bytes, 0, bytes.length, offset);
    fs.closeSync(descriptor);
    return this;
  }

  mkdir(name: string): this {
    fs.mkdirSync(path.join(this.folder, name), { recursive: true });
    return this;
  }

  symlink(target: string, name: string): this {
    fs.symlinkSync(target, path.join(this.folder, name));
    return this;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }
}
