/** File systems with files in them, made by `mkfs.xfs -p` without mounting, from a random tree whose contents are known. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import type { Random } from '../../builder/random';
import { run } from '../../process';
import type { TreeFile } from '../tree';
import type { Flavour } from './flavours';

export interface TreePlan {
  /** Files, folders, links and others, about. */
  readonly files: number;
  /** Entries of one large folder; 0 for none. */
  readonly largeFolder: number;
  /** Bytes of the longest file. */
  readonly longest: number;
}

export interface ProtoImage {
  readonly path: string;
  readonly tree: ReadonlyMap<string, TreeFile>;
}

/** @throws Error where mkfs.xfs fails */
export function makeProtoImage(
  folder: string,
  { args, size, isOld = false }: Flavour,
  plan: TreePlan,
  random: Random,
): ProtoImage {
  const path = `${folder}/xfs.img`;
  const builder = new ProtoBuilder(folder, plan, random, isOld);
  fs.writeFileSync(`${folder}/proto`, builder.build());
  makeXfs(path, size, [...args, '-p', `${folder}/proto`]);
  return { path, tree: builder.tree };
}

/** @param size MiB of the device @throws Error where mkfs.xfs fails */
export function makeXfs(path: string, size: number, args: readonly string[]): void {
  fs.rmSync(path, { force: true });
  fs.closeSync(fs.openSync(path, 'w'));
  fs.truncateSync(path, size * 1024 * 1024);
  const made = run('mkfs.xfs', ['--unsupported', '-q', '-f', ...args, path]);
  if (made.status !== 0) throw new Error(`mkfs.xfs ${args.join(' ')}: ${made.stderr}`);
}

const NAMES = [
  'a',
  'notes.txt',
  'Ünïcödé',
  '長い名前',
  'UPPER',
  'x',
  'with-dash',
  '.hidden',
  'émigré.md',
  '🗂',
];

class ProtoBuilder {
  readonly tree = new Map<string, TreeFile>();
  readonly #lines: string[] = ['/none', '0 0', 'd--755 0 0'];
  readonly #folder: string;
  readonly #plan: TreePlan;
  readonly #random: Random;
  readonly #longestTarget: number;
  #left: number;
  #contents = 0;

  constructor(folder: string, plan: TreePlan, random: Random, isOld: boolean) {
    this.#folder = folder;
    this.#plan = plan;
    this.#random = random;
    this.#left = plan.files;
    // Targets outside the inode have no header in version 5: mkfs.xfs 6.1 writes what no kernel reads.
    this.#longestTarget = isOld ? 1023 : 300;
  }

  build(): string {
    this.#fill('', 0);
    if (this.#plan.largeFolder > 0) this.#largeFolder();
    return [...this.#lines, '$', '$', ''].join('\n');
  }

  #fill(parent: string, depth: number): void {
    const most = depth === 0 ? this.#left : 1 + this.#random.below(40);
    for (let index = 0; index < most && this.#left > 0; index++) {
      this.#left--;
      const long = this.#random.below(30) === 0 ? 'n'.repeat(this.#random.below(200)) : '';
      this.#entry(parent, `${this.#random.pick(NAMES)}${long}${index}`, depth);
    }
  }

  #entry(parent: string, name: string, depth: number): void {
    const path = parent === '' ? name : `${parent}/${name}`;
    const kind = this.#random.below(20);
    if (kind < 4 && depth < 12) {
      this.#add(path, { type: 'folder', size: 0 }, `${name} d--755 ${this.#random.below(2000)} 100`);
      this.#fill(path, depth + 1);
      this.#lines.push('$');
    } else if (kind < 7) {
      const length = 1 + this.#random.below(this.#random.pick([40, 300, this.#longestTarget]));
      const target = 'to/'.repeat(342).slice(0, length);
      this.#add(path, { type: 'link', size: length, content: target }, `${name} l--777 0 0 ${target}`);
    } else if (kind === 7) {
      const [type, line] = this.#random.pick([
        ['pipe', 'p--644 1 2'],
        ['blockDevice', 'b--660 0 6 8 1'],
        ['characterDevice', 'c--666 0 0 1 3'],
      ] as const);
      this.#add(path, { type, size: 0 }, `${name} ${line}`);
    } else this.#file(path, name);
  }

  #file(path: string, name: string): void {
    const random = this.#random;
    const size = random.below(random.pick([2, 100, 5000, this.#plan.longest]));
    const bytes = Buffer.alloc(size, `${path} ${size} `);
    const source = `${this.#folder}/content${this.#contents++}`;
    fs.writeFileSync(source, bytes);
    const content = createHash('sha256').update(bytes).digest('hex');
    const mode = random.pick(['---644', '-u-755', '--g711', '-ug600']);
    this.#add(path, { type: 'file', size, content }, `${name} ${mode} ${random.below(70_000)} 5 ${source}`);
  }

  /** Empty files, which mkfs makes fast. */
  #largeFolder(): void {
    const { largeFolder } = this.#plan;
    this.#add('many', { type: 'folder', size: 0 }, 'many d--755 0 0');
    for (let index = 0; index < largeFolder; index++)
      this.#add(`many/entry-${index}`, { type: 'pipe', size: 0 }, `entry-${index} p--644 0 0`);
    this.#lines.push('$');
  }

  #add(path: string, file: TreeFile, line: string): void {
    this.tree.set(path, file);
    this.#lines.push(line);
  }
}
