/** A separate folder for each test that needs files; it is deleted with the test. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

export interface Workspace {
  /** Absolute, symbolic links resolved. */
  readonly folder: string;
  /** Absolute path of a file in it. */
  path(name: string): string;
  remove(): void;
}

export function workspace(): Workspace {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'qcow2-test-')));
  return {
    folder,
    path: (name) => path.join(folder, name),
    remove: () => {
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
