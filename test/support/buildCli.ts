/** Global setup of Vitest: builds the command line once, for all tests that run it as a process. */
import { execFileSync } from 'node:child_process';
import { REPOSITORY } from './repository';

export default function setup(): void {
  execFileSync(process.execPath, ['esbuild.mjs', '--only=engine,reader,guest'], {
    cwd: REPOSITORY,
    stdio: 'inherit',
  });
}
